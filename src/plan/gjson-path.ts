import { leading, quoteAt, unescaped } from './gjson-text.ts';

/** The first component of a path and what follows it: `path` after a dot, `pipe` after a `|`. */
export interface Component {
  readonly part: string;
  readonly path: string;
  readonly more: boolean;
  readonly pipe: string | undefined;
}

export interface ObjectComponent extends Component {
  readonly isWild: boolean;
}

export interface Query {
  readonly path: string;
  readonly operator: string;
  readonly value: string;
  readonly all: boolean;
}

export interface ArrayComponent extends Component {
  /** Holds a `#`, so it is no index. */
  readonly isHash: boolean;
  /** `#.rest`: `rest` of every element. */
  readonly each: string | undefined;
  readonly query: Query | undefined;
}

const modifierNames: ReadonlySet<string> = new Set([
  'pretty',
  'ugly',
  'reverse',
  'this',
  'flatten',
  'join',
  'valid',
  'keys',
  'values',
  'tostr',
  'fromstr',
  'group',
  'dig',
]);

export function isModifier(name: string): boolean {
  return modifierNames.has(name);
}

/** After a dot, a modifier or a multipath works as after a pipe. */
function startsPipe(path: string): boolean {
  if (path[0] === '[' || path[0] === '{') return true;
  return path[0] === '@' && isModifier(/^[^.|:]*/.exec(path.slice(1))![0]);
}

/** What follows the separator at `at`. */
function after(path: string, at: number, dotMayPipe: boolean): Omit<Component, 'part'> {
  const rest = path.slice(at + 1);
  if (path[at] === '|' || (dotMayPipe && startsPipe(rest))) return { path: '', more: false, pipe: rest };
  return { path: rest, more: true, pipe: undefined };
}

const end: Omit<Component, 'part'> = { path: '', more: false, pipe: undefined };

/**
 * A member's name. A backslash takes the next character as it is. Once there was one, stars and question marks
 * lose their own backslash too: gjson matches with what is left.
 */
export function objectComponent(path: string): ObjectComponent {
  let isWild = false;
  let part = '';
  for (let at = 0; at < path.length; at++) {
    const char = path.charAt(at);
    if (char === '.' || char === '|') return { part, isWild, ...after(path, at, true) };
    if (char === '\\') {
      part += path.charAt(++at);
      continue;
    }
    if (char === '*' || char === '?') isWild = true;
    part += char;
  }
  return { part, isWild, ...end };
}

export function arrayComponent(path: string): ArrayComponent {
  let isHash = false;
  let query: Query | undefined;
  const each = path.startsWith('#.') ? path.slice(2) : undefined;
  for (let at = 0; at < path.length; at++) {
    const char = path[at];
    if (char === '|' || char === '.') {
      return { part: path.slice(0, at), isHash, each, query, ...after(path, at, !isHash) };
    }
    if (char !== '#') continue;
    isHash = true;
    if (at > 0 || (path[1] !== '(' && path[1] !== '[')) continue;
    const parsed = parseQuery(path);
    if (parsed === undefined) {
      query = { path: '', operator: '', value: '', all: false };
      break;
    }
    at = parsed.end - 1;
    query = { ...parsed, all: path[parsed.end] === '#' };
  }
  return { part: path, isHash, each, query, ...end };
}

interface ParsedQuery extends Omit<Query, 'all'> {
  /** One past its closing bracket. */
  readonly end: number;
}

/** `#(path operator value)`; undefined when it does not close. */
function parseQuery(path: string): ParsedQuery | undefined {
  let depth = 1;
  let valueAt = 0;
  let hasEscape = false;
  let at = 2;
  for (; at < path.length; at++) {
    const char = path.charAt(at);
    if (depth === 1 && valueAt === 0 && '!=<>%'.includes(char)) valueAt = at;
    else if (char === '\\') at++;
    else if (char === '[' || char === '(') depth++;
    else if (char === ']' || char === ')') {
      if (--depth === 0) break;
    } else if (char === '"') {
      const quote = closingQuote(path, at + 1);
      hasEscape ||= path.slice(at, quote).includes('\\');
      at = quote;
    }
  }
  if (depth > 0) return undefined;
  if (valueAt === 0) return { path: trim(path.slice(2, at)), operator: '', value: '', end: at + 1 };
  const [operator, value] = splitOperator(trim(path.slice(valueAt, at)));
  return {
    path: trim(path.slice(2, valueAt)),
    operator,
    value: unquoted(value, hasEscape),
    end: at + 1,
  };
}

/** `==` is `=`; a lone `!` is no operator, and stays in the value. */
function splitOperator(text: string): [operator: string, value: string] {
  if (text.length === 1) return [text, ''];
  const [written = ''] = /^(?:[!<>=]=|!%|[<>=%])?/.exec(text)!;
  return [written === '==' ? '=' : written, trim(text.slice(written.length))];
}

function unquoted(value: string, hasEscape: boolean): string {
  if (value.length < 2 || !value.startsWith('"') || !value.endsWith('"')) return value;
  const content = value.slice(1, -1);
  return hasEscape ? unescaped(content) : content;
}

/** The closing quote, or the end of the path. */
export function closingQuote(path: string, from: number): number {
  const quote = quoteAt(path, from);
  return quote < 0 ? path.length : quote;
}

/** gjson takes every byte up to the space for white. */
export function trim(text: string): string {
  let start = 0;
  let stop = text.length;
  while (start < stop && text.charCodeAt(start) <= 0x20) start++;
  while (stop > start && text.charCodeAt(stop - 1) <= 0x20) stop--;
  return text.slice(start, stop);
}

/** A path at its first pipe outside of queries; undefined without one. */
export function splitAtPipe(path: string): [left: string, right: string] | undefined {
  if (!path.includes('|')) return undefined;
  if (path.startsWith('{')) return splitAfterMultipath(path);
  for (let at = 0; at < path.length; at++) {
    const char = path[at];
    if (char === '|') return [path.slice(0, at), path.slice(at + 1)];
    if (char === '\\') at++;
    else if (char === '.') {
      if (at === path.length - 1) return undefined;
      if (path[at + 1] !== '#') continue;
      at += 2;
      if (path[at] === '[' || path[at] === '(') at = queryEnd(path, at);
    }
  }
  return undefined;
}

/** gjson looks for the bracket's end one character late, so this seldom splits where one would think. */
function splitAfterMultipath(path: string): [left: string, right: string] | undefined {
  const size = leading(path.slice(1)).length + 1;
  return size < path.length && path[size] === '|' ? [path.slice(0, size), path.slice(size + 1)] : undefined;
}

/** The closing bracket of the kind that is open at `from`, or the end of the path. */
function queryEnd(path: string, from: number): number {
  const [open, close] = path[from] === '[' ? ['[', ']'] : ['(', ')'];
  let depth = 1;
  let at = from + 1;
  for (; at < path.length; at++) {
    const char = path[at];
    if (char === '\\') at++;
    else if (char === open) depth++;
    else if (char === close && --depth === 0) break;
    else if (char === '"') at = closingQuote(path, at + 1);
  }
  return at;
}
