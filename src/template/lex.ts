import { decodeRune, isDigit, isLetter, isPrint } from './utf8.ts';

export type TokenKind =
  | 'error'
  | 'eof'
  | 'text'
  | 'left-delim'
  | 'right-delim'
  | 'space'
  | 'bool'
  | 'char-constant'
  | 'complex'
  | 'number'
  | 'string'
  | 'raw-string'
  | 'assign'
  | 'declare'
  | 'pipe'
  | 'left-paren'
  | 'right-paren'
  | 'char'
  | 'dot'
  | 'field'
  | 'variable'
  | 'identifier'
  | 'nil'
  | Keyword;

export type Keyword =
  | 'block'
  | 'break'
  | 'continue'
  | 'define'
  | 'else'
  | 'end'
  | 'if'
  | 'range'
  | 'template'
  | 'with';

export interface Token {
  readonly kind: TokenKind;
  /** The source; of an error, the reason. */
  readonly text: string;
  /** Where it starts. */
  readonly offset: number;
  readonly line: number;
}

export interface Delimiters {
  readonly left: string;
  readonly right: string;
}

export const defaultDelimiters: Delimiters = { left: '{{', right: '}}' };

const keywords: ReadonlySet<string> = new Set<Keyword>([
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'range',
  'template',
  'with',
]);

const spaceRun = /[ \t\r\n]*/y;

/** Cuts a template (a binary string) into tokens, one `next` at a time. Comments never appear. */
export class Lexer {
  readonly #source: string;
  readonly #delimiters: Delimiters;
  #offset = 0;
  #line = 1;
  /** Up to where `#line` has counted. */
  #counted = 0;
  #insideAction = false;
  #parenDepth = 0;
  #failed: Token | undefined;

  constructor(source: string, delimiters: Delimiters) {
    this.#source = source;
    this.#delimiters = delimiters;
  }

  next(): Token {
    if (this.#failed !== undefined) return { ...this.#failed, kind: 'eof', text: '' };
    const token = this.#insideAction ? this.#action() : this.#text();
    if (token.kind === 'error') this.#failed = token;
    return token;
  }

  #token(kind: TokenKind, end: number): Token {
    const token = {
      kind,
      text: this.#source.slice(this.#offset, end),
      offset: this.#offset,
      line: this.#lineAt(this.#offset),
    };
    this.#offset = end;
    return token;
  }

  /** Offsets only grow, so each newline is counted once. */
  #lineAt(offset: number): number {
    for (;;) {
      const newline = this.#source.indexOf('\n', this.#counted);
      if (newline < 0 || newline >= offset) break;
      this.#counted = newline + 1;
      this.#line++;
    }
    return this.#line;
  }

  #error(reason: string): Token {
    return { kind: 'error', text: reason, offset: this.#offset, line: this.#lineAt(this.#offset) };
  }

  /** Text up to the next action; comments and trimmed space are skipped. */
  #text(): Token {
    for (;;) {
      const start = this.#offset;
      const found = this.#source.indexOf(this.#delimiters.left, start);
      const end = found < 0 ? this.#source.length : found;
      if (end > start) {
        const trimmed = found >= 0 && this.#hasLeftTrim(found) ? trimRight(this.#source, start, found) : end;
        const token = this.#token('text', trimmed);
        this.#offset = end;
        if (trimmed > start) return token;
      }
      if (found < 0) return this.#token('eof', end);
      const token = this.#leftDelimiter();
      if (token !== undefined) return token;
    }
  }

  #hasLeftTrim(delimiter: number): boolean {
    const at = delimiter + this.#delimiters.left.length;
    return this.#source[at] === '-' && isSpaceAt(this.#source, at + 1);
  }

  /** Undefined after a comment, which is skipped whole. */
  #leftDelimiter(): Token | undefined {
    const trim = this.#hasLeftTrim(this.#offset) ? 2 : 0;
    const afterDelimiter = this.#offset + this.#delimiters.left.length;
    if (this.#source.startsWith('/*', afterDelimiter + trim)) return this.#comment(afterDelimiter + trim);
    const token = this.#token('left-delim', afterDelimiter);
    this.#insideAction = true;
    this.#parenDepth = 0;
    this.#offset += trim;
    return token;
  }

  #comment(start: number): Token | undefined {
    this.#offset = start;
    const close = this.#source.indexOf('*/', start + 2);
    if (close < 0) return this.#error('unclosed comment');
    const trims = this.#rightDelimiterAt(close + 2);
    if (trims === undefined) return this.#error('comment ends before closing delimiter');
    this.#offset = close + 2 + (trims ? 2 : 0) + this.#delimiters.right.length;
    if (trims) this.#skipSpace();
    return undefined;
  }

  /** Whether the right delimiter at `offset` trims; undefined when there is none. */
  #rightDelimiterAt(offset: number): boolean | undefined {
    const { right } = this.#delimiters;
    if (this.#isRightTrim(offset)) return true;
    return this.#source.startsWith(right, offset) ? false : undefined;
  }

  #isRightTrim(offset: number): boolean {
    return (
      isSpaceAt(this.#source, offset) &&
      this.#source[offset + 1] === '-' &&
      this.#source.startsWith(this.#delimiters.right, offset + 2)
    );
  }

  #skipSpace(): void {
    spaceRun.lastIndex = this.#offset;
    this.#offset += spaceRun.exec(this.#source)![0].length;
  }

  #rightDelimiter(trims: boolean): Token {
    if (trims) this.#offset += 2;
    const token = this.#token('right-delim', this.#offset + this.#delimiters.right.length);
    if (trims) this.#skipSpace();
    this.#insideAction = false;
    return token;
  }

  #action(): Token {
    const trims = this.#rightDelimiterAt(this.#offset);
    if (trims !== undefined) {
      return this.#parenDepth === 0 ? this.#rightDelimiter(trims) : this.#error('unclosed left paren');
    }
    const start = this.#offset;
    const char = this.#source[start];
    if (char === undefined) return this.#error('unclosed action');
    if (isSpaceAt(this.#source, start)) return this.#space();
    switch (char) {
      case '=':
        return this.#token('assign', start + 1);
      case ':':
        return this.#source[start + 1] === '='
          ? this.#token('declare', start + 2)
          : this.#error('expected :=');
      case '|':
        return this.#token('pipe', start + 1);
      case '(':
        this.#parenDepth++;
        return this.#token('left-paren', start + 1);
      case ')':
        if (--this.#parenDepth < 0) return this.#error('unexpected right paren');
        return this.#token('right-paren', start + 1);
    }
    return this.#operand(char, start);
  }

  /** A run of spaces, but for the last one when it belongs to a trim marker. */
  #space(): Token {
    spaceRun.lastIndex = this.#offset;
    const end = this.#offset + spaceRun.exec(this.#source)![0].length;
    if (!this.#isRightTrim(end - 1)) return this.#token('space', end);
    return end - 1 === this.#offset ? this.#rightDelimiter(true) : this.#token('space', end - 1);
  }

  #operand(char: string, start: number): Token {
    switch (char) {
      case '"':
        return this.#quoted('string', '"', 'unterminated quoted string');
      case "'":
        return this.#quoted('char-constant', "'", 'unterminated character constant');
      case '`': {
        const close = this.#source.indexOf('`', start + 1);
        return close < 0
          ? this.#error('unterminated raw quoted string')
          : this.#token('raw-string', close + 1);
      }
      case '$':
        return this.#name('variable', 'variable');
    }
    if (char === '.' && !isAsciiDigit(this.#source, start + 1)) return this.#name('dot', 'field');
    if (char === '+' || char === '-' || char === '.' || isAsciiDigit(this.#source, start))
      return this.#number();
    if (isAlphaNumericAt(this.#source, start)) return this.#identifier();
    if (isPrint(char.charCodeAt(0)) && char < '\x80') return this.#token('char', start + 1);
    return this.#error('unrecognized character in action');
  }

  #quoted(kind: TokenKind, mark: string, reason: string): Token {
    for (let i = this.#offset + 1; i < this.#source.length; i++) {
      const char = this.#source[i];
      if (char === '\\') i++;
      else if (char === mark) return this.#token(kind, i + 1);
      if (this.#source[i] === '\n' || i >= this.#source.length) break;
    }
    return this.#error(reason);
  }

  /** `$name` or `.name`; alone, `$` is a variable and `.` is dot. */
  #name(alone: TokenKind, named: TokenKind): Token {
    if (this.#isTerminator(this.#offset + 1)) return this.#token(alone, this.#offset + 1);
    const end = skipAlphaNumeric(this.#source, this.#offset + 1);
    return this.#isTerminator(end) ? this.#token(named, end) : this.#error('bad character');
  }

  #identifier(): Token {
    const end = skipAlphaNumeric(this.#source, this.#offset);
    if (!this.#isTerminator(end)) return this.#error('bad character');
    const word = this.#source.slice(this.#offset, end);
    if (keywords.has(word)) return this.#token(word as Keyword, end);
    if (word === 'nil') return this.#token('nil', end);
    return this.#token(word === 'true' || word === 'false' ? 'bool' : 'identifier', end);
  }

  /** What may follow an identifier; `$x+2` is refused. */
  #isTerminator(offset: number): boolean {
    const char = this.#source[offset];
    return (
      char === undefined ||
      ' \t\r\n.,|:)('.includes(char) ||
      this.#source.startsWith(this.#delimiters.right, offset)
    );
  }

  #number(): Token {
    const first = scanNumber(this.#source, this.#offset);
    if (isAlphaNumericAt(this.#source, first)) return this.#error('bad number syntax');
    const sign = this.#source[first];
    if (sign !== '+' && sign !== '-') return this.#token('number', first);
    const second = scanNumber(this.#source, first);
    if (isAlphaNumericAt(this.#source, second) || this.#source[second - 1] !== 'i') {
      return this.#error('bad number syntax');
    }
    return this.#token('complex', second);
  }
}

const numberForms = [
  /[+-]?0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?i?/y,
  /[+-]?0[oO][0-7_]*(?:\.[0-7_]*)?i?/y,
  /[+-]?0[bB][01_]*(?:\.[01_]*)?i?/y,
  /[+-]?[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?i?/y,
];

/** Where the number that starts at `offset` ends; whether it is one is the parser's affair. */
function scanNumber(source: string, offset: number): number {
  for (const form of numberForms) {
    form.lastIndex = offset;
    const match = form.exec(source);
    if (match) return offset + match[0].length;
  }
  return offset;
}

function trimRight(source: string, start: number, end: number): number {
  let trimmed = end;
  while (trimmed > start && isSpaceAt(source, trimmed - 1)) trimmed--;
  return trimmed;
}

function isSpaceAt(source: string, offset: number): boolean {
  const char = source[offset];
  return char === ' ' || char === '\n' || char === '\t' || char === '\r';
}

function isAsciiDigit(source: string, offset: number): boolean {
  const code = source.charCodeAt(offset);
  return code >= 0x30 && code <= 0x39;
}

function isAlphaNumericAt(source: string, offset: number): boolean {
  if (offset >= source.length) return false;
  const rune = decodeRune(source, offset) >> 3;
  return rune === 0x5f || isLetter(rune) || isDigit(rune);
}

function skipAlphaNumeric(source: string, offset: number): number {
  let end = offset;
  while (isAlphaNumericAt(source, end)) end += decodeRune(source, end) & 7;
  return end;
}
