/** UTF-8 over binary strings, as Go's unicode/utf8 and unicode packages see it. */

export const runeError = 0xfffd;
const maxRune = 0x10ffff;

/**
 * The rune that starts at byte `i` and its width, packed as `rune << 3 | width`; an invalid byte is
 * U+FFFD of width 1. Packed so that loops over text allocate nothing: `packed >> 3`, `packed & 7`.
 */
export function decodeRune(text: string, i: number): number {
  const first = text.charCodeAt(i);
  if (first < 0x80) return (first << 3) | 1;
  const size = sequenceSize(first);
  if (size === 0 || i + size > text.length) return (runeError << 3) | 1;
  let rune = first & (0xff >> (size + 1));
  for (let k = 1; k < size; k++) {
    const next = text.charCodeAt(i + k);
    if ((next & 0xc0) !== 0x80) return (runeError << 3) | 1;
    rune = (rune << 6) | (next & 0x3f);
  }
  return isShortest(rune, size) ? (rune << 3) | size : (runeError << 3) | 1;
}

function sequenceSize(first: number): number {
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/** Neither overlong, nor a surrogate, nor beyond Unicode. */
function isShortest(rune: number, size: number): boolean {
  if (size === 3) return rune >= 0x800 && (rune < 0xd800 || rune > 0xdfff);
  return size === 2 || (rune >= 0x10000 && rune <= maxRune);
}

export function isValidRune(rune: number): boolean {
  return rune >= 0 && rune <= maxRune && (rune < 0xd800 || rune > 0xdfff);
}

/** The UTF-8 bytes of a rune; U+FFFD's for what is none. */
export function encodeRune(rune: number): string {
  const r = isValidRune(rune) ? rune : runeError;
  if (r < 0x80) return String.fromCharCode(r);
  if (r < 0x800) return String.fromCharCode(0xc0 | (r >> 6), 0x80 | (r & 0x3f));
  if (r < 0x10000) return String.fromCharCode(0xe0 | (r >> 12), 0x80 | ((r >> 6) & 0x3f), 0x80 | (r & 0x3f));
  return String.fromCharCode(
    0xf0 | (r >> 18),
    0x80 | ((r >> 12) & 0x3f),
    0x80 | ((r >> 6) & 0x3f),
    0x80 | (r & 0x3f),
  );
}

/** The runes of a text, U+FFFD for each invalid byte: Go's `[]rune(text)`. */
export function runesOf(text: string): number[] {
  const runes: number[] = [];
  for (let i = 0; i < text.length; ) {
    const packed = decodeRune(text, i);
    runes.push(packed >> 3);
    i += packed & 7;
  }
  return runes;
}

/** Go's `string(runes)`. */
export function fromRunes(runes: readonly number[]): string {
  let text = '';
  for (const rune of runes) text += encodeRune(rune);
  return text;
}

export function runeCount(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; count++) {
    i += text.charCodeAt(i) < 0x80 ? 1 : decodeRune(text, i) & 7;
  }
  return count;
}

export function isValidUtf8(text: string): boolean {
  for (let i = 0; i < text.length; ) {
    const packed = decodeRune(text, i);
    if (packed >> 3 === runeError && (packed & 7) === 1) return false;
    i += packed & 7;
  }
  return true;
}

/**
 * Characters assigned after Unicode 15.0, which is what Go 1.26 knows; the JavaScript engine knows more,
 * and `%q` would print what Go escapes. Made by comparing both engines over every code point.
 */
const newerThanGo = new RegExp(
  '[\\u088f\\u0897\\u0c5c\\u0cdc\\u1acf-\\u1add\\u1ae0-\\u1aeb\\u1b4e\\u1b4f\\u1b7f\\u1c89\\u1c8a\\u20c1' +
    '\\u2427-\\u2429\\u2b96\\u2ffc-\\u2fff\\u31e4-\\u31e5\\u31ef\\ua7cb-\\ua7cf\\ua7d2\\ua7d4' +
    '\\ua7da-\\ua7dc\\ua7f1\\ufbc3-\\ufbd2\\ufd90-\\ufd91\\ufdc8-\\ufdce\\u{105c0}-\\u{105f3}' +
    '\\u{10940}-\\u{10959}\\u{10d40}-\\u{10d65}\\u{10d69}-\\u{10d85}\\u{10d8e}-\\u{10d8f}' +
    '\\u{10ec2}-\\u{10ec7}\\u{10ed0}-\\u{10ed8}\\u{10efa}-\\u{10efc}\\u{11380}-\\u{11389}\\u{1138b}' +
    '\\u{1138e}\\u{11390}-\\u{113b5}\\u{113b7}-\\u{113c0}\\u{113c2}\\u{113c5}\\u{113c7}-\\u{113ca}' +
    '\\u{113cc}-\\u{113d5}\\u{113d7}-\\u{113d8}\\u{113e1}-\\u{113e2}\\u{116d0}-\\u{116e3}' +
    '\\u{11b60}-\\u{11b67}\\u{11bc0}-\\u{11be1}\\u{11bf0}-\\u{11bf9}\\u{11db0}-\\u{11ddb}' +
    '\\u{11de0}-\\u{11de9}\\u{11f5a}\\u{13460}-\\u{143fa}\\u{16100}-\\u{16139}\\u{16d40}-\\u{16d79}' +
    '\\u{16ea0}-\\u{16eb8}\\u{16ebb}-\\u{16ed3}\\u{16ff2}-\\u{16ff6}\\u{187f8}-\\u{187ff}\\u{18cff}' +
    '\\u{18d09}-\\u{18d1e}\\u{18d80}-\\u{18df2}\\u{1cc00}-\\u{1ccfc}\\u{1cd00}-\\u{1ceb3}' +
    '\\u{1ceba}-\\u{1ced0}\\u{1cee0}-\\u{1cef0}\\u{1e5d0}-\\u{1e5fa}\\u{1e5ff}\\u{1e6c0}-\\u{1e6de}' +
    '\\u{1e6e0}-\\u{1e6f5}\\u{1e6fe}-\\u{1e6ff}\\u{1f6d8}\\u{1f777}-\\u{1f77a}\\u{1f8b2}-\\u{1f8bb}' +
    '\\u{1f8c0}-\\u{1f8c1}\\u{1f8d0}-\\u{1f8d8}\\u{1fa54}-\\u{1fa57}\\u{1fa89}-\\u{1fa8a}' +
    '\\u{1fa8e}-\\u{1fa8f}\\u{1fabe}\\u{1fac6}\\u{1fac8}\\u{1facd}\\u{1fadc}\\u{1fadf}' +
    '\\u{1fae9}-\\u{1faea}\\u{1faef}\\u{1fbcb}-\\u{1fbef}\\u{1fbfa}\\u{2b73a}-\\u{2b73f}' +
    '\\u{2cea2}-\\u{2cead}\\u{2ebf0}-\\u{2ee5d}\\u{323b0}-\\u{33479}]',
  'u',
);

export function isLetter(rune: number): boolean {
  if (rune < 0x80) return (rune | 0x20) >= 0x61 && (rune | 0x20) <= 0x7a;
  return isA(/^\p{L}$/u, rune);
}

export function isDigit(rune: number): boolean {
  if (rune < 0x80) return rune >= 0x30 && rune <= 0x39;
  return isA(/^\p{Nd}$/u, rune);
}

/** Digits, and numbers of other kinds: `²`, `Ⅷ`. */
export function isNumber(rune: number): boolean {
  if (rune < 0x80) return rune >= 0x30 && rune <= 0x39;
  return isA(/^\p{N}$/u, rune);
}

export function isUpper(rune: number): boolean {
  return isA(/^\p{Lu}$/u, rune);
}

export function isLower(rune: number): boolean {
  return rune === 0x295 || isA(/^\p{Ll}$/u, rune);
}

export function isSpace(rune: number): boolean {
  if (rune < 0x80) return rune === 0x20 || (rune >= 0x09 && rune <= 0x0d);
  return rune === 0x85 || isA(/^[\p{Z}]$/u, rune);
}

/** Letters, marks, numbers, punctuation, symbols and the ASCII space. */
export function isPrint(rune: number): boolean {
  if (rune < 0x80) return rune >= 0x20 && rune < 0x7f;
  return isA(/^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u, rune);
}

export function isNewerThanGo(rune: number): boolean {
  return newerThanGo.test(String.fromCodePoint(rune));
}

/** Whether Go's Unicode has the character, and in that category. */
export function isA(category: RegExp, rune: number): boolean {
  if (rune < 0 || rune > maxRune) return false;
  const char = String.fromCodePoint(rune);
  return category.test(char) && !newerThanGo.test(char);
}
