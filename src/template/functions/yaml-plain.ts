import { resolveScalar } from '../yaml-scalar.ts';
import { utc } from './instant.ts';
import { parseInstant } from './parse-time.ts';

/** Whether go-yaml v2 may write a text without quotes and still read it as that text. */
export function isPlainText(text: string): boolean {
  return typeof resolveScalar(text, undefined, true) === 'string' && !isTimestamp(text) && !isBase60(text);
}

const layouts = [
  '2006-1-2T15:4:5.999999999Z07:00',
  '2006-1-2t15:4:5.999999999Z07:00',
  '2006-1-2 15:4:5.999999999',
  '2006-1-2',
];

function isTimestamp(text: string): boolean {
  return /^[0-9]{4}-/.test(text) && layouts.some((layout) => parseInstant(layout, text, utc) !== undefined);
}

/** YAML 1.1's `1:30`, which go-yaml does not read as a number but quotes. */
function isBase60(text: string): boolean {
  return /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/.test(text);
}
