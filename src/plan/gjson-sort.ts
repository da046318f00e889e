import { parseFloat64 } from '../template/float.ts';
import { fromRunes, runesOf } from '../template/utf8.ts';
import { trimUnicode } from './gjson-text.ts';

/** A member as it is laid out: from the indent of its key to the end of its value. */
export interface Member {
  /** With its quotes. */
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

/** Members by their keys, those with one key by their values; equal ones stay in order. */
export function inKeyOrder(members: readonly Member[], text: string): Member[] {
  return [...members].sort(
    (a, b) => compare(a.key, b.key) || compare(valueText(a, text), valueText(b, text)),
  );
}

function valueText({ key, start, end }: Member, text: string): string {
  return trimUnicode(trimUnicode(text.slice(start, end)).slice(key.length + 1));
}

/** null, false, numbers, strings, true, then brackets; within a kind by what they say. */
function compare(a: string, b: string): number {
  const kind = kindOf(a);
  if (kind !== kindOf(b)) return kind - kindOf(b);
  if (kind === 2) return order(parseFloat64(a) ?? 0, parseFloat64(b) ?? 0);
  return kind === 3 ? order(contentOf(a), contentOf(b)) : order(a, b);
}

function order<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function kindOf(value: string): number {
  const kind = ['n', 'f', '', '"', 't'].indexOf(value.charAt(0));
  if (value === '') return 0;
  if (kind >= 0) return kind;
  return value[0] === '[' || value[0] === '{' ? 5 : 2;
}

/** What a string says; nothing when it is malformed. */
function contentOf(quoted: string): string {
  const plain = /^"([^"\\]*)"/.exec(quoted);
  if (plain !== null) return plain[1]!;
  if (!quoted.includes('\\')) return '';
  try {
    const valid = Buffer.from(fromRunes(runesOf(quoted)), 'latin1').toString();
    return Buffer.from(String(JSON.parse(valid))).toString('latin1');
  } catch {
    return '';
  }
}
