import { decodeRune, encodeRune, isLetter, isNumber, isSpace, isUpper, runeError } from '../utf8.ts';
import { isPunct, toLower, toUpper } from './runes.ts';

/** `camelcase`, `snakecase` and `kebabcase`, by the rules of xstrings. */

const isConnector = (rune: number): boolean => rune === 0x2d || rune === 0x5f || isSpace(rune);

/** `http_server` to `HttpServer`; leading connectors stay. */
export function camelCase(text: string): string {
  let at = 0;
  const next = (): number => {
    const packed = decodeRune(text, at);
    at += packed & 7;
    return packed >> 3;
  };
  if (text === '') return '';
  let camel = '';
  let rune = next();
  while (isConnector(rune) && at < text.length) {
    camel += encodeRune(rune);
    rune = next();
  }
  // A text of connectors only has its last one twice: once as leading, once as the end.
  if (isConnector(rune)) return camel + encodeRune(rune) + encodeRune(rune);
  let inCapitals = isUpper(rune);
  rune = toUpper(rune);
  if (at === text.length) return camel + encodeRune(rune);
  while (at < text.length) {
    const before = rune;
    rune = next();
    if (isConnector(rune) && isConnector(before)) {
      camel += encodeRune(before);
      continue;
    }
    if (isConnector(before)) {
      inCapitals = isUpper(rune);
      rune = toUpper(rune);
      continue;
    }
    if (inCapitals) {
      if (isUpper(rune)) rune = toLower(rune);
      else inCapitals = false;
    }
    camel += encodeRune(before);
  }
  return camel + encodeRune(rune);
}

type WordType = 'none' | 'number' | 'upper' | 'alphabet' | 'connector' | 'punct' | 'other';

interface Word {
  readonly type: WordType;
  readonly start: number;
  readonly end: number;
}

/** Words joined by `connector`, in small letters: `HTTPServer2xx` to `http_server_2xx`. */
export function delimitedCase(text: string, connector: '_' | '-'): string {
  let result = '';
  const write = (word: Word, as: WordType = word.type) => {
    result += lowered(text.slice(word.start, word.end), as, connector);
  };
  const after = (word: Word) => nextWord(text, word.end);
  const joins = (type: WordType, ...not: WordType[]) => {
    if (!not.includes(type)) result += connector;
  };
  let word = nextWord(text, 0);
  while (word.end < text.length) {
    if (word.type !== 'connector') write(word);
    const before = word;
    word = after(before);
    if (before.type === 'number') {
      for (; word.type === 'alphabet' || word.type === 'number'; word = after(word)) write(word);
      joins(word.type, 'none', 'punct', 'connector');
    } else if (before.type === 'connector') {
      write(before);
    } else if (before.type !== 'punct') {
      if (word.type !== 'number') {
        joins(word.type, 'connector', 'punct');
        continue;
      }
      if (word.end >= text.length) continue;
      const number = word;
      word = after(number);
      if (word.type !== 'alphabet') {
        // A number belongs to the word before it: bld4_floor.
        write(number);
        joins(word.type, 'connector', 'punct');
        continue;
      }
      // Unless small letters follow: http_2xx.
      result += connector;
      write(number);
      for (; word.type === 'alphabet' || word.type === 'number'; word = after(word)) write(word);
      joins(word.type, 'none', 'connector', 'punct');
    }
  }
  write(word);
  return result;
}

function lowered(text: string, type: WordType, connector: string): string {
  if (type !== 'upper' && type !== 'connector') return text;
  let result = '';
  for (let at = 0; at < text.length; ) {
    const packed = decodeRune(text, at);
    at += packed & 7;
    const rune = packed >> 3;
    result += isConnector(rune) ? connector : encodeRune(isUpper(rune) ? toLower(rune) : rune);
  }
  return result;
}

/** The next valid rune, with the width of it and of the invalid bytes skipped before it; at the end the
 * rune before again. */
function validRune(text: string, start: number, before: number): { rune: number; width: number } {
  for (let at = start; at < text.length; ) {
    const packed = decodeRune(text, at);
    at += packed & 7;
    if (packed >> 3 !== runeError) return { rune: packed >> 3, width: at - start };
    if (at >= text.length) return { rune: before, width: at - start };
  }
  return { rune: before, width: 0 };
}

function nextWord(text: string, start: number): Word {
  if (start >= text.length) return { type: 'none', start, end: start };
  const { rune, width } = validRune(text, start, runeError);
  const first = start + width;
  if (rune === runeError) return { type: 'none', start, end: first };
  const run = (type: WordType, goesOn: (rune: number, width: number) => boolean): Word => ({
    type,
    start,
    end: runEnd(text, first, rune, goesOn),
  });
  if (isConnector(rune)) return run('connector', isConnector);
  if (isPunct(rune)) return run('punct', isPunct);
  if (isUpper(rune)) return upperWord(text, start, first, rune);
  if (isAlphabet(rune)) return run('alphabet', isSmall);
  if (isNumber(rune)) return run('number', isNumber);
  return run('other', (next, size) => {
    return size > 0 && !(isConnector(next) || isAlphabet(next) || isNumber(next) || isPunct(next));
  });
}

/** xstrings knows the Chinese characters of these ranges as no part of words. */
function isAlphabet(rune: number): boolean {
  const isChinese =
    (rune >= 0x3400 && rune <= 0x4d85) ||
    (rune >= 0x4e00 && rune <= 0x9fcc) ||
    (rune >= 0x20000 && rune <= 0x2b81d);
  return !isChinese && isLetter(rune);
}

const isSmall = (rune: number): boolean => isAlphabet(rune) && !isUpper(rune);

function runEnd(
  text: string,
  from: number,
  rune: number,
  goesOn: (rune: number, width: number) => boolean,
): number {
  let at = from;
  let last = rune;
  while (at < text.length) {
    const next = validRune(text, at, last);
    if (!goesOn(next.rune, next.width)) break;
    last = next.rune;
    at += next.width;
  }
  return at;
}

/** `HTTPStatus` is HTTP and Status: the last capital before a small letter starts the next word. */
function upperWord(text: string, start: number, first: number, rune: number): Word {
  if (first >= text.length) return { type: 'upper', start, end: first };
  const second = validRune(text, first, rune);
  if (isUpper(second.rune)) {
    let at = first + second.width;
    let last = second;
    let next = second;
    while (at < text.length) {
      next = validRune(text, at, last.rune);
      if (!isUpper(next.rune)) break;
      last = next;
      at += next.width;
    }
    const end = at < text.length && isAlphabet(next.rune) ? at - last.width : at;
    return { type: 'upper', start, end };
  }
  if (!isAlphabet(second.rune)) return { type: 'upper', start, end: first };
  return { type: 'upper', start, end: runEnd(text, first + second.width, second.rune, isSmall) };
}
