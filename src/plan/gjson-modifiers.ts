import { trim } from './gjson-path.ts';
import { defaultLayout, type Layout, pretty } from './gjson-pretty.ts';
import { isTruthy } from './gjson-query.ts';
import { isValid, quote } from './gjson-quote.ts';
import type { Lookup } from './gjson-search.ts';
import {
  exists,
  isArray,
  isObject,
  numberOf,
  quoteAt,
  type Result,
  textOf,
  trimUnicode,
} from './gjson-text.ts';
import { membersOf, parse } from './gjson-walk.ts';

type Modifier = (json: string, argument: string, lookup: Lookup) => string;

/** What each `@name` makes of the JSON before it. */
export const modifiers: ReadonlyMap<string, Modifier> = new Map<string, Modifier>([
  ['this', (json) => json],
  ['valid', (json) => (isValid(json) ? json : '')],
  ['tostr', (json) => quote(json)],
  ['fromstr', (json) => (isValid(json) ? textOf(parse(json)) : '')],
  ['ugly', ugly],
  ['pretty', prettily],
  ['reverse', reverse],
  ['keys', keys],
  ['values', values],
  ['flatten', flatten],
  ['join', join],
  ['group', group],
  ['dig', dig],
]);

/** Without space outside of strings. */
function ugly(json: string): string {
  let compact = '';
  for (let at = 0; at < json.length; at++) {
    const char = json.charAt(at);
    if (char <= ' ') continue;
    if (char !== '"') {
      compact += char;
      continue;
    }
    const quoted = quoteAt(json, at + 1);
    const end = quoted < 0 ? json.length : quoted + 1;
    compact += json.slice(at, end);
    at = end - 1;
  }
  return compact;
}

function prettily(json: string, argument: string, { work }: Lookup): string {
  const layout: { -readonly [K in keyof Layout]: Layout[K] } = { ...defaultLayout };
  for (const [name, value] of optionsIn(argument)) {
    if (name === 'sortKeys') layout.sortKeys = isTruthy(value);
    else if (name === 'indent') layout.indent = textOf(value).replace(/[^ \t\n\r]/g, '');
    else if (name === 'prefix') layout.prefix = textOf(value).replace(/[^ \t\n\r]/g, '');
    else if (name === 'width') layout.width = integer(value);
  }
  return pretty(json, layout, work);
}

function optionsIn(argument: string): [name: string, value: Result][] {
  return membersOf(parse(argument)).map(({ key, value }) => [textOf(key), value]);
}

function isOn(argument: string, option: string): boolean {
  const set = optionsIn(argument).findLast(([name]) => name === option);
  return set !== undefined && isTruthy(set[1]);
}

/** Result.Int: of a float what is before its point, of a string its integer. */
function integer(value: Result): number {
  if (value.type === 'true') return 1;
  if (value.type === 'string') return /^-?[0-9]+$/.test(value.text) ? wrapped(value.text) : 0;
  if (value.type !== 'number') return 0;
  const float = numberOf(value);
  if (Math.abs(float) <= Number.MAX_SAFE_INTEGER) return Math.trunc(float);
  return /^-?[0-9]+$/.test(value.raw) ? wrapped(value.raw) : -(2 ** 63);
}

/** 64 bits, overflowing as Go's do. */
function wrapped(digits: string): number {
  return Number(BigInt.asIntN(64, BigInt(digits)));
}

function reverse(json: string): string {
  const whole = parse(json);
  const members = membersOf(whole).reverse();
  if (isArray(whole)) return `[${members.map(({ value }) => value.raw).join(',')}]`;
  if (isObject(whole)) return `{${members.map(({ key, value }) => `${key.raw}:${value.raw}`).join(',')}}`;
  return json;
}

function keys(json: string): string {
  const whole = parse(json);
  const names = membersOf(whole).map(({ key }) => (isObject(whole) ? key.raw : 'null'));
  return `[${names.join(',')}]`;
}

function values(json: string): string {
  const whole = parse(json);
  if (isArray(whole)) return json;
  return `[${membersOf(whole)
    .map(({ value }) => value.raw)
    .join(',')}]`;
}

function flatten(json: string, argument: string, lookup: Lookup): string {
  return flattened(json, isOn(argument, 'deep'), lookup);
}

function flattened(json: string, deep: boolean, lookup: Lookup): string {
  const whole = parse(json);
  if (!isArray(whole)) return json;
  lookup.work.spend(json.length);
  const inner = (value: Result): string => {
    if (!isArray(value)) return value.raw;
    return unwrapped(deep ? lookup.work.nested(() => flattened(value.raw, true, lookup)) : value.raw);
  };
  const parts = membersOf(whole).map(({ value }) => trimUnicode(inner(value)));
  return `[${parts.filter((part) => part !== '').join(',')}]`;
}

/** Without its first and last character when it begins with a bracket. */
function unwrapped(json: string): string {
  const bare = trim(json);
  return bare.length >= 2 && (bare[0] === '[' || bare[0] === '{') ? bare.slice(1, -1) : bare;
}

/** Objects of an array as one; of equal keys the first gives the place and the last the value. */
function join(json: string, argument: string): string {
  const whole = parse(json);
  if (!isArray(whole)) return json;
  const objects = membersOf(whole)
    .map(({ value }) => value)
    .filter(isObject);
  if (isOn(argument, 'preserve')) return `{${objects.map(({ raw }) => unwrapped(raw)).join(',')}}`;
  const joined = new Map<string, [key: string, value: string]>();
  for (const { key, value } of objects.flatMap(membersOf)) {
    const first = joined.get(key.text);
    joined.set(key.text, [first?.[0] ?? key.raw, value.raw]);
  }
  return `{${[...joined.values()].map(([key, value]) => `${key}:${value}`).join(',')}}`;
}

/** An object of arrays as an array of objects. */
function group(json: string): string {
  const whole = parse(json);
  if (!isObject(whole)) return '';
  const objects: string[][] = [];
  for (const { key, value } of membersOf(whole)) {
    if (!isArray(value)) continue;
    membersOf(value).forEach((element, index) => {
      objects[index] ??= [];
      objects[index].push(`${key.raw}:${element.value.raw}`);
    });
  }
  return `[${objects.map((members) => `{${members.join(',')}}`).join(',')}]`;
}

/** Whatever the path finds in the value and in everything within it, outermost first. */
function dig(json: string, path: string, lookup: Lookup): string {
  const found: string[] = [];
  const descend = (value: Result): void => {
    const result = lookup.get(value.raw, path);
    if (exists(result)) found.push(result.raw);
    if (value.type !== 'json') return;
    lookup.work.spend(value.raw.length);
    for (const member of membersOf(value)) lookup.work.nested(() => descend(member.value));
  };
  descend(parse(json));
  return `[${found.join(',')}]`;
}
