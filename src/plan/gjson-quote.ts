import { decodeRune, runeError } from '../template/utf8.ts';

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['"', '\\"'],
  ['\\', '\\\\'],
]);

/** A byte string as gjson writes it into JSON: HTML-escaped, and invalid UTF-8 as \ufffd. */
export function quote(text: string): string {
  return `"${text.replace(/[\0-\x1f"\\<>&]|[\x80-\xff]+/g, (found) => shortEscapes.get(found) ?? escaped(found))}"`;
}

function escaped(found: string): string {
  if (found.charCodeAt(0) < 0x80) return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  let written = '';
  for (let at = 0; at < found.length; ) {
    const packed = decodeRune(found, at);
    const [rune, width] = [packed >> 3, packed & 7];
    if (rune === runeError && width === 1) written += '\\ufffd';
    else if (rune === 0x2028 || rune === 0x2029) written += `\\u${rune.toString(16)}`;
    else written += found.slice(at, at + width);
    at += width;
  }
  return written;
}

/** Whether a byte string is JSON. The grammar is the standard's; bytes beyond ASCII are not looked at. */
export function isValid(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
