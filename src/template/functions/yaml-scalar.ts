import { parseFloat64 } from '../float.ts';
import { parseInteger } from './cast.ts';
import { utc } from './instant.ts';
import { parseInstant } from './parse-time.ts';

/** What go-yaml v2 (YAML 1.1) makes of a plain scalar. Integers are bigint, within int64 or uint64. */
export type Scalar = null | boolean | bigint | number | string;

export interface Resolved {
  readonly tag: 'null' | 'bool' | 'int' | 'float' | 'str' | 'timestamp';
  readonly value: Scalar;
}

const words: Readonly<Record<string, Resolved>> = Object.fromEntries([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word) => entry(word, 'bool', true)),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word) =>
    entry(word, 'bool', false),
  ),
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => entry(word, 'null', null)),
  ...['.nan', '.NaN', '.NAN'].map((word) => entry(word, 'float', Number.NaN)),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => entry(word, 'float', Number.POSITIVE_INFINITY)),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => entry(word, 'float', Number.NEGATIVE_INFINITY)),
]);

function entry(word: string, tag: Resolved['tag'], value: Scalar): [string, Resolved] {
  return [word, { tag, value }];
}

/** The type and value of a plain scalar; `mayBeTime` is false under an explicit tag that is no timestamp. */
export function resolveScalar(text: string, mayBeTime = true): Resolved {
  const word = Object.hasOwn(words, text) ? words[text] : undefined;
  if (word !== undefined) return word;
  if (text.startsWith('.')) {
    const value = parseFloat64(text);
    return value === undefined || !Number.isFinite(value) ? plain(text) : { tag: 'float', value };
  }
  if (!/^[+\-0-9]/.test(text)) return plain(text);
  if (mayBeTime && isTimestamp(text)) return { tag: 'timestamp', value: text };
  return resolveNumber(text.replaceAll('_', '')) ?? plain(text);
}

const plain = (text: string): Resolved => ({ tag: 'str', value: text });

function resolveNumber(text: string): Resolved | undefined {
  const signed = parseInteger(text, 0);
  if (typeof signed === 'bigint') return { tag: 'int', value: signed };
  if (signed === 'too large' && !text.startsWith('+')) {
    const value = unsigned(text);
    if (value !== undefined) return { tag: 'int', value };
  }
  if (!/^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? { tag: 'float', value } : undefined;
}

/** A number that only fits into uint64. */
function unsigned(text: string): bigint | undefined {
  const isOctal = /^0[0-7]/.test(text);
  if (text.length > 80) return undefined;
  const value = BigInt(isOctal ? `0o${text.slice(1)}` : text.toLowerCase());
  return value < 2n ** 64n ? value : undefined;
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
export function isBase60(text: string): boolean {
  return /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/.test(text);
}
