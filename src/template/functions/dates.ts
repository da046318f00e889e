import { type CallContext, type FunctionTable, func, GoError } from '../func.ts';
import { Int, Struct, type Value } from '../value.ts';
import { parseInteger } from './cast.ts';
import { durationText, hour, minute, parseDuration, roundDuration, second } from './duration.ts';
import {
  add,
  between,
  type Instant,
  loadLocation,
  localLocation,
  ofMilliseconds,
  utc,
  zeroInstant,
} from './instant.ts';
import { formatInstant } from './layout.ts';
import { parseInstant } from './parse-time.ts';
import { instantIn, timeOf } from './time.ts';

const any = 'interface {}';

const dateInZone = func(['string', any, 'string'], (layout, date, zone, context) =>
  formatIn(layout, date, zone, context),
);
const dateModify = func(['string', 'time.Time'], (text, date) => {
  const duration = parseDuration(text);
  return duration === undefined ? date : timeOf(add(instantIn(date), duration));
});
const mustDateModify = func(['string', 'time.Time'], (text, date) => {
  const duration = parseDuration(text);
  if (duration === undefined) throw new GoError('time: invalid duration');
  return timeOf(add(instantIn(date), duration));
});

export const dates: FunctionTable = {
  now: func([], (context) => timeOf(nowOf(context))),
  date: func(['string', any], (layout, date, context) => formatIn(layout, date, 'Local', context)),
  date_in_zone: dateInZone,
  dateInZone,
  htmlDate: func([any], (date, context) => formatIn('2006-01-02', date, 'Local', context)),
  htmlDateInZone: func([any, 'string'], (date, zone, context) => formatIn('2006-01-02', date, zone, context)),
  date_modify: dateModify,
  dateModify,
  must_date_modify: mustDateModify,
  mustDateModify,
  ago: func([any], (date, context) => {
    const from = ofSeconds(date, context, ['int', 'int64']) ?? nowOf(context);
    return durationText(roundDuration(between(nowOf(context), from), second));
  }),
  duration: func([any], (seconds) => durationText(BigInt.asIntN(64, secondsOf(seconds) * second))),
  durationRound: func([any], (value, context) => largestUnit(durationOf(value, context))),
  toDate: func(['string', 'string'], (layout, text, context) =>
    timeOf(parseInstant(layout, text, localLocation(context.zone)) ?? zeroInstant),
  ),
  mustToDate: func(['string', 'string'], (layout, text, context) => {
    const instant = parseInstant(layout, text, localLocation(context.zone));
    if (instant === undefined) throw new GoError('parsing time: the text does not fit the layout');
    return timeOf(instant);
  }),
  unixEpoch: func(['time.Time'], (date) => String(instantIn(date).seconds)),
};

function nowOf(context: CallContext): Instant {
  return ofMilliseconds(context.now(), localLocation(context.zone));
}

function formatIn(layout: string, date: Value, zone: string, context: CallContext): string {
  const instant = ofSeconds(date, context, ['int', 'int32', 'int64']) ?? nowOf(context);
  // A zone that is not known is UTC, without a word.
  const location = loadLocation(zone, context.zone) ?? utc;
  return formatInstant({ ...instant, location }, layout);
}

/** A time, or one of the integer kinds as seconds since the epoch; of anything else sprig makes now. */
function ofSeconds(date: Value, context: CallContext, kinds: readonly string[]): Instant | undefined {
  if (date instanceof Struct && date.type.name === 'time.Time') return instantIn(date);
  const location = localLocation(context.zone);
  if (typeof date === 'bigint' && kinds.includes('int')) return { seconds: date, nanos: 0, location };
  if (date instanceof Int && date.type === undefined && kinds.includes(date.kind)) {
    return { seconds: date.value, nanos: 0, location };
  }
  return undefined;
}

function secondsOf(value: Value): bigint {
  if (value instanceof Int && value.type === undefined && value.kind === 'int64') return value.value;
  if (typeof value !== 'string') return 0n;
  return clampedInteger(value);
}

/** strconv.ParseInt with its error dropped: what is too large is the largest. */
function clampedInteger(text: string): bigint {
  const parsed = parseInteger(text, 10);
  if (parsed === 'syntax') return 0n;
  if (parsed === 'too large') return 2n ** 63n - 1n;
  return parsed === 'too small' ? -(2n ** 63n) : parsed;
}

function durationOf(value: Value, context: CallContext): bigint {
  if (typeof value === 'string') return parseDuration(value) ?? 0n;
  if (value instanceof Int && value.type === undefined && value.kind === 'int64') return value.value;
  if (value instanceof Struct && value.type.name === 'time.Time') {
    return between(nowOf(context), instantIn(value));
  }
  return 0n;
}

const day = 24n * hour;
const unitNames: readonly (readonly [string, bigint])[] = [
  ['y', 365n * day],
  ['mo', 30n * day],
  ['d', day],
  ['h', hour],
  ['m', minute],
  ['s', second],
];

/** Rounded down to its largest unit, `2h`; no sign is kept. */
function largestUnit(duration: bigint): string {
  const magnitude = duration < 0n ? -duration : duration;
  const unit = unitNames.find(([, length]) => magnitude > length);
  return unit === undefined ? '0s' : `${magnitude / unit[1]}${unit[0]}`;
}
