import { decodeRune, isPrint } from './utf8.ts';

/** The escapers of text/template: html, js and urlquery, over binary strings. */

const htmlEntities: Readonly<Record<string, string>> = {
  '\0': '\xef\xbf\xbd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[\0"'&<>]/g, (char) => htmlEntities[char]!);
}

const jsEscapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
};

export function escapeJs(text: string): string {
  let escaped = '';
  for (let i = 0; i < text.length; ) {
    const char = text[i]!;
    const packed = decodeRune(text, i);
    const rune = packed >> 3;
    const end = i + (packed & 7);
    if (rune >= 0x20 && rune < 0x80) escaped += jsEscapes[char] ?? char;
    else if (rune >= 0x80 && isPrint(rune)) escaped += text.slice(i, end);
    else escaped += `\\u${rune.toString(16).toUpperCase().padStart(4, '0')}`;
    i = end;
  }
  return escaped;
}

/** url.QueryEscape. */
export function escapeQuery(text: string): string {
  return text.replace(/[^A-Za-z0-9_.~-]/g, (char) =>
    char === ' ' ? '+' : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
