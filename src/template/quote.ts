import { decodeRune, encodeRune, isPrint, isValidRune, isValidUtf8, runeError } from './utf8.ts';

/** Go's string and character literals, both ways (strconv.Quote and Unquote), over binary strings. */

const named: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
};

/** strconv.Quote; with `ascii`, strconv.QuoteToASCII. */
export function quote(text: string, ascii = false): string {
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  let quoted = '"';
  for (let i = 0; i < text.length; ) {
    const packed = decodeRune(text, i);
    const invalid = packed >> 3 === runeError && (packed & 7) === 1;
    quoted += invalid ? `\\x${hex(text.charCodeAt(i), 2)}` : escaped(packed >> 3, '"', ascii);
    i += packed & 7;
  }
  return `${quoted}"`;
}

/** strconv.QuoteRune; with `ascii`, strconv.QuoteRuneToASCII. */
export function quoteRune(rune: number, ascii = false): string {
  return `'${escaped(isValidRune(rune) ? rune : runeError, "'", ascii)}'`;
}

function escaped(rune: number, mark: string, ascii: boolean): string {
  if (rune === mark.charCodeAt(0) || rune === 0x5c) return `\\${String.fromCharCode(rune)}`;
  if (rune < 0x80 ? isPrint(rune) : !ascii && isPrint(rune)) return encodeRune(rune);
  if (named[rune] !== undefined) return named[rune];
  if (rune < 0x20 || rune === 0x7f) return `\\x${hex(rune, 2)}`;
  return rune < 0x10000 ? `\\u${hex(rune, 4)}` : `\\U${hex(rune, 8)}`;
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, '0');
}

/** strconv.CanBackquote: valid UTF-8 of one line without control characters, DEL, U+FEFF or a backquote. */
export function canBackquote(text: string): boolean {
  return isValidUtf8(text) && !/[\0-\x08\n-\x1f`\x7f]|\xef\xbb\xbf/.test(text);
}

/** strconv.Unquote of a complete literal in double quotes or backquotes; undefined where Go has an error. */
export function unquote(literal: string): string | undefined {
  const mark = literal[0];
  if (literal.length < 2 || literal.at(-1) !== mark) return undefined;
  const body = literal.slice(1, -1);
  if (mark === '`') return body.includes('`') ? undefined : body.replaceAll('\r', '');
  if (!/[\\\n"]/.test(body) && isValidUtf8(body)) return body;
  return unescaped(body, '"');
}

function unescaped(body: string, mark: string): string | undefined {
  let text = '';
  for (let i = 0; i < body.length; ) {
    const char = unquoteChar(body, i, mark);
    if (char === undefined || body[i] === '\n') return undefined;
    text += char.wide ? encodeRune(char.code) : String.fromCharCode(char.code);
    i = char.next;
  }
  return text;
}

export interface LiteralChar {
  /** A rune when `wide`, else one byte. */
  readonly code: number;
  readonly wide: boolean;
  /** Where the next character starts. */
  readonly next: number;
}

const simple: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '\\': 92 };
const hexWidth: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** strconv.UnquoteChar at `i`; undefined where Go has an error. */
export function unquoteChar(text: string, i: number, mark: string): LiteralChar | undefined {
  const char = text[i];
  if (char === undefined || char === mark) return undefined;
  if (char !== '\\') {
    const packed = decodeRune(text, i);
    return { code: packed >> 3, wide: text.charCodeAt(i) >= 0x80, next: i + (packed & 7) };
  }
  const letter = text[i + 1];
  if (letter === undefined) return undefined;
  if (letter === "'" || letter === '"') {
    return letter === mark ? { code: letter.charCodeAt(0), wide: false, next: i + 2 } : undefined;
  }
  if (simple[letter] !== undefined) return { code: simple[letter], wide: false, next: i + 2 };
  return hexWidth[letter] === undefined ? octalChar(text, i + 1) : hexChar(text, i + 2, letter);
}

function hexChar(text: string, start: number, letter: string): LiteralChar | undefined {
  const next = start + hexWidth[letter]!;
  const digits = text.slice(start, next);
  if (digits.length < next - start || !/^[0-9a-fA-F]+$/.test(digits)) return undefined;
  const code = Number.parseInt(digits, 16);
  const wide = letter !== 'x';
  return wide && !isValidRune(code) ? undefined : { code, wide, next };
}

function octalChar(text: string, start: number): LiteralChar | undefined {
  const digits = text.slice(start, start + 3);
  if (!/^[0-7]{3}$/.test(digits)) return undefined;
  const code = Number.parseInt(digits, 8);
  return code > 0xff ? undefined : { code, wide: false, next: start + 3 };
}
