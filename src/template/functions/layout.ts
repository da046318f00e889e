import {
  abbreviationAt,
  type Civil,
  civilOf,
  type Instant,
  offsetAt,
  pad,
  signed,
  weekdayOf,
  yearDayOf,
} from './instant.ts';

/** Go's layouts: a time is written by showing how Mon Jan 2 15:04:05 MST 2006 would be. */

export const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;
export const dayNames = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
] as const;

export const rfc3339Nano = '2006-01-02T15:04:05.999999999Z07:00';

/** A piece of a layout: the text before it, its name as in the reference time, and what follows. */
export interface Chunk {
  readonly prefix: string;
  /** '' when the layout holds no more pieces; a fraction is `.000` or `.999` of any length. */
  readonly piece: string;
  readonly rest: string;
}

/** By first letter, longest first. */
const pieces: Readonly<Record<string, readonly string[]>> = {
  J: ['January', 'Jan'],
  M: ['Monday', 'Mon', 'MST'],
  '0': ['002', '01', '02', '03', '04', '05', '06'],
  '1': ['15', '1'],
  '2': ['2006', '2'],
  _: ['_2006', '__2', '_2'],
  '3': ['3'],
  '4': ['4'],
  '5': ['5'],
  P: ['PM'],
  p: ['pm'],
  '-': ['-07:00:00', '-070000', '-07:00', '-0700', '-07'],
  Z: ['Z07:00:00', 'Z070000', 'Z07:00', 'Z0700', 'Z07'],
};

export function nextChunk(layout: string, from = 0): Chunk {
  for (let at = from; at < layout.length; at++) {
    const piece = pieceAt(layout, at);
    if (piece === undefined) continue;
    // The underscore of `_2006` is plain text.
    const start = piece === '_2006' ? at + 1 : at;
    const name = piece === '_2006' ? '2006' : piece;
    return { prefix: layout.slice(from, start), piece: name, rest: layout.slice(at + piece.length) };
  }
  return { prefix: layout.slice(from), piece: '', rest: '' };
}

function pieceAt(layout: string, at: number): string | undefined {
  const first = layout[at]!;
  if (first === '.' || first === ',') return fractionAt(layout, at);
  return pieces[first]?.find((piece) => {
    if (!layout.startsWith(piece, at)) return false;
    // `Janet` and `Money` are words.
    return (piece !== 'Jan' && piece !== 'Mon') || !/[a-z]/.test(layout[at + 3] ?? '');
  });
}

function fractionAt(layout: string, at: number): string | undefined {
  const digit = layout[at + 1];
  if (digit !== '0' && digit !== '9') return undefined;
  let end = at + 1;
  while (layout[end] === digit) end++;
  return /[0-9]/.test(layout[end] ?? '') ? undefined : layout.slice(at, end);
}

/** time.Format. */
export function formatInstant(instant: Instant, layout: string): string {
  const civil = civilOf(instant);
  let text = '';
  for (let chunk = nextChunk(layout); ; chunk = nextChunk(chunk.rest)) {
    text += chunk.prefix;
    if (chunk.piece === '') return text;
    text += pieceText(chunk.piece, instant, civil);
  }
}

function pieceText(piece: string, instant: Instant, civil: Civil): string {
  const first = piece[0];
  if (first === '.' || first === ',') return fractionText(piece, instant.nanos);
  if (first === '-' || first === 'Z') return offsetText(piece, instant);
  return fieldText(piece, instant, civil);
}

function fieldText(piece: string, instant: Instant, civil: Civil): string {
  const { year, month, day, hour, minute, second } = civil;
  const hour12 = hour % 12 === 0 ? 12 : hour % 12;
  switch (piece) {
    case '2006':
      return pad(year, 4);
    case '06':
      return pad(Math.abs(year) % 100, 2);
    case 'January':
      return monthNames[month - 1]!;
    case 'Jan':
      return monthNames[month - 1]!.slice(0, 3);
    case '1':
      return String(month);
    case '01':
      return pad(month, 2);
    case 'Monday':
      return dayNames[weekdayOf(instant)]!;
    case 'Mon':
      return dayNames[weekdayOf(instant)]!.slice(0, 3);
    case '2':
      return String(day);
    case '_2':
      return String(day).padStart(2);
    case '02':
      return pad(day, 2);
    case '__2':
      return String(yearDayOf(instant)).padStart(3);
    case '002':
      return pad(yearDayOf(instant), 3);
    case '15':
      return pad(hour, 2);
    case '3':
      return String(hour12);
    case '03':
      return pad(hour12, 2);
    case '4':
      return String(minute);
    case '04':
      return pad(minute, 2);
    case '5':
      return String(second);
    case '05':
      return pad(second, 2);
    case 'PM':
      return hour >= 12 ? 'PM' : 'AM';
    case 'pm':
      return hour >= 12 ? 'pm' : 'am';
    default:
      return abbreviationAt(instant.location, instant.seconds);
  }
}

function offsetText(piece: string, instant: Instant): string {
  const offset = offsetAt(instant.location, instant.seconds);
  if (piece.startsWith('Z') && offset === 0) return 'Z';
  const shape = piece.slice(1).replace('07', 'h').replace('00', 'm').replace('00', 's');
  return signed(offset, shape as 'h' | 'hm' | 'h:m' | 'hms' | 'h:m:s');
}

function fractionText(piece: string, nanos: number): string {
  const width = piece.length - 1;
  const digits = pad(nanos, 9).padEnd(width, '0').slice(0, width);
  if (piece[1] === '0') return piece[0] + digits;
  const kept = digits.replace(/0+$/, '');
  return kept === '' ? '' : piece[0] + kept;
}

/** Time.String. */
export function instantText(instant: Instant): string {
  return formatInstant(instant, '2006-01-02 15:04:05.999999999 -0700 MST');
}
