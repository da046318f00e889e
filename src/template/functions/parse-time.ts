import {
  abbreviationAt,
  daysIn,
  type Instant,
  instantOf,
  isLeap,
  type Location,
  offsetAt,
  offsetOfAbbreviation,
  utc,
} from './instant.ts';
import { dayNames, monthNames, nextChunk } from './layout.ts';

/** What has been read so far; undefined is what the layout does not hold. */
interface Parts {
  year: number;
  month: number | undefined;
  day: number | undefined;
  yearDay: number | undefined;
  hour: number;
  minute: number;
  second: number;
  nanos: number;
  half: 'am' | 'pm' | undefined;
  isUtc: boolean;
  offset: number | undefined;
  zoneName: string;
}

/** A text that does not fit its layout. */
class Mismatch extends Error {}

/** time.ParseInLocation; undefined when Go reports an error. */
export function parseInstant(layout: string, text: string, local: Location): Instant | undefined {
  try {
    return place(read(layout, text), local);
  } catch (error) {
    if (error instanceof Mismatch) return undefined;
    throw error;
  }
}

function read(layout: string, text: string): Parts {
  const parts: Parts = {
    year: 0,
    month: undefined,
    day: undefined,
    yearDay: undefined,
    hour: 0,
    minute: 0,
    second: 0,
    nanos: 0,
    half: undefined,
    isUtc: false,
    offset: undefined,
    zoneName: '',
  };
  let value = text;
  for (let chunk = nextChunk(layout); ; chunk = nextChunk(chunk.rest)) {
    value = skip(value, chunk.prefix);
    if (chunk.piece === '') break;
    value = readPiece(chunk.piece, value, chunk.rest, parts);
  }
  if (value !== '') throw new Mismatch();
  return parts;
}

/** One space in the layout stands for any number, also none. */
function skip(value: string, prefix: string): string {
  let rest = value;
  let pattern = prefix;
  while (pattern !== '') {
    if (pattern[0] === ' ') {
      if (rest !== '' && rest[0] !== ' ') throw new Mismatch();
      pattern = pattern.replace(/^ +/, '');
      rest = rest.replace(/^ +/, '');
      continue;
    }
    if (rest[0] !== pattern[0]) throw new Mismatch();
    pattern = pattern.slice(1);
    rest = rest.slice(1);
  }
  return rest;
}

function readPiece(piece: string, value: string, rest: string, parts: Parts): string {
  const first = piece[0];
  if (first === '.' || first === ',') return readFraction(piece, value, parts);
  if (first === '-' || first === 'Z') return readOffset(piece, value, parts);
  switch (piece) {
    case '2006':
    case '06':
      return readYear(piece, value, parts);
    case 'January':
    case 'Jan':
    case 'Monday':
    case 'Mon':
      return readName(piece, value, parts);
    case '__2':
    case '002':
      return readYearDay(piece, value, parts);
    case 'PM':
    case 'pm':
      return readHalf(piece, value, parts);
    case 'MST':
      return readZoneName(value, parts);
    default:
      return readNumber(piece, value, rest, parts);
  }
}

function readYear(piece: string, value: string, parts: Parts): string {
  const width = piece === '2006' ? 4 : 2;
  const digits = value.slice(0, width);
  // A sign is accepted in the middle of nowhere by neither; Go's Atoi takes one only for two digits.
  if (digits.length < width || !/^([0-9]+|[+-][0-9]+)$/.test(digits)) throw new Mismatch();
  if (width === 4 && !/^[0-9]+$/.test(digits)) throw new Mismatch();
  const year = Number(digits);
  parts.year = width === 4 ? year : year >= 69 ? year + 1900 : year + 2000;
  return value.slice(width);
}

function readName(piece: string, value: string, parts: Parts): string {
  const isMonth = piece.startsWith('J');
  const long: readonly string[] = isMonth ? monthNames : dayNames;
  const names = piece.length > 3 ? long : long.map((name) => name.slice(0, 3));
  const index = names.findIndex((name) => value.slice(0, name.length).toLowerCase() === name.toLowerCase());
  if (index < 0) throw new Mismatch();
  if (isMonth) parts.month = index + 1;
  return value.slice(names[index]!.length);
}

function readYearDay(piece: string, value: string, parts: Parts): string {
  const rest = piece === '__2' ? value.replace(/^ {1,2}/, '') : value;
  const match = (piece === '002' ? /^[0-9]{3}/ : /^[0-9]{1,3}/).exec(rest);
  if (match === null) throw new Mismatch();
  parts.yearDay = Number(match[0]);
  return rest.slice(match[0].length);
}

function readHalf(piece: string, value: string, parts: Parts): string {
  const text = value.slice(0, 2);
  const halves = piece === 'PM' ? ['AM', 'PM'] : ['am', 'pm'];
  if (!halves.includes(text)) throw new Mismatch();
  parts.half = text.toLowerCase() === 'am' ? 'am' : 'pm';
  return value.slice(2);
}

/** What each numeric piece sets, and its range. Two digits are fixed where the piece has a zero. */
const numbers: Readonly<Record<string, readonly [keyof Parts, number, number]>> = {
  '1': ['month', 1, 12],
  '01': ['month', 1, 12],
  '2': ['day', 0, 99],
  _2: ['day', 0, 99],
  '02': ['day', 0, 99],
  '15': ['hour', 0, 23],
  '3': ['hour', 0, 12],
  '03': ['hour', 0, 12],
  '4': ['minute', 0, 59],
  '04': ['minute', 0, 59],
  '5': ['second', 0, 59],
  '05': ['second', 0, 59],
};

function readNumber(piece: string, value: string, rest: string, parts: Parts): string {
  const trimmed = piece === '_2' ? value.replace(/^ /, '') : value;
  const match = (piece.startsWith('0') ? /^[0-9]{2}/ : /^[0-9]{1,2}/).exec(trimmed);
  if (match === null) throw new Mismatch();
  const [field, low, high] = numbers[piece]!;
  const number = Number(match[0]);
  if (number < low || number > high) throw new Mismatch();
  (parts as unknown as Record<string, number>)[field] = number;
  const after = trimmed.slice(match[0].length);
  return field === 'second' ? readSilentFraction(after, rest, parts) : after;
}

/** A fraction after the seconds is read even where the layout shows none. */
function readSilentFraction(value: string, layout: string, parts: Parts): string {
  if (!/^[.,][0-9]/.test(value) || /^[.,]/.test(nextChunk(layout).piece)) return value;
  return takeFraction(value, /^[.,][0-9]+/.exec(value)![0].length, parts);
}

function readFraction(piece: string, value: string, parts: Parts): string {
  if (piece[1] === '0') {
    if (value.length < piece.length) throw new Mismatch();
    return takeFraction(value, piece.length, parts);
  }
  const match = /^[.,][0-9]+/.exec(value);
  return match === null ? value : takeFraction(value, match[0].length, parts);
}

function takeFraction(value: string, width: number, parts: Parts): string {
  const digits = value.slice(1, Math.min(width, 10));
  if (!/^[.,]/.test(value) || !/^\+?[0-9]+$/.test(digits)) throw new Mismatch();
  parts.nanos = Number(digits) * 10 ** (9 - digits.length);
  return value.slice(width);
}

function readOffset(piece: string, value: string, parts: Parts): string {
  if (piece.startsWith('Z') && value.startsWith('Z')) {
    parts.isUtc = true;
    return value.slice(1);
  }
  const shape = piece.slice(1).replace(/\d\d/g, '([0-9]{2})');
  const match = new RegExp(`^([+-])${shape}`).exec(value);
  if (match === null) throw new Mismatch();
  const [hours, minutes, seconds] = [match[2], match[3] ?? '0', match[4] ?? '0'].map(Number);
  if (hours! > 24 || minutes! > 60 || seconds! > 60) throw new Mismatch();
  const total = (hours! * 60 + minutes!) * 60 + seconds!;
  parts.offset = match[1] === '-' ? -total : total;
  return value.slice(match[0].length);
}

function readZoneName(value: string, parts: Parts): string {
  if (value.startsWith('UTC')) {
    parts.isUtc = true;
    return value.slice(3);
  }
  const length = zoneNameLength(value);
  if (length === 0) throw new Mismatch();
  parts.zoneName = value.slice(0, length);
  return value.slice(length);
}

function zoneNameLength(value: string): number {
  if (value.length < 3) return 0;
  if (/^(ChST|MeST)/.test(value)) return 4;
  if (value.startsWith('GMT')) return 3 + signedOffsetLength(value.slice(3));
  if (/^[+-]/.test(value)) return signedOffsetLength(value);
  const letters = /^[A-Z]{0,6}/.exec(value)![0];
  if (letters.length === 5) return letters.endsWith('T') ? 5 : 0;
  if (letters.length === 4) return letters.endsWith('T') || letters === 'WITA' ? 4 : 0;
  return letters.length === 3 ? 3 : 0;
}

function signedOffsetLength(value: string): number {
  const match = /^[+-]([0-9]+)/.exec(value);
  return match === null || Number(match[1]) > 23 ? 0 : match[0].length;
}

/** From the parts to an instant, in the order of Go's rules. */
function place(parts: Parts, local: Location): Instant {
  const { month, day } = dateOf(parts);
  const hour = parts.half === 'pm' && parts.hour < 12 ? parts.hour + 12 : parts.hour;
  const civil = {
    year: parts.year,
    month,
    day,
    hour: parts.half === 'am' && hour === 12 ? 0 : hour,
    minute: parts.minute,
    second: parts.second,
  };
  if (parts.isUtc) return instantOf(civil, parts.nanos, utc);
  if (parts.offset === undefined && parts.zoneName === '') return instantOf(civil, parts.nanos, local);
  return placeByZone(instantOf(civil, parts.nanos, utc), parts, local);
}

function placeByZone(read: Instant, { offset, zoneName }: Parts, local: Location): Instant {
  if (offset !== undefined && offset !== -1) {
    const seconds = read.seconds - BigInt(offset);
    const isLocal =
      offsetAt(local, seconds) === offset && (zoneName === '' || abbreviationAt(local, seconds) === zoneName);
    return { ...read, seconds, location: isLocal ? local : { kind: 'fixed', name: zoneName, offset } };
  }
  const known = offsetOfAbbreviation(local, zoneName);
  if (known !== undefined) return { ...read, seconds: read.seconds - BigInt(known), location: local };
  // The clock stands as written; only the label is kept, with GMT's hours where it has some.
  const hours = /^GMT([+-][0-9]+)$/.exec(zoneName)?.[1] ?? '0';
  return { ...read, location: { kind: 'fixed', name: zoneName, offset: Number(hours) * 3600 } };
}

function dateOf(parts: Parts): { month: number; day: number } {
  const found = parts.yearDay === undefined ? { month: 1, day: 1 } : dateOfYearDay(parts.year, parts.yearDay);
  const month = parts.month ?? found.month;
  const day = parts.day ?? found.day;
  if (parts.yearDay !== undefined && (month !== found.month || day !== found.day)) throw new Mismatch();
  if (day < 1 || day > daysIn(month, parts.year)) throw new Mismatch();
  return { month, day };
}

function dateOfYearDay(year: number, yearDay: number): { month: number; day: number } {
  if (yearDay < 1 || yearDay > (isLeap(year) ? 366 : 365)) throw new Mismatch();
  let month = 1;
  let day = yearDay;
  while (day > daysIn(month, year)) day -= daysIn(month++, year);
  return { month, day };
}
