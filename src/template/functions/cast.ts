import { parseFloat64 } from '../float.ts';
import { sprint } from '../fmt.ts';
import type { CallContext } from '../func.ts';
import { floatOf, integerOf, Named, Slice, type Value } from '../value.ts';

/** The conversions that sprig's functions make of whatever they are given (spf13/cast, and its own strval). */

/** What an element of a new list counts: a list takes memory until it is no longer looked at. */
export const stepsPerItem = 16;

const int64Max = 2n ** 63n - 1n;
const int64Min = -(2n ** 63n);

/** cast.ToInt64 and ToInt: 0 for what has no integer in it. */
export function toInteger(value: Value): bigint {
  const integer = integerOf(value);
  if (integer !== undefined) return BigInt.asIntN(64, integer);
  const float = floatOf(value);
  if (float !== undefined) return truncate(float);
  const bare = value instanceof Named ? value.value : value;
  if (typeof bare === 'boolean') return bare ? 1n : 0n;
  if (typeof bare !== 'string') return 0n;
  const parsed = parseInteger(trimDecimal(bare), 0);
  return typeof parsed === 'bigint' ? parsed : 0n;
}

/** Go's conversion of a float on the machines where ESO runs: what does not fit is the smallest int64. */
export function truncate(float: number): bigint {
  if (!Number.isFinite(float)) return int64Min;
  const integer = BigInt(Math.trunc(float));
  return integer > int64Max || integer < int64Min ? int64Min : integer;
}

/** cast.ToFloat64. */
export function toFloat(value: Value): number {
  const integer = integerOf(value);
  if (integer !== undefined) return Number(integer);
  const float = floatOf(value);
  if (float !== undefined) return float;
  const bare = value instanceof Named ? value.value : value;
  if (typeof bare === 'boolean') return bare ? 1 : 0;
  if (typeof bare !== 'string') return 0;
  const parsed = parseFloat64(bare) ?? 0;
  // Out of range is an error in Go, unless the text itself says infinity.
  return Number.isFinite(parsed) || !/\d/.test(bare) ? parsed : 0;
}

/** `12.7` is read as 12: the decimals of a plain number are dropped. */
function trimDecimal(text: string): string {
  const match = /^([-+]?[0-9]*)\.[0-9]*$/.exec(text);
  if (match === null) return text;
  return match[1] === '' || match[1] === '-' || match[1] === '+' ? `${match[1]}0` : match[1]!;
}

const prefixes: Readonly<Record<string, number>> = { x: 16, o: 8, b: 2 };
const digitsOf: Readonly<Record<number, RegExp>> = {
  2: /^[01]+$/,
  8: /^[0-7]+$/,
  10: /^[0-9]+$/,
  16: /^[0-9a-fA-F]+$/,
};

/** strconv.ParseInt(text, base, 64); base 0 takes it from the prefix. What is out of range says so. */
export function parseInteger(
  text: string,
  base: 0 | 2 | 8 | 10,
): bigint | 'syntax' | 'too large' | 'too small' {
  const negative = text.startsWith('-');
  const outOfRange = negative ? 'too small' : 'too large';
  let digits = text.replace(/^[+-]/, '');
  let radix: number = base;
  if (base === 0) {
    const prefix = /^0[xXoObB]/.test(digits) ? digits[1]!.toLowerCase() : undefined;
    radix = prefix !== undefined ? prefixes[prefix]! : /^0./.test(digits) ? 8 : 10;
    if (digits.includes('_')) {
      // Between digits, of which a prefix is one.
      const body = prefix !== undefined ? `0${digits.slice(2)}` : digits;
      if (/^_|__|_$/.test(body)) return 'syntax';
      digits = digits.replaceAll('_', '');
    }
    digits = prefix !== undefined ? digits.slice(2) : radix === 8 ? digits.slice(1) : digits;
  }
  if (!digitsOf[radix]!.test(digits)) return overflowsFirst(digits, radix) ? outOfRange : 'syntax';
  const spelled = { 2: '0b', 8: '0o', 10: '', 16: '0x' }[radix];
  // Longer than any int64 in any base; also keeps the conversion linear.
  const significant = digits.replace(/^0+/, '');
  if (significant.length > 64) return outOfRange;
  const value = BigInt(`${spelled}${significant || '0'}`) * (negative ? -1n : 1n);
  return value > int64Max ? 'too large' : value < int64Min ? 'too small' : value;
}

/** Go reads digit by digit: a number beyond 64 bits is too large before what follows it can be wrong. */
function overflowsFirst(digits: string, radix: number): boolean {
  const first = radix === 10 ? /^[0-9]+/.exec(digits)?.[0].replace(/^0+/, '') : undefined;
  if (first === undefined || first.length < 20) return false;
  return first.length > 20 || BigInt(first) >= 2n ** 64n;
}

/** The text of a value as sprig sees it: its own, or as `%v` prints it; bytes are text. */
export function strval(value: Value, context: CallContext): string {
  if (typeof value === 'string') return value;
  if (value instanceof Slice && value.elem === 'uint8') return bytesOf(value);
  return sprint([value], context);
}

/** `string(bytes)` of a `[]uint8`. */
export function bytesOf(slice: Slice): string {
  return slice.items.map((item) => String.fromCharCode(Number(integerOf(item) ?? 0n))).join('');
}

/** sprig's strslice: the elements that are not nil as text; of something else, its own text alone. */
export function stringsOf(value: Value, context: CallContext): string[] {
  if (value === null) return [];
  const list = value instanceof Named ? value.value : value;
  if (!(list instanceof Slice)) return [strval(value, context)];
  context.step(list.items.length * stepsPerItem);
  return list.items.filter((item) => item !== null).map((item) => strval(item, context));
}
