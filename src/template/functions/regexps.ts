import { type Matcher, RE2JS } from 're2js';
import { type Call, type CallContext, GoError } from '../func.ts';
import { decodeRune, encodeRune, isDigit, isLetter, isValidUtf8, runeError } from '../utf8.ts';
import { isAscii, Slice, stringSlice, toText } from '../value.ts';
import { stepsPerItem } from './cast.ts';

/** Making an instruction of a program takes about a microsecond, as these many steps do. */
const stepsPerInstruction = 8;

/**
 * Go's regexp over RE2JS. RE2JS reads JavaScript strings; bytes that are no UTF-8 pass through it as lone
 * low surrogates (0xDC00 plus the byte), so that what is cut out of a text has its own bytes.
 */
export class GoRegexp {
  readonly #expression: RE2JS;
  readonly #isEmpty: boolean;

  private constructor(expression: RE2JS, isEmpty: boolean) {
    this.#expression = expression;
    this.#isEmpty = isEmpty;
  }

  /** Compiles a binary string; a GoError for what RE2 does not take. */
  static compile(pattern: string, context: CallContext): GoRegexp {
    if (!isValidUtf8(pattern)) throw new GoError('error parsing regexp: invalid UTF-8');
    const expression = parsed(toText(pattern));
    context.step(expression.programSize() * stepsPerInstruction);
    return new GoRegexp(expression, pattern === '');
  }

  test(text: string, context: CallContext): boolean {
    return this.#search(text, context).matcher.find();
  }

  /** The first match, or '' as Go has it for none. */
  find(text: string, context: CallContext): string {
    const { matcher, source } = this.#search(text, context);
    return matcher.find() ? restore(source.slice(matcher.start(), matcher.end())) : '';
  }

  /** At most `limit` matches, all for a negative one. */
  findAll(text: string, limit: number, context: CallContext): string[] {
    const { source, spans } = this.#findSpans(text, limit, context);
    return spans.map(([start, end]) => restore(source.slice(start, end)));
  }

  replaceAll(
    text: string,
    replacement: (matcher: Matcher, source: string) => string,
    context: CallContext,
  ): string {
    const { matcher, source } = this.#search(text, context);
    let result = '';
    let copied = 0;
    for (let from = 0; from <= source.length; ) {
      if (!matcher.find(from)) break;
      const [start, end] = [matcher.start(), matcher.end()];
      charge(source, context);
      result += restore(source.slice(copied, start));
      // An empty match right after another one is none of its own.
      if (end > copied || start === 0) result += replacement(matcher, source);
      copied = end;
      from = Math.max(end, from + widthAt(source, from));
    }
    return result + restore(source.slice(copied));
  }

  split(text: string, limit: number, context: CallContext): string[] {
    if (limit === 0) return [];
    if (!this.#isEmpty && text === '') return [''];
    const { source, spans } = this.#findSpans(text, limit, context);
    const parts: string[] = [];
    let start = 0;
    let end = 0;
    for (const span of spans) {
      if (limit > 0 && parts.length >= limit - 1) break;
      end = span[0];
      if (span[1] !== 0) parts.push(restore(source.slice(start, end)));
      start = span[1];
    }
    if (end !== source.length) parts.push(restore(source.slice(start)));
    return parts;
  }

  #search(text: string, context: CallContext): { matcher: Matcher; source: string } {
    context.step(text.length >> 3);
    const source = readable(text);
    return { matcher: this.#expression.matcher(source), source };
  }

  #findSpans(
    text: string,
    limit: number,
    context: CallContext,
  ): { source: string; spans: [number, number][] } {
    const { matcher, source } = this.#search(text, context);
    const spans: [number, number][] = [];
    let before = -1;
    for (let at = 0; at <= source.length && (limit < 0 || spans.length < limit); ) {
      if (!matcher.find(at)) break;
      const [start, end] = [matcher.start(), matcher.end()];
      charge(source, context);
      if (end > at || start !== before) spans.push([start, end]);
      at = end > at ? end : at + widthAt(source, at);
      before = end;
    }
    return { source, spans };
  }
}

function parsed(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    // What follows the description quotes the expression.
    const message = error instanceof Error ? error.message.split(/: [`"']/)[0]! : '';
    throw new GoError(message.startsWith('error parsing') ? message : 'error parsing regexp');
  }
}

/** A search may look at all of the text for each match. */
function charge(source: string, context: CallContext): void {
  context.step(stepsPerItem + (source.length >> 12));
}

/** At the end of the text too, one. */
function widthAt(source: string, at: number): number {
  return (source.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

/** A binary string as RE2JS can read it. */
function readable(text: string): string {
  if (isAscii(text) || isValidUtf8(text)) return toText(text);
  let source = '';
  for (let at = 0; at < text.length; ) {
    const packed = decodeRune(text, at);
    const width = packed & 7;
    const invalid = packed >> 3 === runeError && width === 1;
    source += invalid ? String.fromCharCode(0xdc00 + text.charCodeAt(at)) : String.fromCodePoint(packed >> 3);
    at += width;
  }
  return source;
}

/** Back to bytes. */
function restore(source: string): string {
  if (isAscii(source)) return source;
  let text = '';
  for (const char of source) {
    const code = char.codePointAt(0)!;
    text += code >= 0xdc80 && code <= 0xdcff ? String.fromCharCode(code - 0xdc00) : encodeRune(code);
  }
  return text;
}

/** Regexp.Expand: `$1`, `${1}`, `$name`, `${name}` and `$$`; `$1x` is the group called 1x, which is none. */
export function expander(
  template: string,
  context: CallContext,
): (matcher: Matcher, source: string) => string {
  const pieces = piecesOf(template);
  return (matcher, source) => {
    let text = '';
    for (const piece of pieces)
      text += typeof piece === 'string' ? piece : groupText(matcher, source, piece.name);
    context.grow(text.length);
    return text;
  };
}

type Piece = string | { readonly name: string };

function piecesOf(template: string): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < template.length; ) {
    const dollar = template.indexOf('$', at);
    if (dollar < 0) {
      pieces.push(template.slice(at));
      break;
    }
    pieces.push(template.slice(at, dollar));
    const name = nameAt(template, dollar + 1);
    if (template[dollar + 1] === '$') pieces.push('$');
    else pieces.push(name === undefined ? '$' : { name: name.text });
    at = template[dollar + 1] === '$' ? dollar + 2 : (name?.end ?? dollar + 1);
  }
  return pieces;
}

function nameAt(template: string, from: number): { text: string; end: number } | undefined {
  const inBraces = template[from] === '{';
  const start = inBraces ? from + 1 : from;
  let end = start;
  while (end < template.length) {
    const packed = decodeRune(template, end);
    const rune = packed >> 3;
    if (!isLetter(rune) && !isDigit(rune) && rune !== 0x5f) break;
    end += packed & 7;
  }
  if (end === start || (inBraces && template[end] !== '}')) return undefined;
  return { text: template.slice(start, end), end: inBraces ? end + 1 : end };
}

function groupText(matcher: Matcher, source: string, name: string): string {
  const index = /^(0|[1-9][0-9]{0,8})$/.test(name) ? Number(name) : matcher.namedGroups[toText(name)];
  if (index === undefined || index > matcher.groupCount()) return '';
  const start = matcher.start(index);
  return start < 0 ? '' : restore(source.slice(start, matcher.end(index)));
}

const literal = (text: string, context: CallContext) => (): string => {
  context.grow(text.length);
  return text;
};

function list(parts: string[], isNil: boolean): Slice {
  return isNil ? new Slice('string', [], { isNil: true }) : stringSlice(parts);
}

/** The functions of the regexp family; those with `must` and those without differ in Go's error only. */
export const regexMatch: Call = ([pattern, text], context) => {
  try {
    return GoRegexp.compile(pattern as string, context).test(text as string, context);
  } catch (error) {
    // The one whose form without `must` has no error: a bad expression matches nothing.
    if (error instanceof GoError) return false;
    throw error;
  }
};
export const mustRegexMatch: Call = ([pattern, text], context) =>
  GoRegexp.compile(pattern as string, context).test(text as string, context);
export const regexFind: Call = ([pattern, text], context) =>
  GoRegexp.compile(pattern as string, context).find(text as string, context);
export const regexFindAll: Call = ([pattern, text, limit], context) => {
  const found = GoRegexp.compile(pattern as string, context).findAll(text as string, Number(limit), context);
  return list(found, found.length === 0);
};
export const regexReplaceAll: Call = ([pattern, text, template], context) =>
  GoRegexp.compile(pattern as string, context).replaceAll(
    text as string,
    expander(template as string, context),
    context,
  );
export const regexReplaceAllLiteral: Call = ([pattern, text, replacement], context) =>
  GoRegexp.compile(pattern as string, context).replaceAll(
    text as string,
    literal(replacement as string, context),
    context,
  );
export const regexSplit: Call = ([pattern, text, limit], context) =>
  list(
    GoRegexp.compile(pattern as string, context).split(text as string, Number(limit), context),
    limit === 0n,
  );
