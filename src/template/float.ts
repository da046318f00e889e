/** Go's strconv for floats: every verb and precision, exactly rounded, half to even. */

export type FloatVerb = 'e' | 'E' | 'f' | 'g' | 'G' | 'x' | 'X' | 'b';

/** Decimal digits of a finite positive number: 0.d1d2d3… times 10 to the `point`. */
interface Decimal {
  digits: string;
  point: number;
}

/** strconv.FormatFloat: `precision` -1 is the shortest text that reads back as the same float. */
export function formatFloat(value: number, verb: FloatVerb, precision: number, bits: 32 | 64 = 64): string {
  const float = bits === 32 ? Math.fround(value) : value;
  if (Number.isNaN(float)) return 'NaN';
  if (!Number.isFinite(float)) return float > 0 ? '+Inf' : '-Inf';
  const sign = float < 0 || Object.is(float, -0) ? '-' : '';
  return sign + formatPositive(Math.abs(float), verb, precision, bits);
}

function formatPositive(value: number, verb: FloatVerb, precision: number, bits: 32 | 64): string {
  if (verb === 'b') return binary(value, bits);
  if (verb === 'x' || verb === 'X') {
    const text = hexadecimal(value, precision);
    return verb === 'X' ? text.toUpperCase() : text;
  }
  const lower = verb.toLowerCase() as 'e' | 'f' | 'g';
  const text = decimalText(value, lower, precision, bits);
  return lower === verb ? text : text.toUpperCase();
}

function decimalText(value: number, verb: 'e' | 'f' | 'g', precision: number, bits: 32 | 64): string {
  const isShortest = precision < 0;
  const decimal = isShortest ? shortest(value, bits) : rounded(value, verb, precision);
  const count = decimal.digits.length;
  if (verb === 'e') return exponential(decimal, isShortest ? Math.max(count - 1, 0) : precision);
  if (verb === 'f') return fixed(decimal, isShortest ? Math.max(count - decimal.point, 0) : precision);
  let threshold = precision === 0 ? 1 : precision;
  if (threshold > count && count >= decimal.point) threshold = count;
  if (isShortest) threshold = 6;
  const exponent = decimal.point - 1;
  if (exponent < -4 || exponent >= threshold) {
    return exponential(decimal, Math.max((isShortest ? count : Math.min(precision || 1, count)) - 1, 0));
  }
  return fixed(decimal, Math.max(count - decimal.point, 0));
}

function exponential({ digits, point }: Decimal, precision: number): string {
  const fraction = digits.slice(1).padEnd(precision, '0').slice(0, precision);
  const exponent = digits === '' ? 0 : point - 1;
  const magnitude = String(Math.abs(exponent)).padStart(2, '0');
  return `${digits[0] ?? '0'}${precision > 0 ? `.${fraction}` : ''}e${exponent < 0 ? '-' : '+'}${magnitude}`;
}

function fixed({ digits, point }: Decimal, precision: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0';
  if (precision <= 0) return whole;
  const fraction = point >= 0 ? digits.slice(point) : '0'.repeat(-point) + digits;
  return `${whole}.${fraction.padEnd(precision, '0').slice(0, precision)}`;
}

/** The fewest digits that read back as the same float. Zero has none. */
function shortest(value: number, bits: 32 | 64): Decimal {
  if (value === 0) return { digits: '', point: 0 };
  return bits === 64 ? parseDecimal(value.toExponential()) : shortest32(value);
}

function parseDecimal(text: string): Decimal {
  const at = text.indexOf('e');
  const digits = text.slice(0, at).replace('.', '').replace(/0+$/, '');
  return { digits, point: Number(text.slice(at + 1)) + 1 };
}

/** As JavaScript knows no float32, tries each length, and beside the nearest decimal its neighbours: at a
 * power of two the interval below is half as wide, so the nearest may fall outside while one above does not. */
function shortest32(value: number): Decimal {
  // The one power of two with a tie: Go 1.26 (internal/strconv, dboxFtoa32) rounds it up, not to even.
  if (value === 2 ** -12) return { digits: '24414063', point: -3 };
  const { digits, point } = exact(value);
  for (let count = 1; count < 9; count++) {
    const near = roundTo(digits, point, count);
    const last = BigInt(near.digits.padEnd(count, '0'));
    for (const candidate of [last, last + 1n, last - 1n]) {
      const written = Number(`${candidate}e${near.point - count}`);
      if (Math.fround(written) === value) return parseDecimal(written.toExponential());
    }
  }
  return roundTo(digits, point, 9);
}

/** Exactly rounded to `precision` digits after the point (f), after the first digit (e), or in all (g). */
function rounded(value: number, verb: 'e' | 'f' | 'g', precision: number): Decimal {
  if (value === 0) return { digits: '', point: 0 };
  const { digits, point } = exact(value);
  const keep = verb === 'f' ? point + precision : verb === 'e' ? precision + 1 : precision || 1;
  return roundTo(digits, point, keep);
}

/** All digits of the double, from its bits. */
function exact(value: number): Decimal {
  const { mantissa, exponent } = bitsOf(value);
  const integer = exponent >= 0 ? mantissa << BigInt(exponent) : mantissa * 5n ** BigInt(-exponent);
  const text = integer.toString();
  const point = exponent >= 0 ? text.length : text.length + exponent;
  return { digits: text.replace(/0+$/, ''), point };
}

function roundTo(digits: string, point: number, keep: number): Decimal {
  if (keep >= digits.length) return { digits, point };
  if (keep < 0) return { digits: '', point: 0 };
  const head = digits.slice(0, keep);
  const next = digits.charCodeAt(keep) - 0x30;
  const isTie = next === 5 && keep + 1 === digits.length;
  const isOdd = keep > 0 && (digits.charCodeAt(keep - 1) & 1) === 1;
  if (isTie ? !isOdd : next < 5) return { digits: head.replace(/0+$/, ''), point: head === '' ? 0 : point };
  const up = (BigInt(head || '0') + 1n).toString().padStart(keep, '0');
  return { digits: up.replace(/0+$/, ''), point: point + (up.length - keep) };
}

/** value = mantissa * 2^exponent, the mantissa as stored. */
function bitsOf(value: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const raw = view.getBigUint64(0);
  const biased = Number(raw >> 52n) & 0x7ff;
  const fraction = raw & 0xf_ffff_ffff_ffffn;
  if (biased === 0) return { mantissa: fraction, exponent: -1074 };
  return { mantissa: fraction | (1n << 52n), exponent: biased - 1075 };
}

/** `%b`: the mantissa in decimal and the power of two, `4503599627370496p-52`. */
function binary(value: number, bits: 32 | 64): string {
  if (bits === 64) return withPower(bitsOf(value).mantissa, bitsOf(value).exponent);
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  const raw = view.getUint32(0);
  const biased = (raw >> 23) & 0xff;
  const fraction = BigInt(raw & 0x7f_ffff);
  return biased === 0 ? withPower(fraction, -149) : withPower(fraction | (1n << 23n), biased - 150);
}

function withPower(mantissa: bigint, exponent: number): string {
  return `${mantissa}p${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
}

/** `%x`: `0x1.8p+01`, rounded half to even at `precision` hexadecimal digits; the exponent has two digits. */
function hexadecimal(value: number, precision: number): string {
  let { mantissa, exponent } = bitsOf(value);
  if (mantissa === 0n) exponent = 0;
  else {
    const shift = 53 - mantissa.toString(2).length;
    mantissa <<= BigInt(shift);
    exponent += 52 - shift;
  }
  if (precision >= 0 && precision < 13) {
    const drop = BigInt(52 - precision * 4);
    const half = 1n << (drop - 1n);
    const rest = mantissa & ((1n << drop) - 1n);
    mantissa >>= drop;
    if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa++;
    mantissa <<= drop;
    if (mantissa >> 53n === 1n) {
      mantissa >>= 1n;
      exponent++;
    }
  }
  let fraction = (mantissa & 0xf_ffff_ffff_ffffn).toString(16).padStart(13, '0');
  fraction =
    precision < 0 ? fraction.replace(/0+$/, '') : fraction.slice(0, precision).padEnd(precision, '0');
  const magnitude = String(Math.abs(exponent)).padStart(2, '0');
  return `0x${mantissa >> 52n}${fraction === '' ? '' : `.${fraction}`}p${exponent < 0 ? '-' : '+'}${magnitude}`;
}

/**
 * strconv.ParseFloat(text, 64): decimal and hexadecimal literals, underscores between digits; undefined where
 * Go has a syntax error, and ±Infinity where it has a range error.
 */
export function parseFloat64(text: string): number | undefined {
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special) return special[2]!.toLowerCase() === 'nan' ? Number.NaN : Number(`${special[1]}Infinity`);
  if (text.includes('_') && !underscoresOk(text)) return undefined;
  const bare = text.replaceAll('_', '');
  const hex = /^([+-]?)0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?[pP]([+-]?\d+)$/.exec(bare);
  if (hex) return parseHex(hex);
  return /^[+-]?(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(bare) ? Number(bare) : undefined;
}

function parseHex([, sign, whole, fraction, exponent]: RegExpExecArray): number | undefined {
  const digits = `${whole}${fraction ?? ''}`;
  if (digits === '') return undefined;
  const magnitude = scaled(BigInt(`0x${digits}`), Number(exponent) - 4 * (fraction ?? '').length);
  return sign === '-' ? -magnitude : magnitude;
}

/** integer * 2^scale as the nearest double, half to even. */
function scaled(integer: bigint, scale: number): number {
  if (integer === 0n) return 0;
  const length = integer.toString(2).length;
  if (length + scale > 1024) return Number.POSITIVE_INFINITY;
  if (length + scale < -1074) return 0;
  // A subnormal keeps fewer than 53 bits: none is worth less than 2^-1074.
  const drop = Math.max(length - 53, -1074 - scale);
  if (drop <= 0) return Number(integer << BigInt(-drop)) * 2 ** (scale + drop);
  const kept = integer >> BigInt(drop);
  const rest = integer & ((1n << BigInt(drop)) - 1n);
  const half = 1n << BigInt(drop - 1);
  const up = rest > half || (rest === half && (kept & 1n) === 1n);
  return Number(up ? kept + 1n : kept) * 2 ** (scale + drop);
}

/** Go's rule: an underscore stands between digits, or between a base prefix and a digit. */
export function underscoresOk(text: string): boolean {
  const body = text.replace(/^[+-]/, '');
  const [prefix] = /^0[xXoObB]/.exec(body) ?? [''];
  const digits = prefix === '' ? body : `0${body.slice(2)}`;
  return prefix.toLowerCase() === '0x'
    ? !/(?<![0-9a-fA-F])_|_(?![0-9a-fA-F])/.test(digits)
    : !/(?<![0-9])_|_(?![0-9])/.test(digits);
}
