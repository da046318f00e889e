import {
  decodeRune,
  fromRunes,
  isA,
  isNewerThanGo,
  isSpace,
  isValidUtf8,
  runeError,
  runesOf,
} from '../utf8.ts';

/**
 * What Go's unicode and strings packages do with single characters beyond ../utf8.ts: case mappings, which
 * are one rune to one rune where JavaScript's may give several, and trimming.
 */

const character = (rune: number): string => String.fromCodePoint(rune);
const single = (mapped: string, rune: number): number => {
  const first = mapped.codePointAt(0)!;
  if (first === rune || mapped.length !== character(first).length) return rune;
  return isNewerThanGo(rune) || isNewerThanGo(first) ? rune : first;
};

export function toUpper(rune: number): number {
  if (rune < 0x80) return rune >= 0x61 && rune <= 0x7a ? rune - 32 : rune;
  // Greek with a subscript iota has a capital of its own, where full case mapping writes two letters.
  if (rune >= 0x1f80 && rune <= 0x1faf) return rune | 8;
  if (rune === 0x1fb3 || rune === 0x1fc3 || rune === 0x1ff3) return rune + 9;
  return single(character(rune).toUpperCase(), rune);
}

export function toLower(rune: number): number {
  if (rune < 0x80) return rune >= 0x41 && rune <= 0x5a ? rune + 32 : rune;
  if (rune === 0x130) return 0x69;
  return single(character(rune).toLowerCase(), rune);
}

export function toTitle(rune: number): number {
  // The digraphs that have a title form between both cases, and Georgian, which has none.
  if (rune >= 0x1c4 && rune <= 0x1cc) return rune - ((rune - 0x1c4) % 3) + 1;
  if (rune >= 0x1f1 && rune <= 0x1f3) return 0x1f2;
  if (rune >= 0x10d0 && rune <= 0x10ff) return rune;
  return toUpper(rune);
}

export const isPunct = (rune: number): boolean => isA(/^\p{P}$/u, rune);
export const isTitle = (rune: number): boolean => isA(/^\p{Lt}$/u, rune);

/** Splits into characters, each as its own bytes; an invalid byte stands alone. */
export function explode(text: string): string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const width = decodeRune(text, at) & 7;
    parts.push(text.slice(at, at + width));
    at += width;
  }
  return parts;
}

/** strings.TrimSpace. */
export function trimSpace(text: string): string {
  return trimWhere(text, isSpace);
}

/** strings.TrimFunc. */
export function trimWhere(text: string, drop: (rune: number) => boolean): string {
  let start = 0;
  while (start < text.length) {
    const packed = decodeRune(text, start);
    if (!drop(packed >> 3)) break;
    start += packed & 7;
  }
  let end = text.length;
  while (end > start) {
    const packed = lastRune(text, start, end);
    if (!drop(packed >> 3)) break;
    end -= packed & 7;
  }
  return text.slice(start, end);
}

/** utf8.DecodeLastRuneInString of `text[start:end]`, packed as decodeRune does. */
function lastRune(text: string, start: number, end: number): number {
  for (let width = 1; width <= 4 && end - width >= start; width++) {
    const packed = decodeRune(text.slice(end - width, end), 0);
    if ((packed & 7) === width && packed !== ((runeError << 3) | 1)) return packed;
  }
  return (runeError << 3) | 1;
}

/** U+FFFD for each byte that is no UTF-8. */
export function replaceInvalid(text: string): string {
  return isValidUtf8(text) ? text : fromRunes(runesOf(text));
}
