/** Go's time.Duration: nanoseconds in 64 signed bits. */

export const second = 1_000_000_000n;
export const minute = 60n * second;
export const hour = 60n * minute;

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  '\xc2\xb5s': 1_000n, // U+00B5, as UTF-8.
  '\xce\xbcs': 1_000n, // U+03BC, as UTF-8.
  ms: 1_000_000n,
  s: second,
  m: minute,
  h: hour,
};

const limit = 2n ** 63n;

/** time.ParseDuration of a binary string; undefined when Go reports an error. */
export function parseDuration(text: string): bigint | undefined {
  const negative = text.startsWith('-');
  let rest = /^[-+]/.test(text) ? text.slice(1) : text;
  if (rest === '0') return 0n;
  if (rest === '') return undefined;
  let total = 0n;
  while (rest !== '') {
    const match = /^(\d*)(?:\.(\d*))?([^\d.]+)/.exec(rest);
    if (match === null) return undefined;
    const [whole, integer = '', fraction = '', name = ''] = match;
    const unit = units[name];
    if (integer + fraction === '' || unit === undefined) return undefined;
    const part = BigInt(integer || '0') * unit;
    if (BigInt(integer || '0') > limit / unit) return undefined;
    total += part + fractionOf(fraction, unit);
    if (total > limit) return undefined;
    rest = rest.slice(whole.length);
  }
  if (negative) return -total;
  return total > limit - 1n ? undefined : total;
}

/** Go multiplies the fraction as a float; digits past what 63 bits hold do not count. */
function fractionOf(digits: string, unit: bigint): bigint {
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    if (value > (limit - 1n) / 10n) break;
    const next = value * 10n + BigInt(digit);
    if (next > limit) break;
    value = next;
    scale *= 10;
  }
  return value === 0n ? 0n : BigInt(Math.trunc(Number(value) * (Number(unit) / scale)));
}

/** `1h2m3.5s`, `1.5ms`, `0s`. */
export function durationText(value: bigint): string {
  if (value === 0n) return '0s';
  const sign = value < 0n ? '-' : '';
  const nanos = value < 0n ? -value : value;
  if (nanos < 1_000n) return `${sign}${nanos}ns`;
  if (nanos < 1_000_000n) return `${sign}${decimal(nanos, 3)}\xc2\xb5s`;
  if (nanos < second) return `${sign}${decimal(nanos, 6)}ms`;
  const minutes = (nanos / minute) % 60n;
  const hours = nanos / hour;
  const seconds = `${decimal(nanos % minute, 9)}s`;
  if (nanos < minute) return sign + seconds;
  return hours === 0n ? `${sign}${minutes}m${seconds}` : `${sign}${hours}h${minutes}m${seconds}`;
}

/** `value / 10^places` without trailing zeros. */
function decimal(value: bigint, places: number): string {
  const digits = String(value).padStart(places + 1, '0');
  const fraction = digits.slice(-places).replace(/0+$/, '');
  return digits.slice(0, -places) + (fraction === '' ? '' : `.${fraction}`);
}

/** Duration.Round: half away from zero. */
export function roundDuration(value: bigint, to: bigint): bigint {
  if (to <= 0n) return value;
  const magnitude = value < 0n ? -value : value;
  const rest = magnitude % to;
  const rounded = rest + rest < to ? magnitude - rest : magnitude + to - rest;
  if (value < 0n) return rounded > limit ? -limit : -rounded;
  return rounded > limit - 1n ? limit - 1n : rounded;
}

export function truncateDuration(value: bigint, to: bigint): bigint {
  return to <= 0n ? value : value - (value % to);
}
