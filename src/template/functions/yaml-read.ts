import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseAllDocuments, Scalar as YamlScalar, type YAMLMap, type Document } from 'yaml';
import { limits } from '../../base/limits.ts';
import { GoError } from '../func.ts';
import { fromText, toText } from '../value.ts';
import { fromBase64 } from './encoding.ts';
import { type Resolved, resolveScalar, type Scalar } from './yaml-scalar.ts';

/** A document as go-yaml v2 reads it into an interface; text is binary. */
export type YamlValue = Scalar | YamlValue[] | Map<Scalar, YamlValue>;

const prefix = 'tag:yaml.org,2002:';

/** The first document of a text; what follows it is not looked at. Throws GoError for what is no YAML. */
export function readYaml(text: string): YamlValue {
  const documents = parseAllDocuments(toText(text), {
    version: '1.1',
    // Every scalar stays text; go-yaml's own rules give it a type below.
    schema: 'failsafe',
    uniqueKeys: false,
    resolveKnownTags: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const first = Array.isArray(documents) ? documents[0] : undefined;
  if (first === undefined) return null;
  const error = first.errors[0];
  if (error !== undefined) throw new GoError(`yaml: line ${lineOf(text, error.pos[0])}: ${error.code}`);
  return new Reading(first).value(first.contents as Node | null, 0);
}

function lineOf(text: string, offset: number): number {
  return toText(text).slice(0, offset).split('\n').length;
}

class Reading {
  readonly #document: Document.Parsed;
  readonly #open = new Set<Node>();
  #nodeCount = 0;

  constructor(document: Document.Parsed) {
    this.#document = document;
  }

  value(node: Node | null, depth: number): YamlValue {
    if (++this.#nodeCount > limits.yamlNodeCount) throw new GoError('yaml: document contains excessive aliasing');
    if (depth > limits.templateValueDepthCount) throw new GoError('yaml: exceeded max depth');
    if (node === null) return null;
    if (isAlias(node)) return this.#alias(node.resolve(this.#document) as Node | undefined, node.source, depth);
    if (isSeq(node)) return node.items.map((item) => this.value(item as Node, depth + 1));
    if (isMap(node)) {
      const map = new Map<Scalar, YamlValue>();
      this.#fill(map, node, depth);
      return map;
    }
    return scalarOf(node as YamlScalar<string>);
  }

  #alias(target: Node | undefined, name: string, depth: number): YamlValue {
    if (target === undefined) throw new GoError(`yaml: unknown anchor '${name}' referenced`);
    if (this.#open.has(target)) throw new GoError(`yaml: anchor '${name}' value contains itself`);
    this.#open.add(target);
    const value = this.value(target, depth);
    this.#open.delete(target);
    return value;
  }

  #fill(map: Map<Scalar, YamlValue>, node: YAMLMap, depth: number): void {
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      if (isMergeKey(pair.key)) {
        this.#merge(map, pair.value, depth);
        continue;
      }
      const key = this.value(pair.key, depth + 1);
      if (Array.isArray(key) || key instanceof Map) throw new GoError('yaml: invalid map key');
      map.set(key, this.value(pair.value, depth + 1));
    }
  }

  /** Into the map as it stands: what came before is replaced, what comes later replaces. */
  #merge(map: Map<Scalar, YamlValue>, value: Node | null, depth: number): void {
    const source = isAlias(value) ? (value.resolve(this.#document) as Node | undefined) : value;
    if (++this.#nodeCount > limits.yamlNodeCount || depth > limits.templateValueDepthCount) {
      throw new GoError('yaml: document contains excessive aliasing');
    }
    if (isMap(source)) return this.#fill(map, source, depth + 1);
    if (!isSeq(source) || isAlias(value)) {
      throw new GoError('yaml: map merge requires map or sequence of maps as the value');
    }
    for (const item of [...source.items].reverse()) {
      const one = isAlias(item) ? item.resolve(this.#document) : item;
      if (!isMap(one)) throw new GoError('yaml: map merge requires map or sequence of maps as the value');
      this.#fill(map, one, depth + 1);
    }
  }
}

function isMergeKey(key: unknown): boolean {
  if (!isScalar(key) || key.value !== '<<') return false;
  return key.tag === `${prefix}merge` || (isPlain(key as YamlScalar<string>) && key.tag === undefined);
}

function isPlain(node: YamlScalar<string>): boolean {
  return node.type === undefined || node.type === YamlScalar.PLAIN;
}

function scalarOf(node: YamlScalar<string>): Scalar {
  const text = fromText(node.value ?? '');
  const tag = node.tag;
  if (tag === undefined || tag === '!') return tag === undefined && isPlain(node) ? valueOf(resolveScalar(text)) : text;
  const short = tag.startsWith(prefix) ? tag.slice(prefix.length) : undefined;
  switch (short) {
    case 'binary':
      return fromBase64(text);
    case 'bool':
    case 'int':
    case 'float':
    case 'null':
    case 'timestamp':
      return tagged(text, short);
    default:
      return text;
  }
}

function tagged(text: string, tag: string): Scalar {
  const found = resolveScalar(text, tag === 'timestamp');
  if (found.tag === tag) return valueOf(found);
  if (tag === 'float' && found.tag === 'int') return Number(found.value);
  // The text goes where the template's own output goes: it is the value of the key Error.
  throw new GoError(`yaml: cannot decode !!${found.tag} \`${toText(text)}\` as a !!${tag}`);
}

/** A timestamp stays text where nothing asks for a time. */
function valueOf({ value }: Resolved): Scalar {
  return value;
}
