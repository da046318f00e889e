import { limits } from '../../base/limits.ts';
import { formatFloat } from '../float.ts';
import { type Call, type CallContext, GoError } from '../func.ts';
import { keyText, readYaml, type Yaml } from '../go-yaml.ts';
import { isLetter, isValidUtf8, runesOf } from '../utf8.ts';
import {
  anySlice,
  dict,
  type Float32,
  type Func,
  fromText,
  GoMap,
  type Int,
  Named,
  Slice,
  Struct,
  toText,
  type Value,
} from '../value.ts';
import { YamlFault } from '../yaml-fault.ts';
import { resolveScalar } from '../yaml-scalar.ts';
import { bytesOf } from './cast.ts';
import { toBase64 } from './encoding.ts';
import { quoteJson, scalarJson } from './json.ts';
import { byBytes } from './lists.ts';
import { replaceInvalid } from './runes.ts';
import { type Tree, YamlWriter } from './yaml-write.ts';

/** toYaml and fromYaml as ESO has them: sigs.k8s.io/yaml, which goes through JSON both ways. */

/** Nothing where Go has an error; one newline at the end is taken off. */
export const toYaml: Call = ([value], context) => {
  try {
    const text = new YamlWriter(context).write(treeOf(value!, context, 0));
    return text.endsWith('\n') ? text.slice(0, -1) : text;
  } catch (error) {
    if (error instanceof GoError) return '';
    throw error;
  }
};

/** A map; with the key Error where the text is none. */
export const fromYaml: Call = ([text], context) => {
  context.step((text as string).length >> 3);
  try {
    if (!isValidUtf8(text as string)) throw new GoError('yaml: invalid UTF-8');
    const value = jsonValue(readYaml(toText(text as string)), context);
    if (value === null) return dict();
    if (value instanceof GoMap) return value;
    const kind = value instanceof Slice ? 'array' : kindNames[typeof value];
    const message = `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`;
    return dict([['Error', `error unmarshaling JSON: while decoding JSON: ${message}`]]);
  } catch (error) {
    if (!(error instanceof GoError)) throw error;
    const origin = error instanceof YamlFault ? 'yaml: ' : '';
    return dict([['Error', `error converting YAML to JSON: ${origin}${fromText(error.message)}`]]);
  }
};

const kindNames: Readonly<Record<string, string>> = { boolean: 'bool', number: 'number', string: 'string' };

/** As JSON makes Go values: all numbers floats, all keys strings. */
function jsonValue(value: Yaml, context: CallContext): Value {
  context.step();
  if (Array.isArray(value)) return anySlice(value.map((item: Yaml) => jsonValue(item, context)));
  if (value instanceof Map) {
    return dict([...value].map(([key, item]) => [fromText(keyText(key)), jsonValue(item, context)] as const));
  }
  if (typeof value === 'string') return fromText(value);
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new GoError(`json: unsupported value: ${formatFloat(value, 'g', -1)}`);
  }
  return value as boolean | number | null;
}

/** FormatFloat with %g, infinities as YAML has them. */
function floatText(value: number, bits: 32 | 64): string {
  if (Number.isNaN(value)) return '.nan';
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf';
  return formatFloat(bits === 32 ? Math.fround(value) : value, 'g', -1, bits);
}

/** What JSON and back makes of a value, ready to be written. */
function treeOf(value: Value, context: CallContext, depth: number): Tree {
  context.step();
  if (depth > limits.templateValueDepthCount) throw new GoError('json: the value is nested too deep');
  if (value instanceof Named) return treeOf(value.value, context, depth);
  if (value instanceof Slice) return listTree(value, context, depth);
  if (value instanceof GoMap) return mapTree(value, context, depth);
  if (value instanceof Struct) return structTree(value, context, depth);
  if (typeof value === 'string') return textTree(value);
  return { kind: 'plain', text: scalarText(value) };
}

function scalarText(value: null | boolean | bigint | number | Int | Float32 | Func): string {
  const text = scalarJson(value, { html: true });
  const read = resolveScalar(text, undefined, true);
  if (read === null || read === undefined) return 'null';
  return typeof read === 'number' ? floatText(read, 64) : String(read);
}

function listTree(list: Slice, context: CallContext, depth: number): Tree {
  if (list.isNil) return { kind: 'plain', text: 'null' };
  if (list.elem === 'uint8') return textTree(toBase64(bytesOf(list)));
  return { kind: 'list', items: list.items.map((item) => treeOf(item, context, depth + 1)) };
}

function mapTree(map: GoMap, context: CallContext, depth: number): Tree {
  if (map.isNil) return { kind: 'plain', text: 'null' };
  if (map.key === 'bool' || map.key.startsWith('float')) throw new GoError('json: unsupported type');
  const entries = [...map.entries].map(([key, item]) => [String(key), item] as const);
  return entriesTree(entries, context, depth);
}

function structTree(struct: Struct, context: CallContext, depth: number): Tree {
  if (struct.isNil) return { kind: 'plain', text: 'null' };
  const own = struct.type.methods?.['MarshalJSON'];
  if (own === undefined) {
    const exported = [...struct.fields].filter(([name]) => /^[A-Z]/.test(name));
    return entriesTree(exported, context, depth);
  }
  // What has a JSON text of its own here writes a string.
  const bytes = own.call(struct as never, [], context) as Slice;
  return textTree(fromText(JSON.parse(toText(bytesOf(bytes))) as string));
}

function entriesTree(
  entries: readonly (readonly [string, Value])[],
  context: CallContext,
  depth: number,
): Tree {
  const trees = new Map<string, Tree>();
  // Sorted by bytes first, as JSON has them, so that the last of equal keys is the same.
  for (const [key, item] of [...entries].sort(([a], [b]) => byBytes(a, b))) {
    checkKey(key);
    trees.set(passed(key), treeOf(item, context, depth + 1));
  }
  return { kind: 'map', entries: [...trees].sort(([a], [b]) => byNature(a, b)) };
}

/** The YAML reader that JSON is put through looks no further than this for the colon behind a key. */
const keyLookaheadChars = 1024;

function checkKey(key: string): void {
  // A next-line character makes it a key of two lines, which is none.
  if (runesOf(quoteJson(key, { html: true })).length > keyLookaheadChars || key.includes('\xc2\x85')) {
    throw new GoError("yaml: could not find expected ':'");
  }
}

function textTree(text: string): Tree {
  return { kind: 'text', text: passed(text) };
}

/** A string after JSON and YAML's reader: control characters are refused, next-line characters folded. */
function passed(text: string): string {
  const valid = isValidUtf8(text) ? text : replaceInvalid(text);
  if (/\x7f|\xc2[\x80-\x84\x86-\x9f]|\xef\xbf[\xbe\xbf]/.test(valid)) {
    throw new GoError('yaml: control characters are not allowed');
  }
  return valid.includes('\xc2\x85') ? folded(valid) : valid;
}

/** One line break is a space, more are as many less one; spaces beside them go. Tabs stay: JSON escapes them. */
function folded(text: string): string {
  const lines = text.split('\xc2\x85');
  let result = trimEnd(lines[0]!);
  let breakCount = 0;
  lines.slice(1).forEach((line, i) => {
    breakCount++;
    const isLast = i === lines.length - 2;
    const start = line.replace(/^ +/, '');
    const content = isLast ? start : trimEnd(start);
    if (content === '' && !isLast) return;
    result += breakCount === 1 ? ' ' : '\n'.repeat(breakCount - 1);
    result += content;
    breakCount = 0;
  });
  return result;
}

function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === ' ') end--;
  return text.slice(0, end);
}

/** go-yaml's order of keys: runs of digits by their number, letters after other characters. */
function byNature(a: string, b: string): number {
  const left = runesOf(a);
  const right = runesOf(b);
  for (let i = 0; i < left.length && i < right.length; i++) {
    if (left[i] !== right[i]) return byCharacter(left, right, i);
  }
  return left.length - right.length;
}

const isDigit = (rune: number | undefined): boolean =>
  rune !== undefined && /^\p{Nd}$/u.test(String.fromCodePoint(rune));

function byCharacter(left: readonly number[], right: readonly number[], at: number): number {
  const [a, b] = [left[at]!, right[at]!];
  if (isLetter(a) && isLetter(b)) return a - b;
  if (isLetter(a) || isLetter(b)) return isLetter(b) ? -1 : 1;
  const lead = (a === 0x30 || b === 0x30) && hasNumberBefore(left, at) ? 1n : 0n;
  const [x, y] = [numberFrom(left, at, lead), numberFrom(right, at, lead)];
  if (x.value !== y.value) return x.value < y.value ? -1 : 1;
  return x.end !== y.end ? x.end - y.end : a - b;
}

/** Whether digits other than zero stand right before. */
function hasNumberBefore(runes: readonly number[], at: number): boolean {
  for (let i = at - 1; i >= 0 && isDigit(runes[i]); i--) if (runes[i] !== 0x30) return true;
  return false;
}

function numberFrom(runes: readonly number[], at: number, lead: bigint): { value: bigint; end: number } {
  let value = lead;
  let end = at;
  for (; isDigit(runes[end]); end++) value = BigInt.asIntN(64, value * 10n + BigInt(runes[end]! - 0x30));
  return { value, end };
}
