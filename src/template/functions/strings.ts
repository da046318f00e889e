import { sprint } from '../fmt.ts';
import { type CallContext, type FunctionTable, func, GoError, variadic } from '../func.ts';
import { quote } from '../quote.ts';
import { decodeRune, encodeRune, isDigit, isLetter, isLower, isSpace, isUpper, runesOf } from '../utf8.ts';
import { fromText, GoMap, stringSlice, type Value } from '../value.ts';
import { stepsPerItem, stringsOf, strval } from './cast.ts';
import { explode, isTitle, toLower, toTitle, toUpper, trimSpace, trimWhere } from './runes.ts';
import { abbreviate, wrapLines } from './shape.ts';
import { camelCase, delimitedCase } from './words.ts';

export const strings: FunctionTable = {
  hello: func([], () => 'Hello!'),
  abbrev: func(['int', 'string'], (width, text) => (width < 4n ? text : abbreviate(text, 0n, width))),
  abbrevboth: func(['int', 'int', 'string'], (left, right, text) => {
    if (right < 4n || (left > 0n && right < 7n)) return text;
    return abbreviate(text, left, right);
  }),
  trunc: func(['int', 'string'], trunc),
  trim: func(['string'], (text) => trimSpace(text)),
  upper: func(['string'], (text) => (isAscii(text) ? text.toUpperCase() : mapRunes(text, toUpper))),
  lower: func(['string'], (text) => (isAscii(text) ? text.toLowerCase() : mapRunes(text, toLower))),
  title: func(['string'], title),
  untitle: func(['string'], untitle),
  substr: func(['int', 'int', 'string'], (start, end, text) => {
    if (start < 0n) return slice(text, 0n, end);
    if (end < 0n || end > text.length) return slice(text, start, BigInt(text.length));
    return slice(text, start, end);
  }),
  repeat: func(['int', 'string'], (count, text, context) => repeat(text, count, context)),
  trimall: func(['string', 'string'], (cutset, text) => trimAll(text, cutset)),
  trimAll: func(['string', 'string'], (cutset, text) => trimAll(text, cutset)),
  trimSuffix: func(['string', 'string'], (suffix, text) =>
    text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text,
  ),
  trimPrefix: func(['string', 'string'], (prefix, text) =>
    text.startsWith(prefix) ? text.slice(prefix.length) : text,
  ),
  nospace: func(['string'], nospace),
  initials: func(['string'], initials),
  swapcase: func(['string'], swapCase),
  snakecase: func(['string'], (text) => delimitedCase(text, '_')),
  camelcase: func(['string'], (text) => camelCase(text)),
  kebabcase: func(['string'], (text) => delimitedCase(text, '-')),
  wrap: func(['int', 'string'], (width, text, context) =>
    wrapLines(text, { width, separator: '\n', breakWords: false }, context),
  ),
  wrapWith: func(['int', 'string', 'string'], (width, separator, text, context) =>
    wrapLines(text, { width, separator: separator || '\n', breakWords: true }, context),
  ),
  contains: func(['string', 'string'], (part, text) => text.includes(part)),
  hasPrefix: func(['string', 'string'], (prefix, text) => text.startsWith(prefix)),
  hasSuffix: func(['string', 'string'], (suffix, text) => text.endsWith(suffix)),
  quote: variadic([], 'interface {}', (values, context) =>
    joined(values, (value) => quote(strval(value, context))),
  ),
  squote: variadic([], 'interface {}', (values, context) =>
    joined(values, (value) => `'${sprint([value], context)}'`),
  ),
  cat: variadic([], 'interface {}', (values, context) => joined(values, (value) => sprint([value], context))),
  indent: func(['int', 'string'], (count, text, context) => indent(text, count, context)),
  nindent: func(['int', 'string'], (count, text, context) => `\n${indent(text, count, context)}`),
  replace: func(['string', 'string', 'string'], replace),
  plural: func(['string', 'string', 'int'], (one, many, count) => (count === 1n ? one : many)),
  toString: func(['interface {}'], (value, context) => strval(value, context)),
  toStrings: func(['interface {}'], (value, context) => stringSlice(stringsOf(value, context))),
  join: func(['string', 'interface {}'], (separator, list, context) => {
    const parts = stringsOf(list, context);
    context.grow(separator.length * parts.length);
    return parts.join(separator);
  }),
  split: func(['string', 'string'], (separator, text, context) =>
    numbered(splitText(text, separator, -1n, context)),
  ),
  splitn: func(['string', 'int', 'string'], (separator, count, text, context) =>
    numbered(splitText(text, separator, count, context)),
  ),
  splitList: func(['string', 'string'], (separator, text, context) =>
    stringSlice(splitText(text, separator, -1n, context)),
  ),
};

/** With spaces between; nil is left out. */
function joined(values: readonly Value[], text: (value: Value) => string): string {
  return values
    .filter((value) => value !== null)
    .map(text)
    .join(' ');
}

function trunc(count: bigint, text: string): string {
  const length = BigInt(text.length);
  if (count < 0n && length + count > 0n) return text.slice(Number(length + count));
  return count >= 0n && length > count ? text.slice(0, Number(count)) : text;
}

function slice(text: string, start: bigint, end: bigint): string {
  if (start < 0n || end < start || end > text.length) throw new GoError('slice bounds out of range');
  return text.slice(Number(start), Number(end));
}

export function repeat(text: string, count: bigint, context: CallContext): string {
  if (count < 0n) throw new GoError('strings: negative Repeat count');
  const length = count * BigInt(text.length);
  context.grow(length > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(length));
  return text === '' ? '' : text.repeat(Number(count));
}

/** strings.Map: each rune mapped alone, an invalid byte becoming U+FFFD. */
function mapRunes(text: string, map: (rune: number) => number): string {
  let mapped = '';
  for (let at = 0; at < text.length; ) {
    const packed = decodeRune(text, at);
    mapped += encodeRune(map(packed >> 3));
    at += packed & 7;
  }
  return mapped;
}

/** strings.Title: a letter after something that is no word character is put into title case. */
function title(text: string): string {
  let before = 0x20;
  return mapRunes(text, (rune) => {
    const starts = isSeparator(before);
    before = rune;
    return starts ? toTitle(rune) : rune;
  });
}

function isSeparator(rune: number): boolean {
  if (rune < 0x80) return !(isLetter(rune) || isDigit(rune) || rune === 0x5f);
  return !isLetter(rune) && !isDigit(rune) && isSpace(rune);
}

function untitle(text: string): string {
  let starts = true;
  return mapRunes(text, (rune) => {
    if (isSpace(rune)) {
      starts = true;
      return rune;
    }
    const mapped = starts ? toLower(rune) : rune;
    starts = false;
    return mapped;
  });
}

function trimAll(text: string, cutset: string): string {
  const cut = new Set(runesOf(cutset));
  return trimWhere(text, (rune) => cut.has(rune));
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}

/** goutils takes each byte for a character, and so writes other letters than ASCII as two. */
function nospace(text: string): string {
  const kept = text.replace(/[\t-\r \x85\xa0]+/g, '');
  return kept.length === text.length ? text : fromText(kept);
}

function initials(text: string): string {
  let found = '';
  let afterGap = true;
  for (let at = 0; at < text.length; at++) {
    const byte = text.charCodeAt(at);
    const isGap = isSpace(byte);
    if (!isGap && afterGap) found += encodeRune(byte);
    afterGap = isGap;
  }
  return found;
}

/** Small letters at the start of a word get title case, other small ones capitals, all else small. */
function swapCase(text: string): string {
  let starts = true;
  return mapRunes(text, (rune) => {
    if (isUpper(rune) || isTitle(rune)) {
      starts = false;
      return toLower(rune);
    }
    if (!isLower(rune)) {
      starts = isSpace(rune);
      return rune;
    }
    const mapped = starts ? toTitle(rune) : toUpper(rune);
    starts = false;
    return mapped;
  });
}

function indent(text: string, count: bigint, context: CallContext): string {
  const lines = text.split('\n');
  // Checked for all lines before any is made.
  context.grow(Math.min(Number(count) * lines.length, Number.MAX_SAFE_INTEGER));
  const padding = repeat(' ', count, context);
  return padding + lines.join(`\n${padding}`);
}

function replace(old: string, replacement: string, text: string, context: CallContext): string {
  if (old === replacement) return text;
  if (old !== '') {
    context.grow(replacement.length * occurrences(text, old));
    return text.replaceAll(old, () => replacement);
  }
  context.step(text.length);
  context.grow(replacement.length * (text.length + 1));
  let replaced = '';
  for (let at = 0; at < text.length; ) {
    const width = decodeRune(text, at) & 7;
    replaced += replacement + text.slice(at, at + width);
    at += width;
  }
  return replaced + replacement;
}

/** Counted before a list is made of them, since that takes far more memory than the text. */
function occurrences(text: string, part: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++;
  return count;
}

/** strings.SplitN: all parts for a negative count, none for 0. */
function splitText(text: string, separator: string, count: bigint, context: CallContext): string[] {
  if (count === 0n) return [];
  if (separator === '') return splitRunes(text, count, context);
  context.step((occurrences(text, separator) + 1) * stepsPerItem);
  const parts = text.split(separator);
  if (count < 0n || parts.length <= count) return parts;
  const kept = parts.slice(0, Number(count) - 1);
  return [...kept, parts.slice(Number(count) - 1).join(separator)];
}

/** strings.explode: in the last part the rest stands as it is. */
function splitRunes(text: string, count: bigint, context: CallContext): string[] {
  context.step(text.length * stepsPerItem);
  const parts = explode(text);
  if (count < 0n || parts.length <= count) return parts;
  return [...parts.slice(0, Number(count) - 1), parts.slice(Number(count) - 1).join('')];
}

function numbered(parts: readonly string[]): Value {
  return new GoMap(
    'string',
    'string',
    parts.map((part, index) => [`_${index}`, part] as const),
  );
}
