import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { modifiers } from './gjson-modifiers.ts';
import { memberName, type Selector, subSelectors } from './gjson-multipath.ts';
import { isModifier } from './gjson-path.ts';
import { search } from './gjson-search.ts';
import { bracketEnd, exists, json as jsonOf, leading, type Result, textOf } from './gjson-text.ts';
import { parse } from './gjson-walk.ts';
import { Work } from './gjson-work.ts';

/**
 * The value at a path of github.com/tidwall/gjson (1.18), as its Result.String() has it: strings unescaped, objects
 * and arrays as they stand, integers as they stand, other numbers as the shortest decimal, null as nothing.
 * Undefined where nothing is. The JSON is not validated: what is malformed gives what gjson gives. Throws
 * SpecInvalid for a path that is too long, and DecodeFailed for one that takes too much work.
 */
export function gjson(json: Buffer, path: string): Buffer | undefined {
  const bytes = Buffer.from(path).toString('latin1');
  if (bytes.length > limits.pathLength) {
    throw new AgentError('SpecInvalid', `the property's path has more than ${limits.pathLength} bytes`, {
      remedy: 'use a shorter path',
    });
  }
  const result = get(json.toString('latin1'), bytes, new Work());
  return exists(result) ? Buffer.from(textOf(result), 'latin1') : undefined;
}

function get(json: string, path: string, work: Work): Result {
  work.spend(path.length);
  return work.nested(() => lookup(json, path, work));
}

function lookup(json: string, path: string, work: Work): Result {
  if (path.length > 1) {
    const made = path[0] === '@' ? modified(json, path, work) : path[0] === '!' ? literalOf(path) : undefined;
    if (made !== undefined) {
      const [value, rest] = made;
      return rest[0] === '|' || rest[0] === '.' ? get(value, rest.slice(1), work) : parse(value);
    }
    if (path[0] === '[' || path[0] === '{') {
      const { selectors, rest } = subSelectors(path);
      if (selectors === undefined || (rest !== '' && rest[0] !== '|' && rest[0] !== '.')) {
        // gjson goes on with what is left, which is seldom of use.
        return searched(json, rest, work);
      }
      const value = multipath(json, { isObject: path[0] === '{', selectors }, work);
      return rest === '' ? jsonOf(value) : get(value, rest.slice(1), work);
    }
  }
  return searched(json, path, work);
}

function searched(json: string, path: string, work: Work): Result {
  const { value, pipe } = search(json, path, { work, get: (raw, inner) => get(raw, inner, work) });
  return pipe === undefined ? value : get(value.raw, pipe, work);
}

interface Multipath {
  readonly isObject: boolean;
  readonly selectors: readonly Selector[];
}

/** `[a,b]` and `{"x":a,b}`: what the paths find, as one array or object; what is not found is left out. */
function multipath(json: string, { isObject, selectors }: Multipath, work: Work): string {
  const parts: string[] = [];
  for (const selector of selectors) {
    const result = get(json, selector.path, work);
    if (!exists(result)) continue;
    work.spend(result.raw.length);
    parts.push(isObject ? `${memberName(selector)}:${result.raw}` : result.raw);
  }
  return isObject ? `{${parts.join(',')}}` : `[${parts.join(',')}]`;
}

/** `@name`, `@name:argument`: what the modifier makes of the JSON, and the path after it. */
function modified(json: string, path: string, work: Work): [value: string, rest: string] | undefined {
  const name = /^[^:|.]*/.exec(path.slice(1))![0];
  if (!isModifier(name)) return undefined;
  let rest = path.slice(name.length + 1);
  let argument = '';
  if (rest[0] === ':') {
    argument = argumentOf(rest.slice(1));
    rest = rest.slice(1 + argument.length);
  }
  work.spend(json.length);
  const value = modifiers.get(name)!(json, argument, {
    work,
    get: (raw, inner) => get(raw, inner, work),
  });
  work.spend(value.length);
  return [value, rest];
}

/** JSON ends with its bracket or quote, anything else at a pipe outside of brackets. */
function argumentOf(text: string): string {
  if (text[0] === '{' || text[0] === '[' || text[0] === '"') return leading(text);
  let at = 0;
  for (; at < text.length && text[at] !== '|'; at++) {
    if ('{["('.includes(text.charAt(at))) at += leading(text.slice(at)).length - 1;
  }
  return text.slice(0, at);
}

/** `!literal`: a JSON value in the path. */
function literalOf(path: string): [value: string, rest: string] | undefined {
  const text = path.slice(1);
  if (/^[{["+\-0-9]/.test(text)) {
    const end = bracketEnd(text, 0);
    return [text.slice(0, end), text.slice(end)];
  }
  const [name] = /^[^.|]*/.exec(text)!;
  return /^(?:true|false|null|nan|inf)$/i.test(name) ? [name, text.slice(name.length)] : undefined;
}
