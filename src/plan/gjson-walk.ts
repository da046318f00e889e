import {
  bracketEnd,
  json,
  literal,
  literalEnd,
  nothing,
  number,
  numberEnd,
  numberStart,
  quoteAt,
  type Result,
  string,
} from './gjson-text.ts';

/** A value of a text and where it ends. */
export interface Value {
  readonly value: Result;
  readonly end: number;
}

/**
 * The value that begins at `at`, by its first character; undefined where no value begins. A string without an end
 * is 'unclosed'.
 */
export function valueAt(text: string, at: number): Value | 'unclosed' | undefined {
  const char = text.charAt(at);
  if (char === '"') {
    const quote = quoteAt(text, at + 1);
    return quote < 0 ? 'unclosed' : { value: string(text.slice(at, quote + 1)), end: quote + 1 };
  }
  if (char === '{' || char === '[') {
    const end = bracketEnd(text, at);
    return { value: json(text.slice(at, end)), end };
  }
  // `n` begins null when a `u` follows or nothing does, else nan.
  const isWord = char === 't' || char === 'f' || (char === 'n' && (text[at + 1] ?? 'u') === 'u');
  if (isWord) {
    const end = literalEnd(text, at);
    return { value: literal(text.slice(at, end)), end };
  }
  if (char !== 'n' && !numberStart.test(char)) return undefined;
  const end = numberEnd(text, at);
  return { value: number(text.slice(at, end)), end };
}

/** The next value from `from` on, whatever stands between; undefined without one. */
export function nextValue(text: string, from: number): Value | undefined {
  for (let at = from; at < text.length; at++) {
    const found = valueAt(text, at);
    if (found !== undefined) return found === 'unclosed' ? undefined : found;
  }
  return undefined;
}

/** A whole text as one value: brackets up to the text's end, strings even without theirs. */
export function parse(text: string): Result {
  let at = 0;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++;
  if (at === text.length) return nothing;
  if (text[at] === '{' || text[at] === '[') return json(text.slice(at));
  const found = valueAt(text, at);
  if (found === 'unclosed') return string(text.slice(at), text.length - at);
  return found?.value ?? nothing;
}

/** What an object or array holds, as far as it can be read; of another value itself. `key` is nothing in arrays. */
export function membersOf(result: Result): { readonly key: Result; readonly value: Result }[] {
  if (result.type !== 'json') {
    return result.type === 'null' && result.raw === '' ? [] : [{ key: nothing, value: result }];
  }
  const { raw } = result;
  const members: { key: Result; value: Result }[] = [];
  // What follows a value is taken for its comma.
  for (let at = 1; at < raw.length; at++) {
    let key = nothing;
    if (raw[0] === '{') {
      at = raw.indexOf('"', at);
      const quote = at < 0 ? -1 : quoteAt(raw, at + 1);
      if (quote < 0) break;
      key = string(raw.slice(at, quote + 1));
      at = quote + 1;
    }
    while (at < raw.length && (raw.charCodeAt(at) <= 0x20 || raw[at] === ',' || raw[at] === ':')) at++;
    const found = nextValue(raw, at);
    if (found === undefined) break;
    members.push({ key, value: found.value });
    at = found.end;
  }
  return members;
}
