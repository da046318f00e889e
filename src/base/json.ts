import { AgentError } from './errors.ts';
import { JsonReader } from './json-reader.ts';
import { isObject, type Json, JsonNumber, type JsonObject } from './json-value.ts';

export { isObject, type Json, JsonNumber, type JsonObject } from './json-value.ts';

/**
 * A JSON text as Go's encoding/json reads it: the same grammar, what is not UTF-8 and lone surrogates as U+FFFD, of
 * equal keys the last. Throws AgentError DecodeFailed, whose message tells the place and nothing of the text.
 */
export function parseJson(text: Buffer | string): Json {
  return read(text, (literal) => new JsonNumber(literal));
}

/**
 * The same into Go's `any`, where every number is a float64: large integers lose digits, and a number that does not
 * fit is DecodeFailed. Literals are as Go writes the float.
 */
export function parseJsonWithFloats(text: Buffer | string): Json {
  return read(text, asFloat);
}

function read(text: Buffer | string, number: (literal: string) => JsonNumber): Json {
  return new JsonReader(binary(text), number).read().value;
}

function asFloat(literal: string): JsonNumber {
  const float = Number(literal);
  if (!Number.isFinite(float)) {
    throw new AgentError('DecodeFailed', 'the value is JSON with a number that is too large for a float64');
  }
  return new JsonNumber(floatLiteral(float));
}

/** A finite float as encoding/json writes it: as JavaScript does, but for the sign of zero. */
export function floatLiteral(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** One member of an object: its value, and its text as it stands. */
export interface Member {
  readonly value: Json;
  readonly raw: Buffer;
}

/** The members of a JSON object; null of the text `null`, undefined of any other value. Throws as parseJson does. */
export function parseMembers(text: Buffer): ReadonlyMap<string, Member> | null | undefined {
  const { value, spans } = new JsonReader(binary(text), (literal) => new JsonNumber(literal)).read();
  if (value === null) return null;
  if (!isObject(value)) return undefined;
  return new Map(
    [...value].map(([key, member]) => {
      const { start, end } = spans.get(key)!;
      return [key, { value: member, raw: text.subarray(start, end) }];
    }),
  );
}

/** The texts of an object's members, untouched; none of another value. Throws as parseJson does. */
export function rawMembers(text: string): Map<string, string> {
  const members = parseMembers(Buffer.from(text)) ?? new Map<string, Member>();
  return new Map([...members].map(([key, { raw }]) => [key, raw.toString('utf8')]));
}

function binary(text: Buffer | string): string {
  return (typeof text === 'string' ? Buffer.from(text) : text).toString('latin1');
}

export interface MarshalOptions {
  /** As json.Marshal does: `<`, `>` and `&` as \u003c, \u003e and \u0026. */
  readonly escapeHtml: boolean;
}

/** What is still to be written: a value, or text that is written already. */
type Pending = { readonly value: Json } | { readonly text: string };

/** Go's json.Marshal of a value that was read: compact, keys sorted by their bytes, numbers' literals as they were. */
export function goMarshal(value: Json, options: MarshalOptions): string {
  const written: string[] = [];
  const pending: Pending[] = [{ value }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if ('text' in next) written.push(next.text);
    else if (isContainer(next.value)) {
      for (const part of partsOf(next.value, options).reverse()) pending.push(part);
    } else written.push(marshalScalar(next.value, options));
  }
  return written.join('');
}

function partsOf(value: JsonObject | readonly Json[], options: MarshalOptions): Pending[] {
  const comma = { text: ',' };
  if (!isObject(value)) {
    const elements: Pending[] = value.flatMap((element) => [comma, { value: element }]);
    return [{ text: '[' }, ...elements.slice(1), { text: ']' }];
  }
  const members: Pending[] = [...value]
    .sort(([a], [b]) => compareBytes(a, b))
    .flatMap(([key, member]) => [comma, { text: `${marshalString(key, options)}:` }, { value: member }]);
  return [{ text: '{' }, ...members.slice(1), { text: '}' }];
}

function isContainer(value: Json): value is JsonObject | readonly Json[] {
  return isObject(value) || Array.isArray(value);
}

function marshalScalar(value: Json, options: MarshalOptions): string {
  if (typeof value === 'string') return marshalString(value, options);
  return value instanceof JsonNumber ? value.literal : String(value);
}

/** Go escapes control characters but \b, \f, \n, \r and \t as \u00xx, and U+2028 and U+2029 always. */
function marshalString(text: string, options: MarshalOptions): string {
  const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const quoted = JSON.stringify(text.toWellFormed()).replace(/[\u2028\u2029]/g, escaped);
  return options.escapeHtml ? quoted.replace(/[<>&]/g, escaped) : quoted;
}

/** As Go sorts strings: by their UTF-8 bytes, which differs from UTF-16 where surrogates are. */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const difference = byteRank(a.charCodeAt(at)) - byteRank(b.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Surrogates stand for characters beyond U+FFFF. */
function byteRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Go's strconv.FormatFloat(value, 'f', -1, 64): the shortest digits that read back, never an exponent. */
export function plainDecimal(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const [mantissa = '', exponent] = value.toExponential().split('e');
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '');
  const point = Number(exponent) + 1;
  if (point <= 0) return digits === '0' ? `${sign}0` : `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (digits.length <= point) return sign + digits.padEnd(point, '0');
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
