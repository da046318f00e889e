import { abbreviationsOf } from './zones.ts';

/** Where a time is looked at from: a zone of the tz database, or a fixed offset with a name. */
export type Location =
  | { readonly kind: 'zone'; readonly name: string; readonly zone: string }
  | { readonly kind: 'fixed'; readonly name: string; readonly offset: number; readonly isLocal?: true };

export const utc: Location = { kind: 'fixed', name: 'UTC', offset: 0 };
const localUtc: Location = { kind: 'fixed', name: 'UTC', offset: 0, isLocal: true };

/** Go's time.Time: an instant and a place to see it from. */
export interface Instant {
  /** Since the epoch. */
  readonly seconds: bigint;
  /** 0 to 999,999,999. */
  readonly nanos: number;
  readonly location: Location;
}

/** A date on the calendar and a time on the clock. */
export interface Civil {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** Seconds from year 1, where Go's zero time is, to the epoch. */
const zeroSeconds = -62135596800n;
export const zeroInstant: Instant = { seconds: zeroSeconds, nanos: 0, location: utc };

const nanosPerSecond = 1_000_000_000n;
const secondsPerDay = 86400;

/** time.LoadLocation; undefined for a name that Go would not find. `local` is the zone of `Local`. */
export function loadLocation(name: string, local: string): Location | undefined {
  if (name === '' || name === 'UTC') return utc;
  if (name === 'Local') return localLocation(local);
  if (abbreviationsOf(name) === undefined) return undefined;
  return { kind: 'zone', name, zone: name };
}

/** time.Local: printed as `Local`, but as `UTC` where that is what it is. */
export function localLocation(zone: string): Location {
  if (zone === 'UTC') return localUtc;
  return { kind: 'zone', name: 'Local', zone };
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    formats.set(zone, format);
  }
  return format;
}

/** Seconds east of UTC at an instant. */
export function offsetAt(location: Location, seconds: bigint): number {
  if (location.kind === 'fixed') return location.offset;
  // The range of a JavaScript date; beyond it the rules are the last ones anyway.
  const clamped = Math.max(-8.64e12, Math.min(8.64e12, Number(seconds)));
  const parts = formatOf(location.zone).formatToParts(clamped * 1000);
  const text = parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
  const match = /([+\u2212-])(\d\d):(\d\d)(?::(\d\d))?/.exec(text);
  if (match === null) return 0;
  const total = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
  return match[1] === '+' ? total : -total;
}

/** The abbreviation that Go prints for `MST`. */
export function abbreviationAt(location: Location, seconds: bigint): string {
  if (location.kind === 'fixed') {
    return location.name === '' ? signed(location.offset, 'hm') : location.name;
  }
  const offset = offsetAt(location, seconds);
  const found = abbreviationsOf(location.zone)?.find((abbreviation) => abbreviation.offset === offset);
  return found?.name ?? signed(offset, offset % 3600 === 0 ? 'h' : 'hm');
}

/** The offset that an abbreviation names in this zone, if it is one of its own. */
export function offsetOfAbbreviation(location: Location, name: string): number | undefined {
  if (location.kind === 'fixed') return location.name === name ? location.offset : undefined;
  return abbreviationsOf(location.zone)?.find((abbreviation) => abbreviation.name === name)?.offset;
}

/** `+01`, `+0100`, `+01:00`, `+010000` or `+01:00:00`. */
export function signed(offset: number, shape: 'h' | 'hm' | 'h:m' | 'hms' | 'h:m:s'): string {
  const total = Math.abs(offset);
  const pieces = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60].map((n) => pad(n, 2));
  const kept = pieces.slice(0, shape.replaceAll(':', '').length);
  return (offset < 0 ? '-' : '+') + kept.join(shape.includes(':') ? ':' : '');
}

export function pad(value: number | bigint, width: number): string {
  const negative = value < 0;
  const digits = String(negative ? -value : value).padStart(width, '0');
  return negative ? `-${digits}` : digits;
}

export function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

export function daysIn(month: number, year: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Days since the epoch of a date; month and day may run over, as in Go's time.Date. */
export function dayNumber(year: number, month: number, day: number): number {
  const carried = year + Math.floor((month - 1) / 12);
  const inYear = ((((month - 1) % 12) + 12) % 12) + 1;
  // Count years from March, so that a leap day is the last of its year.
  const shifted = inYear <= 2 ? carried - 1 : carried;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * ((inYear + 9) % 12) + 2) / 5);
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146097 + dayOfEra - 719468 + day - 1;
}

function civilOfDay(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return { year, month, day: dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1 };
}

/** Seconds on the clock of the location, since its own midnight of 1 January 1970. */
function localSeconds(instant: Instant): bigint {
  return instant.seconds + BigInt(offsetAt(instant.location, instant.seconds));
}

export function civilOf(instant: Instant): Civil {
  const local = localSeconds(instant);
  const days = floorDiv(local, BigInt(secondsPerDay));
  const rest = Number(local - days * BigInt(secondsPerDay));
  return {
    ...civilOfDay(Number(days)),
    hour: Math.floor(rest / 3600),
    minute: Math.floor(rest / 60) % 60,
    second: rest % 60,
  };
}

/** 0 is Sunday. */
export function weekdayOf(instant: Instant): number {
  const days = Number(floorDiv(localSeconds(instant), BigInt(secondsPerDay)));
  return (((days + 4) % 7) + 7) % 7;
}

/** 1 to 366. */
export function yearDayOf(instant: Instant): number {
  const { year, month, day } = civilOf(instant);
  return dayNumber(year, month, day) - dayNumber(year, 1, 1) + 1;
}

/** time.Date: every part may run over; a local time that does not exist or exists twice is read as Go does. */
export function instantOf(civil: Civil, nanos: number, location: Location): Instant {
  const { year, month, day, hour, minute, second } = civil;
  const carried = second + Math.floor(nanos / 1e9);
  const local =
    BigInt(dayNumber(year, month, day)) * BigInt(secondsPerDay) +
    BigInt(hour * 3600) +
    BigInt(minute * 60) +
    BigInt(carried);
  const guess = local - BigInt(offsetAt(location, local));
  const seconds = local - BigInt(offsetAt(location, guess));
  return { seconds, nanos: nanos - Math.floor(nanos / 1e9) * 1e9, location };
}

/** Nanoseconds since the epoch, unbounded. */
export function nanosOf(instant: Instant): bigint {
  return instant.seconds * nanosPerSecond + BigInt(instant.nanos);
}

/** The instant `duration` nanoseconds later. */
export function add(instant: Instant, duration: bigint): Instant {
  return atNanos(nanosOf(instant) + duration, instant.location);
}

export function atNanos(nanos: bigint, location: Location): Instant {
  const seconds = floorDiv(nanos, nanosPerSecond);
  return { seconds, nanos: Number(nanos - seconds * nanosPerSecond), location };
}

export function ofMilliseconds(ms: number, location: Location): Instant {
  return atNanos(BigInt(Math.floor(ms * 1000)) * 1000n, location);
}

/** Nanoseconds between, held to the range of a Go duration. */
export function between(later: Instant, earlier: Instant): bigint {
  const difference = nanosOf(later) - nanosOf(earlier);
  const limit = 2n ** 63n;
  return difference >= limit ? limit - 1n : difference < -limit ? -limit : difference;
}

/** Nanoseconds since Go's zero time, which Round and Truncate count from. */
export function sinceZero(instant: Instant): bigint {
  return nanosOf(instant) - zeroSeconds * nanosPerSecond;
}

export function floorDiv(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value % divisor < 0n ? quotient - 1n : quotient;
}
