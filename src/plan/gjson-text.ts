import { plainDecimal } from '../base/json.ts';
import { parseFloat64 } from '../template/float.ts';
import { encodeRune } from '../template/utf8.ts';

/**
 * What gjson calls a Result. Texts are byte strings: one character per byte. `raw` is the value's own text, `text`
 * what a string says. Nothing found is a null without text.
 */
export interface Result {
  readonly type: 'null' | 'false' | 'number' | 'string' | 'true' | 'json';
  readonly raw: string;
  readonly text: string;
}

export const nothing: Result = { type: 'null', raw: '', text: '' };

export function exists(result: Result): boolean {
  return result.type !== 'null' || result.raw !== '';
}

export function json(raw: string): Result {
  return { type: 'json', raw, text: '' };
}

export function isArray(result: Result): boolean {
  return result.type === 'json' && result.raw[0] === '[';
}

export function isObject(result: Result): boolean {
  return result.type === 'json' && result.raw[0] === '{';
}

export function number(raw: string): Result {
  return { type: 'number', raw, text: '' };
}

/** What a number is worth: 0 where its text is no number. */
export function numberOf({ raw }: Result): number {
  return parseFloat64(raw) ?? 0;
}

/** A word that starts with t, f or n, whatever follows: gjson looks at the first letter only. */
export function literal(raw: string): Result {
  const type = raw[0] === 't' ? 'true' : raw[0] === 'f' ? 'false' : 'null';
  return { type, raw, text: '' };
}

/** A string with its quotes, of which the closing one may be missing. */
export function string(raw: string, contentEnd = raw.length - 1): Result {
  const content = raw.slice(1, contentEnd);
  return { type: 'string', raw, text: content.includes('\\') ? unescaped(content) : content };
}

/** gjson's Result.String(). */
export function textOf(result: Result): string {
  switch (result.type) {
    case 'null':
      return '';
    case 'false':
    case 'true':
      return result.type;
    case 'string':
      return result.text;
    case 'json':
      return result.raw;
    case 'number':
      return /^-?[0-9]*$/.test(result.raw) ? result.raw : plainDecimal(numberOf(result));
  }
}

export const numberStart = /[-+0-9iIN]/;

/** Where the string whose content starts at `from` has its closing quote; -1 when it has none. */
export function quoteAt(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) return at;
    if (char === 0x5c) at++;
  }
  return -1;
}

/** The end of the number or unquoted word that starts at `from`. */
export function numberEnd(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text.charCodeAt(at) > 0x20 && !',]}'.includes(text.charAt(at))) at++;
  return at;
}

export function literalEnd(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text.charCodeAt(at) >= 0x61 && text.charCodeAt(at) <= 0x7a) at++;
  return at;
}

/**
 * The end of the value whose opening bracket is at `from`. Brackets of any kind close one another. An unclosed
 * value ends with the text, and one past it when that is within a string: gjson's array walk tells them apart.
 */
export function bracketEnd(text: string, from: number): number {
  let depth = 1;
  let at = from + 1;
  for (; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: {
        const quote = quoteAt(text, at + 1);
        if (quote < 0) return text.length + 1;
        at = quote;
        break;
      }
      case 0x5b:
      case 0x7b:
      case 0x28:
        depth++;
        break;
      case 0x5d:
      case 0x7d:
      case 0x29:
        if (--depth === 0) return at + 1;
    }
  }
  return at;
}

/** The bracketed value or string at the start of `text`, as far as it goes. */
export function leading(text: string): string {
  if (text[0] !== '"') return text.slice(0, bracketEnd(text, 0));
  const quote = quoteAt(text, 1);
  return quote < 0 ? text : text.slice(0, quote + 1);
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['"', '"'],
]);

/** The content of a string. It ends early at a control character and at an escape that is none. */
export function unescaped(content: string): string {
  let plain = '';
  for (let at = 0; at < content.length; ) {
    const run = /[^\\\0-\x1f]*/y;
    run.lastIndex = at;
    plain += run.exec(content)![0];
    at = run.lastIndex;
    if (content[at] !== '\\') return plain;
    const letter = content.charAt(at + 1);
    if (letter === 'u') {
      if (at + 6 > content.length) return plain;
      const [rune, length] = unicodeEscape(content, at);
      plain += encodeRune(rune);
      at += length;
      continue;
    }
    const char = escapes.get(letter);
    if (char === undefined) return plain;
    plain += char;
    at += 2;
  }
  return plain;
}

/** A surrogate takes whatever escape follows as its other half. */
function unicodeEscape(content: string, at: number): [rune: number, length: number] {
  const unit = hex(content.slice(at + 2, at + 6));
  if (unit < 0xd800 || unit > 0xdfff) return [unit, 6];
  if (content.length < at + 12 || content.slice(at + 6, at + 8) !== '\\u') return [0xfffd, 6];
  const low = hex(content.slice(at + 8, at + 12));
  const isPair = unit < 0xdc00 && low >= 0xdc00 && low <= 0xdfff;
  return [isPair ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : 0xfffd, 12];
}

function hex(digits: string): number {
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : 0;
}

/** Go's strings.TrimSpace, over the bytes of UTF-8. */
export function trimUnicode(text: string): string {
  const space =
    /^(?:[\t-\r ]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80)$/;
  let start = 0;
  let end = text.length;
  const widths = [1, 2, 3];
  for (;;) {
    const width = widths.find((size) => space.test(text.slice(start, Math.min(start + size, end))));
    if (width === undefined) break;
    start = Math.min(start + width, end);
  }
  for (;;) {
    const width = widths.find((size) => space.test(text.slice(Math.max(start, end - size), end)));
    if (width === undefined) return text.slice(start, end);
    end = Math.max(start, end - width);
  }
}
