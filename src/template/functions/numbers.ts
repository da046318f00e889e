import { sprint } from '../fmt.ts';
import { type CallContext, type FunctionTable, func, GoError, variadic } from '../func.ts';
import { Int, Slice, type Value } from '../value.ts';
import { parseInteger, stepsPerItem, toFloat, toInteger } from './cast.ts';
import {
  addDecimals,
  type Decimal,
  decimalOf,
  divideDecimals,
  floatOfDecimal,
  multiplyDecimals,
  subtractDecimals,
} from './decimal.ts';

const int64 = (value: bigint): Int => new Int('int64', value);
const wrap = (value: bigint): bigint => BigInt.asIntN(64, value);

const smallest = variadic(['interface {}'], 'interface {}', (first, rest) =>
  int64(rest.map(toInteger).reduce((a, b) => (b < a ? b : a), toInteger(first))),
);
const greatest = variadic(['interface {}'], 'interface {}', (first, rest) =>
  int64(rest.map(toInteger).reduce((a, b) => (b > a ? b : a), toInteger(first))),
);

export const numbers: FunctionTable = {
  atoi: func(['string'], (text) => {
    const parsed = parseInteger(text, 10);
    if (parsed === 'syntax') return 0n;
    // Go's Atoi gives the nearest number along with the error that sprig drops.
    if (parsed === 'too large') return 2n ** 63n - 1n;
    return parsed === 'too small' ? -(2n ** 63n) : parsed;
  }),
  int: func(['interface {}'], toInteger),
  int64: func(['interface {}'], (value) => int64(toInteger(value))),
  float64: func(['interface {}'], toFloat),
  toDecimal: func(['interface {}'], (value, context) => {
    const parsed = parseInteger(sprint([value], context), 8);
    return int64(typeof parsed === 'bigint' ? parsed : 0n);
  }),
  until: func(['int'], (count, context) => {
    return new Slice('int', steps(0n, count, count < 0n ? -1n : 1n, context));
  }),
  untilStep: func(['int', 'int', 'int'], (start, stop, step, context) => {
    return new Slice('int', steps(start, stop, step, context));
  }),
  seq: variadic([], 'int', sequence),
  add1: func(['interface {}'], (value) => int64(toInteger(value) + 1n)),
  add: variadic([], 'interface {}', (values) =>
    int64(values.reduce((sum: bigint, v) => sum + toInteger(v), 0n)),
  ),
  sub: func(['interface {}', 'interface {}'], (a, b) => int64(toInteger(a) - toInteger(b))),
  div: func(['interface {}', 'interface {}'], (a, b) => int64(toInteger(a) / divisor(b))),
  mod: func(['interface {}', 'interface {}'], (a, b) => int64(toInteger(a) % divisor(b))),
  mul: variadic(['interface {}'], 'interface {}', (first, rest) =>
    int64(rest.reduce((product: bigint, v) => wrap(product * toInteger(v)), toInteger(first))),
  ),
  add1f: func(['interface {}'], (value) => folded(toFloat(value), [1], addDecimals)),
  addf: variadic([], 'interface {}', (values) => folded(0, values.map(toFloat), addDecimals)),
  subf: variadic(['interface {}'], 'interface {}', (first, rest) =>
    folded(toFloat(first), rest.map(toFloat), subtractDecimals),
  ),
  divf: variadic(['interface {}'], 'interface {}', (first, rest) =>
    folded(toFloat(first), rest.map(toFloat), divideDecimals),
  ),
  mulf: variadic(['interface {}'], 'interface {}', (first, rest) =>
    folded(toFloat(first), rest.map(toFloat), multiplyDecimals),
  ),
  biggest: greatest,
  max: greatest,
  min: smallest,
  maxf: variadic(['interface {}'], 'interface {}', (first, rest) =>
    rest.map(toFloat).reduce(maxFloat, toFloat(first)),
  ),
  minf: variadic(['interface {}'], 'interface {}', (first, rest) =>
    rest.map(toFloat).reduce((a, b) => -maxFloat(-a, -b), toFloat(first)),
  ),
  ceil: func(['interface {}'], (value) => Math.ceil(toFloat(value))),
  floor: func(['interface {}'], (value) => Math.floor(toFloat(value))),
  round: variadic(['interface {}', 'int'], 'float64', (value, places, [roundOn = 0.5]) =>
    round(toFloat(value), Number(places), roundOn),
  ),
};

function divisor(value: Value): bigint {
  const number = toInteger(value);
  if (number === 0n) throw new GoError('runtime error: integer divide by zero');
  return number;
}

/** Go's math.Max: infinity beats NaN. */
function maxFloat(a: number, b: number): number {
  return a === Number.POSITIVE_INFINITY || b === Number.POSITIVE_INFINITY
    ? Number.POSITIVE_INFINITY
    : Math.max(a, b);
}

function folded(
  first: number,
  rest: readonly number[],
  operation: (a: Decimal, b: Decimal) => Decimal,
): number {
  return floatOfDecimal(rest.map(decimalOf).reduce(operation, decimalOf(first)));
}

/** From `start` towards `stop`, which is left out; empty where the step leads away from it. */
function steps(start: bigint, stop: bigint, step: bigint, context: CallContext): bigint[] {
  const found: bigint[] = [];
  if (stop < start ? step >= 0n : step <= 0n) return found;
  for (let i = start; stop < start ? i > stop : i < stop; i += step) {
    context.step(stepsPerItem);
    found.push(i);
  }
  return found;
}

/** As the shell's seq: `end`, `start end` or `start step end`, the end included. */
function sequence(params: readonly bigint[], context: CallContext): string {
  const [a = 0n, b = 0n, c = 0n] = params;
  const range = { 1: [1n, undefined, a], 2: [a, undefined, b], 3: [a, b, c] }[params.length];
  if (range === undefined) return '';
  const [start, given, end] = range as [bigint, bigint | undefined, bigint];
  const direction = end < start ? -1n : 1n;
  if (given !== undefined && direction < 0n && given > 0n) return '';
  const found = steps(start, wrap(end + direction), given ?? direction, context);
  context.grow(found.length * 2);
  return found.join(' ');
}

/** Away from zero from `roundOn` up, for positive numbers; negative ones go down unless whole. */
function round(value: number, places: number, roundOn: number): number {
  const power = powerOfTen(places);
  const digit = power * value;
  const fraction = Number.isFinite(digit) ? digit - Math.trunc(digit) : Number.NaN;
  return (fraction >= roundOn ? Math.ceil(digit) : Math.floor(digit)) / power;
}

/** Go's math.Pow(10, n), by repeated squaring: its last bit decides roundings, and differs from V8's. */
function powerOfTen(exponent: number): number {
  let mantissa = 1;
  let power = 0;
  let factor = 0.625;
  let factorPower = 4;
  for (let rest = Math.abs(exponent); rest !== 0; rest = Math.floor(rest / 2)) {
    if (factorPower > 4096) {
      power += factorPower;
      break;
    }
    if (rest % 2 === 1) {
      mantissa *= factor;
      power += factorPower;
    }
    factor *= factor;
    factorPower *= 2;
    if (factor < 0.5) {
      factor += factor;
      factorPower--;
    }
  }
  if (exponent >= 0) return scale(mantissa, power);
  return scale(1 / mantissa, -power);
}

/** mantissa * 2^power, in two steps where one would leave the range of powers. */
function scale(mantissa: number, power: number): number {
  const half = Math.trunc(power / 2);
  return mantissa * 2 ** half * 2 ** (power - half);
}
