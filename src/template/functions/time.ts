import { GoError } from '../func.ts';
import { quote } from '../quote.ts';
import { Int, type Method, type NamedType, Slice, Struct, type TypeName, type Value } from '../value.ts';
import { durationText, roundDuration, truncateDuration } from './duration.ts';
import {
  add,
  atNanos,
  between,
  type Civil,
  civilOf,
  floorDiv,
  type Instant,
  instantOf,
  type Location,
  localLocation,
  nanosOf,
  offsetAt,
  sinceZero,
  utc,
  weekdayOf,
  yearDayOf,
} from './instant.ts';
import { dayNames, formatInstant, instantText, monthNames, rfc3339Nano } from './layout.ts';

/** Go's time.Time, Duration, Month, Weekday and Location as templates meet them, with their methods. */

type Time = Struct<Instant>;

const int64 = (value: bigint): Int => new Int('int64', BigInt.asIntN(64, value));
const bytes = (text: string): Slice =>
  new Slice(
    'uint8',
    [...text].map((byte) => new Int('uint8', BigInt(byte.charCodeAt(0)))),
  );

/** A time.Time value. */
export function timeOf(instant: Instant): Time {
  return new Struct(timeType, instant);
}

/** What a time.Time value holds. */
export function instantIn(value: Struct): Instant {
  return (value as Time).inner;
}

const durationOf = (nanos: bigint): Int => new Int('int64', nanos, durationType);

function get(read: (time: Instant) => Value): Method {
  return { params: [], call: (receiver: Time) => read(receiver.inner) };
}

function take(params: readonly TypeName[], body: (time: Instant, args: readonly Value[]) => Value): Method {
  return { params, call: (receiver: Time, args) => body(receiver.inner, args) };
}

const instantArgument = (args: readonly Value[]): Instant => (args[0] as Time).inner;
const integer = (value: Value | undefined): bigint =>
  value instanceof Int ? value.value : (value as bigint);

/** Go's methods with several results cannot be called from templates, and so are not here. */
const timeMethods: Readonly<Record<string, Method>> = {
  Format: take(['string'], (time, [layout]) => formatInstant(time, layout as string)),
  String: get(instantText),
  GoString: get((time) => goText(time)),
  Unix: get((time) => int64(time.seconds)),
  UnixMilli: get((time) => int64(floorDiv(nanosOf(time), 1_000_000n))),
  UnixMicro: get((time) => int64(floorDiv(nanosOf(time), 1_000n))),
  UnixNano: get((time) => int64(nanosOf(time))),
  Year: get((time) => BigInt(civilOf(time).year)),
  Month: get((time) => new Int('int', BigInt(civilOf(time).month), monthType)),
  Day: get((time) => BigInt(civilOf(time).day)),
  Hour: get((time) => BigInt(civilOf(time).hour)),
  Minute: get((time) => BigInt(civilOf(time).minute)),
  Second: get((time) => BigInt(civilOf(time).second)),
  Nanosecond: get((time) => BigInt(time.nanos)),
  Weekday: get((time) => new Int('int', BigInt(weekdayOf(time)), weekdayType)),
  YearDay: get((time) => BigInt(yearDayOf(time))),
  IsZero: get((time) => sinceZero(time) === 0n),
  IsDST: get((time) => isSummerTime(time)),
  UTC: get((time) => timeOf({ ...time, location: utc })),
  Local: {
    params: [],
    call: (receiver: Time, _args, { zone }) => timeOf({ ...receiver.inner, location: localLocation(zone) }),
  },
  Location: get((time) => new Struct(locationType, time.location, { pointer: true })),
  In: take(['*time.Location'], (time, [location]) => {
    if (!(location instanceof Struct) || location.isNil)
      throw new GoError('time: missing Location in call to Time.In');
    return timeOf({ ...time, location: (location as Struct<Location>).inner });
  }),
  Add: take(['time.Duration'], (time, [duration]) => timeOf(add(time, integer(duration)))),
  AddDate: take(['int', 'int', 'int'], (time, [years, months, days]) => {
    const civil = civilOf(time);
    const moved: Civil = {
      ...civil,
      year: civil.year + Number(years),
      month: civil.month + Number(months),
      day: civil.day + Number(days),
    };
    return timeOf(instantOf(moved, time.nanos, time.location));
  }),
  Sub: take(['time.Time'], (time, args) => durationOf(between(time, instantArgument(args)))),
  After: take(['time.Time'], (time, args) => nanosOf(time) > nanosOf(instantArgument(args))),
  Before: take(['time.Time'], (time, args) => nanosOf(time) < nanosOf(instantArgument(args))),
  Equal: take(['time.Time'], (time, args) => nanosOf(time) === nanosOf(instantArgument(args))),
  Compare: take(['time.Time'], (time, args) => {
    const difference = nanosOf(time) - nanosOf(instantArgument(args));
    return difference < 0n ? -1n : difference > 0n ? 1n : 0n;
  }),
  Truncate: take(['time.Duration'], (time, [to]) => timeOf(truncated(time, integer(to)))),
  Round: take(['time.Duration'], (time, [to]) => timeOf(rounded(time, integer(to)))),
  MarshalText: get((time) => bytes(rfc3339(time))),
  MarshalJSON: get((time) => bytes(`"${rfc3339(time)}"`)),
};

const timeType: NamedType = {
  name: 'time.Time',
  kind: 'struct',
  fields: [
    { name: 'wall', type: 'uint64' },
    { name: 'ext', type: 'int64' },
    { name: 'loc', type: '*time.Location' },
  ],
  methods: timeMethods,
  text: (receiver: Time) => instantText(receiver.inner),
  goText: (receiver: Time) => goText(receiver.inner),
};

function duration(read: (nanos: bigint) => Value): Method {
  return { params: [], call: (receiver: Int) => read(receiver.value) };
}

/** As Go divides: the whole units as an integer, the rest as a float. */
function inUnits(unit: bigint): Method {
  return duration((nanos) => Number(nanos / unit) + Number(nanos % unit) / Number(unit));
}

const durationType: NamedType = {
  name: 'time.Duration',
  kind: 'int64',
  methods: {
    String: duration(durationText),
    Nanoseconds: duration(int64),
    Microseconds: duration((nanos) => int64(nanos / 1_000n)),
    Milliseconds: duration((nanos) => int64(nanos / 1_000_000n)),
    Seconds: inUnits(1_000_000_000n),
    Minutes: inUnits(60_000_000_000n),
    Hours: inUnits(3_600_000_000_000n),
    Abs: duration((nanos) =>
      durationOf(nanos >= 0n ? nanos : nanos === -(2n ** 63n) ? 2n ** 63n - 1n : -nanos),
    ),
    Round: {
      params: ['time.Duration'],
      call: (receiver: Int, [to]) => durationOf(roundDuration(receiver.value, integer(to))),
    },
    Truncate: {
      params: ['time.Duration'],
      call: (receiver: Int, [to]) => durationOf(truncateDuration(receiver.value, integer(to))),
    },
  },
  text: (receiver: Int) => durationText(receiver.value),
};

function nameType(name: TypeName, text: (value: bigint) => string): NamedType {
  return {
    name,
    kind: 'int',
    methods: { String: { params: [], call: (receiver: Int) => text(receiver.value) } },
    text: (receiver: Int) => text(receiver.value),
  };
}

const monthType = nameType('time.Month', (value) => monthNames[Number(value) - 1] ?? `%!Month(${value})`);
const weekdayType = nameType('time.Weekday', (value) => dayNames[Number(value)] ?? `%!Weekday(${value})`);

const locationType: NamedType = {
  name: 'time.Location',
  kind: 'struct',
  methods: { String: { params: [], call: (receiver: Struct<Location>) => receiver.inner.name } },
  text: (receiver: Struct<Location>) => receiver.inner.name,
  textOnPointer: true,
};

function truncated(time: Instant, to: bigint): Instant {
  if (to <= 0n) return time;
  const since = sinceZero(time);
  return atNanos(nanosOf(time) - (since - floorDiv(since, to) * to), time.location);
}

function rounded(time: Instant, to: bigint): Instant {
  if (to <= 0n) return time;
  const floor = truncated(time, to);
  const rest = nanosOf(time) - nanosOf(floor);
  return rest + rest < to ? floor : add(floor, to);
}

/** Whether the clock is ahead of the year's smaller offset. */
function isSummerTime(time: Instant): boolean {
  if (time.location.kind === 'fixed') return false;
  const { year } = civilOf(time);
  const offsets = [1, 7].map((month) => {
    const start = instantOf({ year, month, day: 1, hour: 0, minute: 0, second: 0 }, 0, utc);
    return offsetAt(time.location, start.seconds);
  });
  // Ireland's database entry has its winter as the exception.
  return offsetAt(time.location, time.seconds) > Math.min(...offsets);
}

function rfc3339(time: Instant): string {
  const { year } = civilOf(time);
  if (year < 0 || year > 9999) throw new GoError('Time.MarshalJSON: year outside of range [0,9999]');
  return formatInstant(time, rfc3339Nano);
}

function goText(time: Instant): string {
  const { year, month, day, hour, minute, second } = civilOf(time);
  const { location } = time;
  const isLocal = location.name === 'Local' || (location.kind === 'fixed' && location.isLocal === true);
  const isUtc = location.name === 'UTC' && !isLocal;
  const place = isLocal ? 'time.Local' : isUtc ? 'time.UTC' : `time.Location(${quote(location.name)})`;
  return `time.Date(${year}, time.${monthNames[month - 1]}, ${day}, ${hour}, ${minute}, ${second}, ${time.nanos}, ${place})`;
}
