import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { limits } from '../base/limits.ts';
import { formatFloat } from './float.ts';
import { YamlFault } from './yaml-fault.ts';
import { parseFirst } from './yaml-mend.ts';
import { resolveScalar } from './yaml-scalar.ts';
import { refusedTab } from './yaml-tabs.ts';

/**
 * YAML as go-yaml v2 decodes it without a type in mind: YAML 1.1, where `yes` is true and 012 is ten. An
 * integer is a bigint, a float a number.
 */
export type Yaml = null | boolean | bigint | number | string | readonly Yaml[] | YamlMap;
export type YamlMap = ReadonlyMap<YamlKey, Yaml>;
export type YamlKey = null | boolean | bigint | number | string;

/** The first document of a text; null when there is none. Keys that come twice: the last counts. */
export function readYaml(source: string): Yaml {
  if (source.length > limits.templateYamlBytes) {
    throw new YamlFault(`more than ${limits.templateYamlBytes} bytes`);
  }
  const control = source.search(forbidden);
  if (control >= 0) throw new YamlFault('a control character', lineAt(source, control));
  // YAML 1.1 breaks lines at these too; at those of Unicode only before anything else, since a quoted text keeps them.
  const broken = source
    .replace(/\r\n?|\u0085/g, '\n')
    .replace(blankStart, (blank) => blank.replace(/[\u2028\u2029]/g, '\n'));
  checkHeading(broken);
  const { text, document } = parseFirst(broken);
  const tab = refusedTab(text);
  if (tab !== undefined) throw new YamlFault('a tab where only spaces may be', lineAt(text, tab));
  if (document === undefined) return null;
  checkDocument(text, document);
  return new Decoder(text, document).value(document.contents as Node | null);
}

/** What go-yaml's reader lets through are tab, line breaks and what can be seen. */
const forbidden = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** Blank lines and comments. */
const blankStart = /^(?:[ \n\u2028\u2029]+|#[^\n\u2028\u2029]*)+/;

function checkDocument(text: string, document: Document): void {
  for (const { code, pos } of document.errors) {
    if (code === 'UNEXPECTED_TOKEN' && isAfterRoot(text, document.contents as Node | null, pos[0])) break;
    throw new YamlFault(reasonOf(code), lineAt(text, pos[0]));
  }
}

/** Comments and directives that a text begins with, and whether a document's end follows. */
const heading = /^((?:[ \t]*(?:#.*)?\n|%.*(?:\n|$))*)(\.\.\.(?:\s|$))?/;

function checkHeading(text: string): void {
  const [, head = '', end] = heading.exec(text) ?? [];
  if (end !== undefined) throw new YamlFault('an end of document before any document');
  const directives = head.split('\n').filter((line) => line.startsWith('%'));
  if (directives.some((line) => !/^%(YAML[ \t]+1\.1|TAG[ \t]+\S+[ \t]+\S+)[ \t]*(#.*)?$/.test(line))) {
    throw new YamlFault('a directive that is neither %YAML 1.1 nor %TAG');
  }
  if (directives.length > 0 && !/^---(\s|$)/.test(text.slice(head.length))) {
    throw new YamlFault('directives without the --- that ends them');
  }
}

/** go-yaml stops reading where the root node ends: it never looks at what follows a `}`, nor at what follows in a
 * lower column. */
function isAfterRoot(text: string, root: Node | null, offset: number): boolean {
  const [start, end] = root?.range ?? [];
  if (root === null || start === undefined || end === undefined) return false;
  // Its scanner still looks at the one token behind.
  if (/[@`]/.test(text.charAt(offset))) return false;
  if ((isMap(root) || isSeq(root)) && root.flow) return offset >= end;
  const indent = indentAt(text, start);
  return indent !== undefined && (indentAt(text, offset) ?? indent) < indent;
}

/** Spaces before an offset when there is nothing else on its line, but for an anchor or a tag. */
function indentAt(text: string, offset: number): number | undefined {
  const before = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  return /^( *)(?:[&!]\S* +)*$/.exec(before)?.[1]?.length;
}

/** The library's messages may quote the text; its codes do not. */
function reasonOf(code: string): string {
  return `not YAML (${code.toLowerCase().replaceAll('_', ' ')})`;
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

class Decoder {
  readonly #text: string;
  readonly #document: Document;
  /** Nodes whose value is being made, to notice one that contains itself. */
  readonly #open = new Set<Node>();
  #count = 0;

  constructor(text: string, document: Document) {
    this.#text = text;
    this.#document = document;
  }

  value(node: Node | null): Yaml {
    if (++this.#count > limits.yamlNodeCount)
      throw new YamlFault('too many nodes, aliases counted as often as used');
    if (node === null) return null;
    if (isScalar(node)) return this.#scalar(node);
    const target = isAlias(node) ? node.resolve(this.#document) : node;
    if (target === undefined) throw this.#fault(node, 'an alias without its anchor');
    if (isScalar(target)) return this.#scalar(target);
    if (this.#open.has(target)) throw this.#fault(node, 'an anchor that contains itself');
    if (this.#open.size > limits.templateValueDepthCount) throw this.#fault(node, 'nested too deep');
    this.#open.add(target);
    const value = isMap(target) ? this.#map(target) : this.#list(target);
    this.#open.delete(target);
    return value;
  }

  #scalar(node: Scalar): Yaml {
    const isPlain = node.type === undefined || node.type === 'PLAIN';
    const resolved = resolveScalar(this.#source(node, isPlain), node.tag, isPlain);
    if (resolved === undefined) throw this.#fault(node, 'a value that does not fit its tag');
    return resolved;
  }

  #source(node: Scalar, isPlain: boolean): string {
    const source = String(node.source ?? node.value ?? '');
    const [start = 0, end = 0] = node.range ?? [];
    if (isPlain && /[\u2028\u2029]/.test(source))
      throw this.#fault(node, 'a line break of Unicode in plain text');
    if (node.type === 'QUOTE_DOUBLE') this.#checkQuoted(node, this.#text.slice(start, end));
    const isBlock = node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED';
    // The library ends the last line of a block, go-yaml leaves it as it is.
    return isBlock && end >= this.#text.length && !this.#text.endsWith('\n')
      ? source.replace(/\n$/, '')
      : source;
  }

  /** Two faults of which the library takes no notice. */
  #checkQuoted(node: Scalar, quoted: string): void {
    if (!/^"[^"\\]*(?:\\[\s\S][^"\\]*)*"/.test(quoted)) throw this.#fault(node, 'a quote that is not closed');
    if (hasSurrogateEscape(quoted)) throw this.#fault(node, 'half a character as \\u escape');
  }

  #list(node: Node): Yaml {
    if (!isSeq(node)) throw this.#fault(node, 'an unknown kind of node');
    return node.items.map((item) => {
      // With the `!!omap` tags of YAML 1.1 unknown, an item may still be a lone pair in flow style.
      if (isPair(item))
        return new Map([[this.#key(item.key as Node | null), this.value(item.value as Node | null)]]);
      return this.value(item as Node | null);
    });
  }

  #map(node: YAMLMap): YamlMap {
    const map = new Map<YamlKey, Yaml>();
    for (const { key, value } of node.items) {
      if (isMergeKey(key as Node | null)) this.#merge(map, value as Node | null);
      else map.set(this.#key(key as Node | null), this.value(value as Node | null));
    }
    return map;
  }

  #key(node: Node | null): YamlKey {
    const key = this.value(node);
    if (typeof key === 'object' && key !== null) throw this.#fault(node, 'a map or list as a key');
    return key;
  }

  /** A merge overwrites what stands before it; of several maps the first counts most. */
  #merge(map: Map<YamlKey, Yaml>, node: Node | null): void {
    const merged = this.value(node);
    const maps = Array.isArray(merged) ? merged.toReversed() : [merged];
    for (const one of maps) {
      if (!(one instanceof Map)) throw this.#fault(node, 'a merge of what is no map');
      for (const [key, value] of one) map.set(key, value);
    }
  }

  #fault(node: Node | null, reason: string): YamlFault {
    const offset = node?.range?.[0];
    return new YamlFault(reason, offset === undefined ? undefined : lineAt(this.#text, offset));
  }
}

function hasSurrogateEscape(quoted: string): boolean {
  return (quoted.match(/\\(u[dD][89a-fA-F][0-9a-fA-F]{2}|[\s\S])/g) ?? []).some(
    (escaped) => escaped.length > 2,
  );
}

function isMergeKey(node: Node | null): boolean {
  return (
    isScalar(node) &&
    node.source === '<<' &&
    (node.type === 'PLAIN' || node.tag === 'tag:yaml.org,2002:merge')
  );
}

/**
 * A text as a flat map of strings, as sigs.k8s.io/yaml reads it into a map[string]string: scalars get their
 * type first and are written out again, so `on` is "true", 012 "10", 1.10 "1.1" and null "".
 */
export function readFlatYaml(text: string): Map<string, string> {
  const value = readYaml(text);
  const flat = new Map<string, string>();
  if (value === null) return flat;
  if (!(value instanceof Map)) throw new YamlFault('the text is no map of keys to values');
  for (const [key, member] of value) flat.set(keyText(key), flatText(member));
  return flat;
}

/** A key as sigs.k8s.io/yaml makes JSON's of it. */
export function keyText(key: YamlKey): string {
  if (key === null || (typeof key === 'bigint' && key > 0x7fff_ffff_ffff_ffffn)) {
    throw new YamlFault('a key that is null or too large a number');
  }
  if (typeof key !== 'number') return String(key);
  const text = formatFloat(key, 'g', -1, 32);
  return { '+Inf': '.inf', '-Inf': '-.inf', NaN: '.nan' }[text] ?? text;
}

function flatText(value: Yaml): string {
  if (value === null) return '';
  if (typeof value === 'number') return formatFloat(value, 'g', -1, 32);
  if (typeof value === 'object')
    throw new YamlFault('a value that is a map or a list where only text can be');
  return String(value);
}
