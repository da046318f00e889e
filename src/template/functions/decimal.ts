import { GoError } from '../func.ts';

/** Decimal numbers as shopspring/decimal has them, for addf, subf, mulf and divf: coefficient * 10^exponent. */
export interface Decimal {
  readonly coefficient: bigint;
  readonly exponent: number;
}

/** Digits after the point that a division keeps. */
const divisionDigits = 16;

/** The shortest decimal that reads back as the float. */
export function decimalOf(float: number): Decimal {
  if (!Number.isFinite(float)) throw new GoError('Cannot create a Decimal from NaN or infinity');
  const [digits = '0', exponent = '0'] = float.toExponential().split('e');
  const point = digits.indexOf('.');
  const fractionDigits = point < 0 ? 0 : digits.length - point - 1;
  return { coefficient: BigInt(digits.replace('.', '')), exponent: Number(exponent) - fractionDigits };
}

/** The float nearest to a decimal. */
export function floatOfDecimal({ coefficient, exponent }: Decimal): number {
  return Number(`${coefficient}e${exponent}`) + 0;
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const exponent = Math.min(a.exponent, b.exponent);
  return { coefficient: scaled(a, exponent) + scaled(b, exponent), exponent };
}

export function subtractDecimals(a: Decimal, b: Decimal): Decimal {
  return addDecimals(a, { ...b, coefficient: -b.coefficient });
}

export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return { coefficient: a.coefficient * b.coefficient, exponent: a.exponent + b.exponent };
}

/** Rounded half away from zero at the 16th digit after the point. */
export function divideDecimals(a: Decimal, b: Decimal): Decimal {
  if (b.coefficient === 0n) throw new GoError('decimal division by 0');
  const shift = a.exponent - b.exponent + divisionDigits;
  const dividend = a.coefficient * 10n ** BigInt(Math.max(shift, 0));
  const divisor = b.coefficient * 10n ** BigInt(Math.max(-shift, 0));
  const quotient = dividend / divisor;
  const rest = dividend % divisor;
  const roundUp = 2n * magnitude(rest) >= magnitude(divisor);
  const away = dividend < 0n === divisor < 0n ? 1n : -1n;
  return { coefficient: quotient + (roundUp ? away : 0n), exponent: -divisionDigits };
}

function scaled(value: Decimal, exponent: number): bigint {
  return value.coefficient * 10n ** BigInt(value.exponent - exponent);
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
