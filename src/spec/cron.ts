import { AgentError } from '../base/errors.ts';
import { parseDuration } from './duration.ts';
import type { SyncWindows } from './spec.ts';

/** A schedule in UTC, as ESO's cron library (robfig/cron v3, standard parser) reads it. */
export type Schedule = CronSchedule | EverySchedule;

interface CronSchedule {
  readonly kind: 'cron';
  readonly minute: Field;
  readonly hour: Field;
  readonly dayOfMonth: Field;
  readonly month: Field;
  readonly dayOfWeek: Field;
}

interface EverySchedule {
  readonly kind: 'every';
  readonly delayMs: number;
}

interface Field {
  readonly values: ReadonlySet<number>;
  /** Written with `*` or `?` and no step over 1: then both day fields must match, else either. */
  readonly star: boolean;
}

interface Bounds {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** 29 February needs up to eight years (around 2100); nothing that fires at all needs more. */
const searchDays = 8 * 366;

const bounds: readonly Bounds[] = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day of month', min: 1, max: 31, names: [] },
  {
    name: 'month',
    min: 1,
    max: 12,
    names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  {
    name: 'day of week',
    min: 0,
    max: 6,
    names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
  },
];

const shorthands: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** A 5-field cron expression, a shorthand such as `@daily`, or `@every DUR`. Throws AgentError SpecInvalid. */
export function parseSchedule(text: string): Schedule {
  if (text.startsWith('@every ')) return { kind: 'every', delayMs: everyMs(text.slice('@every '.length)) };
  const expression = text.startsWith('@') ? shorthands[text] : text;
  if (expression === undefined) throw invalid(text, `knows no ${JSON.stringify(text)}`);
  const fields = expression.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== bounds.length) throw invalid(text, `has ${fields.length} fields instead of 5`);
  const parsed = bounds.map((bound, i) => parseField(text, fields[i] ?? '', bound));
  const [minute, hour, dayOfMonth, month, dayOfWeek] = parsed as [Field, Field, Field, Field, Field];
  return { kind: 'cron', minute, hour, dayOfMonth, month, dayOfWeek };
}

/** Whole seconds, at least one. */
function everyMs(text: string): number {
  return Math.floor(Math.max(parseDuration(text), 1_000) / 1_000) * 1_000;
}

function parseField(text: string, field: string, bound: Bounds): Field {
  const ranges = field.split(',').filter((range) => range !== '');
  const parsed = ranges.map((range) => parseRange(text, range, bound));
  return {
    values: new Set(parsed.flatMap((range) => range.values)),
    star: parsed.some((range) => range.star),
  };
}

/** `*`, `N`, `N-M`, each with `/STEP`; `N/STEP` means from N to the field's end. */
function parseRange(text: string, range: string, bound: Bounds): { values: number[]; star: boolean } {
  const [span = '', stepText, ...tooMany] = range.split('/');
  const [lowText = '', highText, ...more] = span.split('-');
  const any = lowText === '*' || lowText === '?';
  if (tooMany.length > 0 || (more.length > 0 && !any)) throw invalid(text, `cannot read ${range}`);
  const step = stepText === undefined ? 1 : parseNumber(text, stepText);
  const low = any ? bound.min : parseNumber(text, lowText, bound);
  const single = stepText === undefined ? low : bound.max;
  const named = highText === undefined ? single : parseNumber(text, highText, bound);
  const high = any ? bound.max : named;
  if (low < bound.min || high > bound.max || low > high || step === 0) {
    throw invalid(text, `has ${range} for the ${bound.name}, which runs from ${bound.min} to ${bound.max}`);
  }
  const values: number[] = [];
  for (let value = low; value <= high; value += step) values.push(value);
  return { values, star: any && step === 1 };
}

function parseNumber(text: string, part: string, bound?: Bounds): number {
  const named = bound?.names.indexOf(part.toLowerCase()) ?? -1;
  if (bound !== undefined && named >= 0) return named + bound.min;
  if (!/^\+?[0-9]{1,18}$/.test(part)) throw invalid(text, `cannot read ${JSON.stringify(part)}`);
  return Number(part);
}

function invalid(text: string, why: string): AgentError {
  return new AgentError('SpecInvalid', `the schedule ${JSON.stringify(text)} ${why}`, {
    remedy:
      'write minute, hour, day of month, month and day of week, or @hourly, @daily, @midnight, ' +
      '@weekly, @monthly, @yearly, @annually or @every DURATION',
  });
}

/**
 * Whether a periodic refresh may run now. A window is active from a firing until `duration` later, both
 * ends included. `allow` needs one active window, `deny` none. Schedules that cannot be read are never
 * active, as in ESO; `parseSpecs` refuses them beforehand.
 */
export function windowsPermit(syncWindows: SyncWindows, nowMs: number): boolean {
  const active = syncWindows.windows.some((window) => isActive(window, nowMs));
  return syncWindows.kind === 'allow' ? active : !active;
}

function isActive(window: SyncWindows['windows'][number], nowMs: number): boolean {
  const schedule = readable(window.schedule);
  if (schedule === undefined) return false;
  if (schedule.kind === 'every') return everyIsActive(schedule.delayMs, window.durationMs, nowMs);
  const firedMs = lastFiring(schedule, nowMs, nowMs - window.durationMs);
  return firedMs !== undefined && nowMs <= firedMs + window.durationMs;
}

function readable(text: string): Schedule | undefined {
  try {
    return parseSchedule(text);
  } catch {
    return undefined;
  }
}

/** `@every` has no anchor in the cron library: it fires one delay after whatever moment is asked about,
 * and ESO asks about a second before the window's length. So it is active when the delay fits the window. */
function everyIsActive(delayMs: number, durationMs: number, nowMs: number): boolean {
  const askedMs = nowMs - durationMs - 1_000;
  const firedMs = Math.floor(askedMs / 1_000) * 1_000 + delayMs;
  return firedMs <= nowMs && nowMs <= firedMs + durationMs;
}

/** The latest firing in [sinceMs, nowMs]. */
function lastFiring(schedule: CronSchedule, nowMs: number, sinceMs: number): number | undefined {
  const today = Math.floor(nowMs / dayMs) * dayMs;
  const oldest = Math.max(sinceMs, today - searchDays * dayMs);
  for (let day = today; day + dayMs > oldest; day -= dayMs) {
    if (!dayMatches(schedule, new Date(day))) continue;
    const lastMinute = Math.floor((Math.min(nowMs, day + dayMs - 1) - day) / minuteMs);
    const minute = lastMinuteOfDay(schedule, lastMinute);
    if (minute !== undefined) return day + minute * minuteMs;
  }
  return undefined;
}

function dayMatches(schedule: CronSchedule, day: Date): boolean {
  if (!schedule.month.values.has(day.getUTCMonth() + 1)) return false;
  const ofMonth = schedule.dayOfMonth.values.has(day.getUTCDate());
  const ofWeek = schedule.dayOfWeek.values.has(day.getUTCDay());
  const both = schedule.dayOfMonth.star || schedule.dayOfWeek.star;
  return both ? ofMonth && ofWeek : ofMonth || ofWeek;
}

function lastMinuteOfDay(schedule: CronSchedule, from: number): number | undefined {
  for (let minute = from; minute >= 0; minute--) {
    const hour = Math.floor(minute / 60);
    if (schedule.hour.values.has(hour) && schedule.minute.values.has(minute % 60)) return minute;
  }
  return undefined;
}
