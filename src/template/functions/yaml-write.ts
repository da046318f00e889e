import type { CallContext } from '../func.ts';
import { decodeRune } from '../utf8.ts';
import { isPlainText } from './yaml-plain.ts';

/** A value ready to be written: text is a string, `plain` a scalar that needs no quotes. */
export type Tree =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'plain'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly Tree[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [string, Tree])[] };

type Style = 'plain' | 'single' | 'double' | 'literal';

/** Lines are broken at spaces beyond this column, and keys longer than that are written with a `?`. */
const widthColumns = 80;
const simpleKeyBytes = 128;
const indentColumns = 2;

/** What the emitter must know of a text to choose its style. */
interface Shape {
  readonly isMultiline: boolean;
  readonly mayBePlain: boolean;
  readonly mayBeSingle: boolean;
  readonly mayBeLiteral: boolean;
}

/** Writes block YAML as libyaml's emitter does, the one in go-yaml v2. */
export class YamlWriter {
  readonly #context: CallContext;
  readonly #parts: string[] = [];
  #column = 0;
  #indent = -1;
  /** The last thing written was white space, or the indentation of a line. */
  #afterSpace = true;
  #afterIndent = true;

  constructor(context: CallContext) {
    this.#context = context;
  }

  write(tree: Tree): string {
    this.#node(tree, { inMap: false, isKey: false });
    this.#lineStart();
    return this.#parts.join('');
  }

  #node(tree: Tree, place: { inMap: boolean; isKey: boolean }): void {
    this.#context.step();
    if (tree.kind === 'list') {
      if (tree.items.length === 0) this.#empty('[', ']');
      else this.#list(tree.items, place.inMap);
    } else if (tree.kind === 'map') {
      if (tree.entries.length === 0) this.#empty('{', '}');
      else this.#map(tree.entries);
    } else this.#scalar(tree, place.isKey);
  }

  #empty(open: string, close: string): void {
    this.#indicator(open, { spaceBefore: true, isSpace: true });
    this.#indicator(close, {});
  }

  #list(items: readonly Tree[], inMap: boolean): void {
    const before = this.#indent;
    // In a map the dashes stand below the key, not further in.
    this.#deeper(false, inMap && !this.#afterIndent);
    for (const item of items) {
      this.#lineStart();
      this.#indicator('-', { spaceBefore: true, isIndent: true });
      this.#node(item, { inMap: false, isKey: false });
    }
    this.#indent = before;
  }

  #map(entries: readonly (readonly [string, Tree])[]): void {
    const before = this.#indent;
    this.#deeper(false, false);
    for (const [key, value] of entries) {
      this.#lineStart();
      const text: Tree = { kind: 'text', text: key };
      if (!shapeOf(key).isMultiline && key.length <= simpleKeyBytes) {
        this.#node(text, { inMap: true, isKey: true });
        this.#indicator(':', {});
      } else {
        this.#indicator('?', { spaceBefore: true, isIndent: true });
        this.#node(text, { inMap: true, isKey: false });
        this.#lineStart();
        this.#indicator(':', { spaceBefore: true, isIndent: true });
      }
      this.#node(value, { inMap: true, isKey: false });
    }
    this.#indent = before;
  }

  #deeper(isFlow: boolean, isSameLevel: boolean): void {
    if (this.#indent < 0) this.#indent = isFlow ? indentColumns : 0;
    else if (!isSameLevel) this.#indent += indentColumns;
  }

  #scalar(tree: Tree & { readonly text: string }, isKey: boolean): void {
    const before = this.#indent;
    const style = tree.kind === 'plain' ? 'plain' : styleOf(tree.text, isKey);
    this.#deeper(true, false);
    if (style === 'plain') this.#plain(tree.text, !isKey);
    else if (style === 'single') this.#single(tree.text, !isKey);
    else if (style === 'double') this.#double(tree.text, !isKey);
    else this.#literal(tree.text);
    this.#indent = before;
  }

  #put(text: string, columns = 1): void {
    this.#context.grow(text.length);
    this.#parts.push(text);
    this.#column += columns;
  }

  #break(text = '\n'): void {
    this.#put(text, 0);
    this.#column = 0;
  }

  #lineStart(): void {
    const indent = Math.max(this.#indent, 0);
    if (!this.#afterIndent || this.#column > indent || (this.#column === indent && !this.#afterSpace))
      this.#break();
    if (this.#column < indent) this.#put(' '.repeat(indent - this.#column), indent - this.#column);
    this.#afterSpace = true;
    this.#afterIndent = true;
  }

  #indicator(mark: string, options: { spaceBefore?: boolean; isSpace?: boolean; isIndent?: boolean }): void {
    if (options.spaceBefore === true && !this.#afterSpace) this.#put(' ');
    this.#put(mark, mark.length);
    this.#afterSpace = options.isSpace ?? false;
    this.#afterIndent &&= options.isIndent ?? false;
  }

  #plain(text: string, mayBreak: boolean): void {
    if (!this.#afterSpace) this.#put(' ');
    this.#words(text, mayBreak, (char) => char);
    this.#afterSpace = false;
    this.#afterIndent = false;
  }

  #single(text: string, mayBreak: boolean): void {
    this.#indicator("'", { spaceBefore: true });
    this.#words(text, mayBreak, (char) => (char === "'" ? "''" : char), true);
    this.#indicator("'", {});
    this.#afterSpace = false;
    this.#afterIndent = false;
  }

  /** Text of one line, broken at lone spaces where it is too wide. */
  #words(text: string, mayBreak: boolean, written: (char: string) => string, isQuoted = false): void {
    const chars = charactersOf(text);
    let afterSpace = false;
    let afterBreak = false;
    chars.forEach((char, i) => {
      const isSpace = char === ' ';
      const isInside = !isQuoted || (i > 0 && i < chars.length - 1);
      if (
        isSpace &&
        mayBreak &&
        !afterSpace &&
        this.#column > widthColumns &&
        isInside &&
        chars[i + 1] !== ' '
      ) {
        this.#lineStart();
      } else if (isBreak(char)) {
        this.#break(char);
        this.#afterIndent = true;
      } else {
        if (afterBreak && !isSpace) this.#lineStart();
        this.#put(written(char), char === "'" && isQuoted ? 2 : 1);
        if (!isSpace) this.#afterIndent = false;
      }
      afterSpace = isSpace;
      if (!isSpace) afterBreak = isBreak(char);
    });
  }

  #double(text: string, mayBreak: boolean): void {
    this.#indicator('"', { spaceBefore: true });
    const chars = charactersOf(text);
    let afterSpace = false;
    chars.forEach((char, i) => {
      const isInside = i > 0 && i < chars.length - 1;
      if (char === ' ' && mayBreak && !afterSpace && this.#column > widthColumns && isInside) {
        this.#lineStart();
        if (chars[i + 1] === ' ') this.#put('\\');
      } else {
        const out = escaped(char);
        this.#put(out, out === char ? 1 : out.length);
      }
      afterSpace = char === ' ';
    });
    this.#indicator('"', {});
    this.#afterSpace = false;
    this.#afterIndent = false;
  }

  #literal(text: string): void {
    this.#indicator('|', { spaceBefore: true });
    const chars = charactersOf(text);
    if (chars[0] === ' ' || isBreak(chars[0]!)) this.#indicator(String(indentColumns), {});
    if (!isBreak(chars.at(-1)!)) this.#indicator('-', {});
    else if (chars.length === 1 || isBreak(chars.at(-2)!)) this.#indicator('+', {});
    this.#break();
    this.#afterIndent = true;
    this.#afterSpace = true;
    let afterBreak = true;
    for (const char of chars) {
      if (isBreak(char)) this.#break(char);
      else {
        if (afterBreak) this.#lineStart();
        this.#put(char);
      }
      afterBreak = isBreak(char);
      this.#afterIndent = afterBreak;
    }
  }
}

/** go-yaml's choice, then libyaml's corrections to it. */
function styleOf(text: string, isKey: boolean): Style {
  const shape = shapeOf(text);
  if (text.includes('\n')) return shape.mayBeLiteral && !isKey ? 'literal' : 'double';
  if (!isPlainText(text) || (isKey && shape.isMultiline)) return 'double';
  if (shape.mayBePlain) return 'plain';
  return shape.mayBeSingle ? 'single' : 'double';
}

const breaks = ['\n', '\r', '\xc2\x85', '\xe2\x80\xa8', '\xe2\x80\xa9'];
const isBreak = (char: string): boolean => breaks.includes(char);
const isBlank = (char: string | undefined): boolean => char === ' ' || char === '\t';

function charactersOf(text: string): string[] {
  const chars: string[] = [];
  for (let at = 0; at < text.length; ) {
    const width = text.charCodeAt(at) < 0x80 ? 1 : decodeRune(text, at) & 7;
    chars.push(text.slice(at, at + width));
    at += width;
  }
  return chars;
}

/** Line feed, and what YAML 1.1 lets stand but for characters beyond U+FFFF. */
function isPrintable(char: string): boolean {
  const packed = decodeRune(char, 0);
  const rune = packed >> 3;
  if (rune < 0x80) return rune === 0x0a || (rune >= 0x20 && rune <= 0x7e);
  return rune >= 0xa0 && rune <= 0xfffd && rune !== 0xfeff;
}

function shapeOf(text: string): Shape {
  const chars = charactersOf(text);
  const hasBreaks = chars.some(isBreak);
  const edge = (char: string | undefined): boolean => char !== undefined && (char === ' ' || isBreak(char));
  const hasEdges = edge(chars[0]) || edge(chars.at(-1));
  const hasSpecials = chars.some((char) => !isPrintable(char));
  const hasBreakSpace = chars.some((char, i) => char === ' ' && i > 0 && isBreak(chars[i - 1]!));
  const hasSpaceBreak = chars.some((char, i) => isBreak(char) && chars[i - 1] === ' ');
  const isClean = !hasSpaceBreak && !hasSpecials;
  return {
    isMultiline: hasBreaks,
    mayBePlain: isClean && !hasEdges && !hasBreaks && !hasIndicators(chars),
    mayBeSingle: isClean && !hasBreakSpace,
    mayBeLiteral: isClean && chars.at(-1) !== ' ',
  };
}

/** Something that would be read as syntax in a block. */
function hasIndicators(chars: readonly string[]): boolean {
  const text = chars.slice(0, 3).join('');
  if (text === '---' || text === '...') return true;
  return chars.some((char, i) => {
    const next = chars[i + 1];
    const atEnd = next === undefined || isBlank(next);
    if (char === ':') return atEnd;
    if (i === 0) return '#,[]{}&*!|>\'"%@`'.includes(char) || ((char === '?' || char === '-') && atEnd);
    const before = chars[i - 1]!;
    return char === '#' && (isBlank(before) || isBreak(before) || before === '\0');
  });
}

const named: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\xc2\x85': '\\N',
  '\xc2\xa0': '\\_',
  '\xe2\x80\xa8': '\\L',
  '\xe2\x80\xa9': '\\P',
};

function escaped(char: string): string {
  const isPlain = isPrintable(char) && !isBreak(char) && char !== '"' && char !== '\\';
  if (isPlain) return char;
  const name = named[char];
  if (name !== undefined) return name;
  const rune = decodeRune(char, 0) >> 3;
  const [mark, width] = rune <= 0xff ? ['x', 2] : rune <= 0xffff ? ['u', 4] : ['U', 8];
  return `\\${mark}${rune
    .toString(16)
    .toUpperCase()
    .padStart(width as number, '0')}`;
}
