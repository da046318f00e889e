import { AgentError } from '../base/errors.ts';

const secondNs = 1_000_000_000n;

/** Nanoseconds by unit, as Go's time.ParseDuration knows them; there is no `d`. */
const unitNs: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  // U+00B5 (micro sign) and U+03BC (Greek mu) are both accepted by Go.
  '\u00b5s': 1_000n,
  '\u03bcs': 1_000n,
  ms: 1_000_000n,
  s: secondNs,
  m: 60n * secondNs,
  h: 3_600n * secondNs,
};

const largestNs = (1n << 63n) - 1n;
const remedy = 'write a Go duration: numbers with the units h, m, s, ms, us, ns, such as 90s or 1h30m';

/**
 * Milliseconds of a Go duration string, exactly what time.ParseDuration accepts: a sign, then decimal
 * numbers each with a unit; a bare `0` too. Nanoseconds become fractions of a millisecond.
 * Throws AgentError SpecInvalid.
 */
export function parseDuration(text: string): number {
  const negative = text.startsWith('-');
  const unsigned = /^[-+]/.test(text) ? text.slice(1) : text;
  if (unsigned === '0') return 0;
  const ns = parseUnsigned(text, unsigned);
  // Go's smallest duration has no positive twin.
  if (ns > (negative ? largestNs + 1n : largestNs)) throw invalid(text, 'is longer than about 292 years');
  // In two parts, since a float holds the nanoseconds of a century only roughly.
  const ms = Number(ns / 1_000_000n) + Number(ns % 1_000_000n) / 1e6;
  return negative ? -ms : ms;
}

function parseUnsigned(text: string, unsigned: string): bigint {
  if (unsigned === '') throw invalid(text, text === '' ? 'is empty' : 'has no number');
  const part = /([0-9]*)(?:(\.)([0-9]*))?([^0-9.]*)/y;
  let total = 0n;
  while (part.lastIndex < unsigned.length) {
    const [, whole = '', , fraction = '', unit = ''] = part.exec(unsigned) ?? [];
    if (whole === '' && fraction === '') throw invalid(text, 'has no number before its unit');
    total += partNs(text, { whole, fraction, unit });
  }
  return total;
}

function partNs(text: string, part: { whole: string; fraction: string; unit: string }): bigint {
  const perUnit = Object.hasOwn(unitNs, part.unit) ? unitNs[part.unit] : undefined;
  if (part.unit === '') throw invalid(text, 'has a number without a unit');
  if (perUnit === undefined) throw invalid(text, `has the unknown unit "${part.unit}"`);
  // Leading zeros say nothing; more than 20 digits overflow whatever the unit, and BigInt need not see them.
  const whole = part.whole.replace(/^0+(?=.)/, '');
  if (whole.length > 20) throw invalid(text, 'is longer than about 292 years');
  return BigInt(whole === '' ? '0' : whole) * perUnit + fractionNs(part.fraction, perUnit);
}

/** Go keeps the digits of a fraction as long as they fit an int64 and ignores the others, then goes
 * through float64: `float64(f) * (float64(unit) / scale)`, truncated. */
function fractionNs(digits: string, perUnit: bigint): bigint {
  let kept = 0n;
  let scale = 1;
  for (const digit of digits) {
    if (kept > largestNs / 10n) break;
    const next = kept * 10n + BigInt(digit);
    if (next > largestNs + 1n) break;
    kept = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(kept) * (Number(perUnit) / scale)));
}

function invalid(text: string, why: string): AgentError {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return new AgentError('SpecInvalid', `the duration ${JSON.stringify(shown)} ${why}`, { remedy });
}

/** `1h30m`, `45s`, `250ms`: for people, and read back by `parseDuration`. Below a millisecond is dropped. */
export function formatDuration(ms: number): string {
  const whole = Math.trunc(Math.abs(ms));
  if (whole === 0) return '0s';
  const parts = [
    [Math.floor(whole / 3_600_000), 'h'],
    [Math.floor(whole / 60_000) % 60, 'm'],
    [Math.floor(whole / 1_000) % 60, 's'],
    [whole % 1_000, 'ms'],
  ] as const;
  const shown = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`);
  return `${ms < 0 ? '-' : ''}${shown.join('')}`;
}
