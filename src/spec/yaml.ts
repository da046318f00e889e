import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type ScalarTag,
  type Tags,
  visit,
  type YAMLMap,
  type Document as YamlDocument,
} from 'yaml';
import { AgentError, type At, asAgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { isTooDeep, type SpecDocument, type SpecFile, tooManyDocuments, type YamlFile } from './document.ts';
import type { Path } from './path.ts';
import { pathText } from './path.ts';
import { shown } from './schema/rules.ts';

/**
 * Every document of a file. Text is split at `---` lines first, so that a fault in one document cannot
 * reach the next. Scalars mean what `kubectl apply` takes them for (go-yaml v2): `yes`, `on` and `y` are
 * booleans, `0777` is octal, `1:30` and dates are strings. Keys that are given twice, unknown tags, NaN and
 * infinity are errors.
 */
export function readYaml(file: SpecFile): YamlFile {
  const foreign = notText(file);
  if (foreign !== undefined) return { documents: [], problems: [foreign] };
  const documents: SpecDocument[] = [];
  const problems: AgentError[] = [];
  const chunks = split(file.text);
  if (chunks.length > limits.specDocumentCount) return { documents, problems: [tooManyDocuments(file.path)] };
  for (const chunk of chunks) {
    try {
      documents.push(...readChunk(file.path, chunk));
    } catch (error) {
      problems.push(asYamlError(error, { file: file.path, line: chunk.line }));
    }
  }
  return { documents, problems };
}

/** Control characters are not YAML; what holds them is a program or an archive. */
function notText(file: SpecFile): AgentError | undefined {
  const offset = file.text.search(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd]/);
  if (offset < 0) return undefined;
  const before = file.text.slice(0, offset).split('\n');
  const at = { file: file.path, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  const remedy = 'keep only YAML or JSON files among the specs';
  return new AgentError('SpecInvalid', 'the file is not text', { at, remedy });
}

interface Chunk {
  readonly text: string;
  /** 1-based. */
  readonly line: number;
}

function split(text: string): Chunk[] {
  const chunks: Chunk[] = [];
  let line = 1;
  for (const part of text.split(/^(?=---(?:\s|$))/m)) {
    if (hasContent(part)) chunks.push({ text: part, line });
    line += part.split('\n').length - 1;
  }
  return chunks;
}

/** Something beside comments, markers and directives. */
function hasContent(text: string): boolean {
  return text
    .split('\n')
    .some((line) => !/^(?:\ufeff)?(?:---\s*(?:#.*)?|\.\.\.\s*|\s*(?:#.*)?|%.*)$/.test(line));
}

function readChunk(path: string, chunk: Chunk): SpecDocument[] {
  if (isTooDeep(chunk.text)) throw new AgentError('SpecInvalid', yamlMessage('RESOURCE_EXHAUSTION'));
  const lines = new LineCounter();
  const options = { version: '1.1', merge: true, uniqueKeys: false, customTags, lineCounter: lines } as const;
  const documents = parseAllDocuments(chunk.text, { ...options, prettyErrors: false, logLevel: 'silent' });
  const positionOf = (offset: number): At => {
    const { line, col } = lines.linePos(offset);
    return { file: path, line: chunk.line + line - 1, column: col };
  };
  if (!Array.isArray(documents)) return [];
  return (documents as YamlDocument[])
    .map((document) => readDocument(document, chunk.text, positionOf))
    .filter(isFilled);
}

function fieldOf(path: Path): { field?: string } {
  return path.length === 0 ? {} : { field: pathText(path) };
}

type PositionOf = (offset: number) => At;

function isFilled(document: SpecDocument): boolean {
  return document.value !== null && document.value !== undefined;
}

function readDocument(document: YamlDocument, source: string, positionOf: PositionOf): SpecDocument {
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) {
    const at = positionOf(fault.pos[0]);
    throw new AgentError('SpecInvalid', yamlMessage(fault.code), { at });
  }
  checkKeys(document, positionOf);
  const value: unknown = document.toJS({ maxAliasCount: limits.yamlAliasCount });
  checkNodes(value);
  const whole = positionOf(document.contents?.range?.[0] ?? 0);
  const place = (node: Node | undefined) => (node?.range ? positionOf(node.range[0]) : whole);
  return {
    value,
    at: (path) => ({ ...place(locate(document, path).label), ...fieldOf(path) }),
    textAt: (path) => ({
      ...textPlace(locate(document, path).node, source, positionOf),
      ...fieldOf(path),
    }),
  };
}

/** JSON has only names for keys, and each once. Done here and not by the library, whose own check of
 * uniqueness takes a time that grows with the square of the keys. */
function checkKeys(document: YamlDocument, positionOf: PositionOf): void {
  let aliases = 0;
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const { key } of map.items as Pair<Node | null>[]) {
        const fault = keyFault(key, seen);
        if (fault === undefined) continue;
        throw new AgentError('SpecInvalid', fault, { at: positionOf(key?.range?.[0] ?? 0) });
      }
    },
    Alias() {
      if (++aliases > limits.yamlAliasCount) throw tooManyAliases();
    },
  });
}

function keyFault(key: Node | null, seen: Set<string>): string | undefined {
  if (isMap(key)) return 'a key must be a name; put {{ … }} in quotes, and render a chart first';
  if (!isScalar(key) || key.value === null) return 'a key must be a name';
  const name = String(key.value);
  if (seen.has(name) && name !== '<<') return `the key ${shown(name)} is given twice`;
  seen.add(name);
  return undefined;
}

function tooManyAliases(): AgentError {
  const remedy = `use at most ${limits.yamlAliasCount} aliases in a document`;
  return new AgentError('SpecInvalid', 'YAML aliases expand to too much', { remedy });
}

/** The library's own messages may hold a piece of the text, and with it a secret. */
const yamlFaults: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'an alias is not well written',
  BAD_DIRECTIVE: 'a % directive is not known',
  BAD_DQ_ESCAPE: 'a quoted string has an escape that is not known',
  BAD_INDENT: 'the indentation does not fit',
  BAD_SCALAR_START: 'a value starts with a reserved character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a mapping stands where a value is expected; a colon may be missing quotes',
  BLOCK_IN_FLOW: 'an indented block stands inside brackets',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters',
  MISSING_CHAR:
    'a closing quote or bracket, a comma, a colon or a space is missing, or a line starts too far left or right',
  MULTILINE_IMPLICIT_KEY: 'a key runs over several lines; a colon may be missing',
  MULTIPLE_ANCHORS: 'a value has two anchors',
  MULTIPLE_TAGS: 'a value has two tags',
  RESOURCE_EXHAUSTION: 'it is nested too deeply',
  TAB_AS_INDENT: 'a tab is used for indentation',
  TAG_RESOLVE_FAILED: 'a tag such as !name is not known here',
  UNEXPECTED_TOKEN: 'something stands where it is not expected',
};

function yamlMessage(code: string): string {
  return `not valid YAML: ${yamlFaults[code] ?? 'it cannot be read'}`;
}

function asYamlError(thrown: unknown, at: At): AgentError {
  if (thrown instanceof AgentError) return thrown.within(at);
  if (thrown instanceof RangeError)
    return new AgentError('SpecInvalid', 'the YAML is nested too deeply', { at });
  if (thrown instanceof ReferenceError) return aliasError(thrown).within(at);
  return asAgentError(thrown, 'SpecInvalid', at);
}

function aliasError(thrown: ReferenceError): AgentError {
  if (thrown.message.startsWith('Excessive')) return tooManyAliases();
  return new AgentError('SpecInvalid', 'not valid YAML: an alias refers to an anchor that is not there');
}

/** Counts what aliases expand to, and refuses what JSON cannot hold. */
function checkNodes(value: unknown): void {
  const open: unknown[] = [value];
  for (let count = 1; open.length > 0; count++) {
    if (count > limits.yamlNodeCount) {
      throw new AgentError('SpecInvalid', `the document has more than ${limits.yamlNodeCount} values`, {
        remedy: 'split it into several documents',
      });
    }
    const next = open.pop();
    if (typeof next === 'number' && !Number.isFinite(next)) {
      throw new AgentError('SpecInvalid', 'the document holds a number that is not finite');
    }
    if (typeof next === 'object' && next !== null)
      for (const member of Object.values(next)) open.push(member);
  }
}

interface Located {
  /** The member's name, else the element, else the nearest parent's. */
  readonly label: Node | undefined;
  /** The value itself; undefined when it is not there. */
  readonly node: Node | undefined;
}

function locate(document: YamlDocument, path: Path): Located {
  let node = resolve(document, document.contents ?? undefined);
  let label = node;
  for (const part of path) {
    const child = childOf(node, part);
    if (child === undefined) return { label, node: undefined };
    label = child.label;
    node = resolve(document, child.node);
  }
  return { label, node };
}

function resolve(document: YamlDocument, node: Node | undefined): Node | undefined {
  return isAlias(node) ? ((node as Alias).resolve(document) as Node | undefined) : node;
}

function childOf(node: Node | undefined, part: string | number): Located | undefined {
  if (isSeq(node)) {
    const element = node.items[Number(part)] as Node | undefined;
    return element === undefined ? undefined : { label: element, node: element };
  }
  if (!isMap(node)) return undefined;
  const pair = membersOf(node).get(String(part));
  return pair === undefined ? undefined : { label: pair.key, node: pair.value ?? undefined };
}

type Member = Pair<Node, Node | null>;

const members = new WeakMap<YAMLMap, ReadonlyMap<string, Member>>();

/** By name, found once for each map: to look for thousands of unknown fields one by one took minutes. */
function membersOf(map: YAMLMap): ReadonlyMap<string, Member> {
  const known = members.get(map);
  if (known !== undefined) return known;
  const found = new Map<string, Member>();
  for (const pair of map.items as Member[]) {
    if (isScalar(pair.key) && !found.has(String(pair.key.value))) found.set(String(pair.key.value), pair);
  }
  members.set(map, found);
  return found;
}

/** A quoted text starts after its quote; a block on the line after its header, in the column of its indent,
 * which all its lines share. */
function textPlace(node: Node | undefined, source: string, positionOf: PositionOf): At {
  const start = node?.range?.[0] ?? 0;
  if (!isScalar(node)) return positionOf(start);
  if (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') return positionOf(start + 1);
  const header = source.indexOf('\n', start);
  const block = node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED';
  if (!block || header < 0) return positionOf(start);
  const indent = /^(?:[ \t]*\r?\n)*( *)/.exec(source.slice(header + 1, node.range?.[1]))?.[1]?.length ?? 0;
  return { ...positionOf(header + 1), column: indent + 1 };
}

/** YAML 1.1 as go-yaml v2 narrows it; checked against sigs.k8s.io/yaml v1.4.0. */
function customTags(tags: Tags): Tags {
  const foreign = new Set(['timestamp', 'omap', 'pairs', 'set', 'binary', 'float']);
  const kept = tags.filter((tag) => {
    if (typeof tag === 'string') return !foreign.has(tag);
    const name = tag.tag.replace('tag:yaml.org,2002:', '');
    return !foreign.has(name) && !('format' in tag && tag.format === 'TIME');
  });
  return [...kept, octal, float, notANumber];
}

const octal: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0o[0-7]+$/,
  resolve: (text) => Number(text.replace(/^[-+]/, '')) * (text.startsWith('-') ? -1 : 1),
};

const float: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  test: /^[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$/,
  resolve: (text) => Number(text.replaceAll('_', '')),
};

const notANumber: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  test: /^(?:[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN)$/,
  resolve: () => Number.NaN,
};
