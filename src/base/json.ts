import { AgentError } from './errors.ts';
import { limits } from './limits.ts';

/** A number as its literal: no digit is lost, and 1 is not 1.0. */
export class JsonNumber {
  readonly literal: string;

  constructor(literal: string) {
    this.literal = literal;
  }
}

/** A JSON value, with objects as maps so that no key is special. */
export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonObject;
export type JsonObject = ReadonlyMap<string, Json>;

/** `context.source` is of ES2026; the runtime has it, its types do not. */
type Reviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown;

/**
 * A JSON text as Go's encoding/json reads it: the same grammar, invalid UTF-8 and lone surrogates as U+FFFD,
 * of equal keys the last. Throws AgentError DecodeFailed, whose message holds nothing of the text.
 */
export function parseJson(text: Buffer | string): Json {
  const source = typeof text === 'string' ? text : text.toString('utf8');
  refuseDeep(source);
  const revive: Reviver = (_key, value, context) => {
    if (typeof value === 'number') return new JsonNumber(context?.source ?? String(value));
    if (typeof value === 'string') return value.toWellFormed();
    if (typeof value !== 'object' || value === null || value instanceof JsonNumber || Array.isArray(value))
      return value;
    return new Map(Object.entries(value).map(([key, member]) => [key.toWellFormed(), member]));
  };
  try {
    return JSON.parse(source, revive) as Json;
  } catch {
    throw new AgentError('DecodeFailed', 'the value is not JSON');
  }
}

/** Nesting is counted before parsing, since the parser's stack is not ours to grow. */
function refuseDeep(source: string): void {
  let depth = 0;
  for (let at = 0; at < source.length; at++) {
    const char = source[at];
    if (char === '"') at = stringEnd(source, at) - 1;
    else if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') depth--;
    if (depth > limits.jsonDepth) {
      throw new AgentError('DecodeFailed', `the value is JSON nested deeper than ${limits.jsonDepth}`);
    }
  }
}

export interface MarshalOptions {
  /** As json.Marshal does: `<`, `>` and `&` as \u003c, \u003e and \u0026. */
  readonly escapeHtml: boolean;
}

/** Go's json.Marshal of a value read by `parseJson`: compact, keys sorted by their bytes, literals as they were. */
export function goMarshal(value: Json, options: MarshalOptions): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return marshalString(value, options);
  if (value instanceof JsonNumber) return value.literal;
  if (isObject(value)) {
    const members = [...value]
      .sort(([a], [b]) => compareBytes(a, b))
      .map(([key, member]) => `${marshalString(key, options)}:${goMarshal(member, options)}`);
    return `{${members.join(',')}}`;
  }
  return `[${value.map((element) => goMarshal(element, options)).join(',')}]`;
}

export function isObject(value: Json): value is JsonObject {
  return value instanceof Map;
}

/** Go escapes control characters but \b, \f, \n, \r and \t as \u00xx, and U+2028 and U+2029 always. */
function marshalString(text: string, options: MarshalOptions): string {
  const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const quoted = JSON.stringify(text.toWellFormed()).replace(/[\u2028\u2029]/g, escaped);
  return options.escapeHtml ? quoted.replace(/[<>&]/g, escaped) : quoted;
}

/** As Go sorts strings. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The members of an object's text with each value's own text, untouched; `text` is known to be a valid object. */
export function rawMembers(text: string): Map<string, string> {
  const members = new Map<string, string>();
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (text[at] === '"') {
    const keyEnd = stringEnd(text, at);
    const key = (JSON.parse(text.slice(at, keyEnd)) as string).toWellFormed();
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = valueEnd(text, start);
    members.set(key, text.slice(start, end));
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return members;
}

function valueEnd(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return stringEnd(text, start);
  if (first !== '{' && first !== '[') return scalarEnd(text, start);
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = stringEnd(text, at) - 1;
    else if (char === '{' || char === '[') depth++;
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1;
  }
  return text.length;
}

function scalarEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && !',}] \t\r\n'.includes(text.charAt(at))) at++;
  return at;
}

function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at++;
  return at;
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
