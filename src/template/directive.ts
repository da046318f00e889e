import { type FloatVerb, formatFloat } from './float.ts';
import { decodeRune, encodeRune, isPrint, runeCount } from './utf8.ts';

/** Flags, width and precision of one formatting directive, and what they do to numbers and text. */
export class Flags {
  sharp = false;
  zero = false;
  plus = false;
  minus = false;
  space = false;
  /** `%#v` and `%+v`, whose flags mean something else than for the other verbs. */
  sharpV = false;
  plusV = false;
  width: number | undefined;
  precision: number | undefined;

  clear(): void {
    this.sharp = this.zero = this.plus = this.minus = this.space = this.sharpV = this.plusV = false;
    this.width = this.precision = undefined;
  }

  forValue(): void {
    this.sharpV = this.sharp;
    this.sharp = false;
    this.plusV = this.plus;
    this.plus = false;
  }
}

/** How many bytes of padding come with a text of `width` characters. */
function missingWidth(flags: Flags, width: number): number {
  return Math.max(0, (flags.width ?? 0) - width);
}

/** Pads to the width in characters; zeros go only to the left. */
export function pad(flags: Flags, text: string, zero = flags.zero): string {
  const missing = flags.width === undefined ? 0 : missingWidth(flags, runeCount(text));
  if (missing === 0) return text;
  return flags.minus ? text + ' '.repeat(missing) : (zero ? '0' : ' ').repeat(missing) + text;
}

/** The text cut to the precision, in characters. */
export function truncated(flags: Flags, text: string): string {
  if (flags.precision === undefined || text.length <= flags.precision) return text;
  let end = 0;
  for (let left = flags.precision; left > 0 && end < text.length; left--) end += decodeRune(text, end) & 7;
  return text.slice(0, end);
}

/** The bytes of a text in hexadecimal. */
export function formatBytes(flags: Flags, text: string, upper: boolean): string {
  const bytes = flags.precision === undefined ? text : text.slice(0, flags.precision);
  if (bytes === '') return pad(flags, '');
  const prefix = flags.sharp ? (upper ? '0X' : '0x') : '';
  const pairs = Buffer.from(bytes, 'latin1').toString('hex');
  const digits = upper ? pairs.toUpperCase() : pairs;
  if (!flags.space) return pad(flags, prefix + digits);
  return pad(flags, digits.replace(/../g, (pair) => ` ${prefix}${pair}`).slice(1));
}

export interface IntegerForm {
  readonly base: 2 | 8 | 10 | 16;
  readonly upper?: boolean;
  /** `%O`: `0o` before the digits. */
  readonly octalPrefix?: boolean;
}

export function formatInteger(flags: Flags, value: bigint, form: IntegerForm): string {
  const { precision } = flags;
  if (precision === 0 && value === 0n) return pad(flags, '', false);
  const isNegative = value < 0n;
  let digits = (isNegative ? -value : value).toString(form.base);
  if (form.upper) digits = digits.toUpperCase();
  digits = digits.padStart(precision ?? zeroWidth(flags, isNegative), '0');
  if (flags.sharp) digits = integerPrefix(form, digits) + digits;
  if (form.octalPrefix) digits = `0o${digits}`;
  const sign = isNegative ? '-' : flags.plus ? '+' : flags.space ? ' ' : '';
  return pad(flags, sign + digits, false);
}

/** Zero padding counts as precision, with room left for a sign. */
function zeroWidth(flags: Flags, isNegative: boolean): number {
  if (!flags.zero || flags.minus || flags.width === undefined) return 0;
  return flags.width - (isNegative || flags.plus || flags.space ? 1 : 0);
}

function integerPrefix({ base, upper }: IntegerForm, digits: string): string {
  if (base === 2) return '0b';
  if (base === 16) return upper ? '0X' : '0x';
  return base === 8 && !digits.startsWith('0') ? '0' : '';
}

/** `%U`: U+0041, and with `#` the character too. */
export function formatUnicode(flags: Flags, value: bigint): string {
  const digits = value.toString(16).toUpperCase();
  const text = `U+${digits.padStart(Math.max(4, flags.precision ?? 4), '0')}`;
  const shown = flags.sharp && value <= 0x10ffffn && isPrint(Number(value));
  return pad(flags, shown ? `${text} '${encodeRune(Number(value))}'` : text, false);
}

/** A float by strconv's verb; `precision` is the verb's own, -1 for the shortest. */
export function formatNumber(
  flags: Flags,
  value: number,
  form: { verb: FloatVerb; precision: number; bits: 32 | 64 },
): string {
  const precision = flags.precision ?? form.precision;
  const text = formatFloat(value, form.verb, precision, form.bits);
  const signed = /^[-+]/.test(text) ? text : `+${text}`;
  const sign = signed[0] === '+' && flags.space && !flags.plus ? ' ' : signed[0]!;
  const body = signed.slice(1);
  if (body === 'Inf') return pad(flags, sign + body, false);
  if (body === 'NaN') return pad(flags, flags.space || flags.plus ? sign + body : body, false);
  const number = flags.sharp && form.verb !== 'b' ? withPoint(body, form.verb, precision) : body;
  if (!flags.plus && sign === '+') return pad(flags, number);
  if (flags.zero && !flags.minus && flags.width !== undefined && flags.width > number.length + 1) {
    return sign + '0'.repeat(missingWidth(flags, number.length + 1)) + number;
  }
  return pad(flags, sign + number);
}

/** The `#` flag: always a decimal point, and for %g and %x the zeros that they leave out. */
function withPoint(number: string, verb: FloatVerb, precision: number): string {
  const isHex = verb === 'x' || verb === 'X';
  const [, mantissa, exponent] = (isHex ? /^(.*?)([pP].*)?$/ : /^(.*?)([eE].*)?$/).exec(number)!;
  const counts = verb === 'g' || verb === 'G' || verb === 'x';
  let missing = counts ? (precision === -1 ? 6 : precision) : 0;
  let sawNonzero = false;
  for (const char of mantissa!) {
    if (char === '.') continue;
    sawNonzero ||= char !== '0';
    if (sawNonzero) missing--;
  }
  const hasPoint = mantissa!.includes('.');
  // A lone zero counts as one digit.
  if (!hasPoint && mantissa === '0') missing--;
  return `${mantissa}${hasPoint ? '' : '.'}${'0'.repeat(Math.max(0, missing))}${exponent ?? ''}`;
}
