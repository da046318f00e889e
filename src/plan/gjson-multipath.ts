import { closingQuote } from './gjson-path.ts';
import { isValid, quote } from './gjson-quote.ts';

export interface Selector {
  /** As it is written before its colon; empty when the path is to give it. */
  readonly name: string;
  readonly path: string;
}

/** The paths in `[…]` or `{…}` at the start, and what follows; without selectors when it does not close. */
export function subSelectors(path: string): { selectors: Selector[] | undefined; rest: string } {
  const selectors: Selector[] = [];
  let [depth, start, colon] = [1, 1, 0];
  let isModified = false;
  const take = (end: number): void => {
    const name = colon === 0 ? '' : path.slice(start, colon);
    selectors.push({ name, path: path.slice(colon === 0 ? start : colon + 1, end) });
    [start, colon, isModified] = [end + 1, 0, false];
  };
  for (let at = 1; at < path.length; at++) {
    const char = path.charAt(at);
    if (char === '\\') at++;
    else if (char === '"') at = closingQuote(path, at + 1);
    else if (char === '@') isModified ||= path[at - 1] === '.' || path[at - 1] === '|';
    else if (char === ':') {
      // After a modifier, a colon begins its argument.
      if (!isModified && colon === 0 && depth === 1) colon = at;
    } else if (char === ',') {
      if (depth === 1) take(at);
    } else if ('[({'.includes(char)) depth++;
    else if ('])}'.includes(char) && --depth === 0) {
      take(at);
      return { selectors, rest: path.slice(at + 1) };
    }
  }
  return { selectors: undefined, rest: '' };
}

/** The JSON name of a selector's member: its own, else its path's last component, else `_`. */
export function memberName({ name, path }: Selector): string {
  if (name !== '') return name[0] === '"' && isValid(name) ? name : quote(name);
  const last = lastComponent(path);
  return quote(/^[^\0-\x1f[\]{}()#|!]*$/.test(last) ? last : '_');
}

function lastComponent(path: string): string {
  for (let at = path.length - 1; at >= 0; at--) {
    if ((path[at] === '|' || path[at] === '.') && path[at - 1] !== '\\') return path.slice(at + 1);
  }
  return path;
}
