import { matches } from './gjson-match.ts';
import { type ArrayComponent, arrayComponent, objectComponent, splitAtPipe } from './gjson-path.ts';
import { answers } from './gjson-query.ts';
import { exists, json as jsonOf, nothing, number, quoteAt, type Result, unescaped } from './gjson-text.ts';
import { nextValue, valueAt } from './gjson-walk.ts';
import type { Work } from './gjson-work.ts';

/** What a walk needs of the whole: its budget, and look-ups within what it found. */
export interface Lookup {
  readonly work: Work;
  readonly get: (json: string, path: string) => Result;
}

export interface Found {
  readonly value: Result;
  /** The path to go on with in `value`. */
  readonly pipe: string | undefined;
}

/** Follows a path's components through a text, up to the first pipe. */
export function search(json: string, path: string, lookup: Lookup): Found {
  const walk = new Walk(json, lookup);
  if (path.startsWith('..')) walk.array(0, path.slice(2));
  else {
    const start = json.search(/[{[]/);
    if (start >= 0) walk.container(start, path);
  }
  return { value: walk.value, pipe: walk.pipe };
}

/** Where a walk stopped: with a hit, at once; else behind the container. */
interface Stop {
  readonly at: number;
  readonly isHit: boolean;
}

class Walk {
  value: Result = nothing;
  pipe: string | undefined;
  readonly #json: string;
  readonly #lookup: Lookup;

  constructor(json: string, lookup: Lookup) {
    this.#json = json;
    this.#lookup = lookup;
  }

  /** The object or array whose bracket is at `start`. */
  container(start: number, path: string): Stop {
    return this.#lookup.work.nested(() =>
      this.#json[start] === '{' ? this.#object(start + 1, path) : this.array(start + 1, path),
    );
  }

  #object(from: number, path: string): Stop {
    const component = objectComponent(path);
    if (component.pipe !== undefined) this.pipe = component.pipe;
    let at = from;
    for (;;) {
      const key = this.#key(at);
      if (key.name === undefined) return { at: key.end, isHit: false };
      const isMatch = component.isWild
        ? matches(key.name, component.part, this.#lookup.work)
        : key.name === component.part;
      const stop = this.#member(key.end, isMatch ? component : undefined);
      if (stop === undefined) return { at: this.#json.length, isHit: false };
      if (stop.isHit) return stop;
      at = stop.at;
    }
  }

  /** The next key; without a name behind the object's end. */
  #key(from: number): { readonly name?: string; readonly end: number } {
    const json = this.#json;
    for (let at = from; at < json.length; at++) {
      if (json[at] === '}') return { end: at + 1 };
      if (json[at] !== '"') continue;
      const quote = quoteAt(json, at + 1);
      this.#lookup.work.spend((quote < 0 ? json.length : quote) - from);
      if (quote < 0) break;
      const name = json.slice(at + 1, quote);
      return { name: name.includes('\\') ? unescaped(name) : name, end: quote + 1 };
    }
    return { end: json.length };
  }

  /** The value after a key, taken or entered when the key matched; undefined when there is none. */
  #member(
    from: number,
    matched: { readonly more: boolean; readonly path: string } | undefined,
  ): Stop | undefined {
    const json = this.#json;
    for (let at = from; at < json.length; at++) {
      if (matched?.more && (json[at] === '{' || json[at] === '[')) return this.container(at, matched.path);
      const found = valueAt(json, at);
      if (found === undefined) continue;
      if (found === 'unclosed') return undefined;
      this.#lookup.work.spend(found.end - from);
      if (matched === undefined || matched.more) return { at: found.end, isHit: false };
      this.value = found.value;
      return { at: found.end, isHit: true };
    }
    return undefined;
  }

  array(from: number, path: string): Stop {
    const component = arrayComponent(path);
    if (component.pipe !== undefined) this.pipe = component.pipe;
    return component.isHash ? this.#elements(from, component) : this.#element(from, component);
  }

  /** One element by its index. The end of the text closes an array, but not when that is within a string. */
  #element(from: number, component: ArrayComponent): Stop {
    const json = this.#json;
    const index = indexOf(component.part);
    let at = from;
    for (let count = 0; ; count++) {
      at = this.#elementStart(at);
      if (at > json.length) return { at, isHit: false };
      if (at === json.length || json[at] === ']') return { at: at + 1, isHit: false };
      if (count === index && component.more && (json[at] === '{' || json[at] === '[')) {
        const stop = this.container(at, component.path);
        if (stop.isHit) return stop;
        at = stop.at;
        continue;
      }
      const found = valueAt(json, at);
      if (found === undefined || found === 'unclosed') return { at: json.length, isHit: false };
      this.#lookup.work.spend(found.end - at);
      if (count === index && !component.more) {
        this.value = found.value;
        return { at: found.end, isHit: true };
      }
      at = found.end;
    }
  }

  /** Where the next element or the array's end is. */
  #elementStart(from: number): number {
    const json = this.#json;
    let at = from;
    while (at < json.length && !/[\]"{[ntf+\-0-9iIN]/.test(json.charAt(at))) at++;
    this.#lookup.work.spend(at - from + 1);
    return at;
  }

  /** `#`, `#.path`, `#(query)` and `#(query)#`. */
  #elements(from: number, component: ArrayComponent): Stop {
    const json = this.#json;
    const starts: number[] = [];
    const query = component.query && new QueryRun(component, this.#lookup);
    let at = from;
    for (;;) {
      starts.push(at);
      at = this.#elementStart(at);
      if (at > json.length) break;
      if (at === json.length || json[at] === ']') return this.#arrayEnd(at + 1, { component, starts, query });
      const found = valueAt(json, at);
      if (found === undefined || found === 'unclosed') return { at: json.length, isHit: false };
      at = found.end;
      this.#lookup.work.spend(found.value.raw.length);
      const hit = query?.take(found.value);
      if (query?.pipe !== undefined) this.pipe = query.pipe;
      if (hit === undefined) continue;
      this.value = hit;
      return { at, isHit: true };
    }
    return { at, isHit: false };
  }

  #arrayEnd(
    at: number,
    {
      component,
      starts,
      query,
    }: { component: ArrayComponent; starts: number[]; query: QueryRun | undefined },
  ): Stop {
    if (component.part === '#') {
      this.value =
        component.each === undefined ? number(String(starts.length - 1)) : this.#each(component.each, starts);
      return { at, isHit: true };
    }
    if (!exists(this.value) && query?.all) this.value = query.all;
    return { at, isHit: false };
  }

  /** `path` of each element that has it. */
  #each(path: string, starts: readonly number[]): Result {
    const [left, right] = splitAtPipe(path) ?? [path, undefined];
    if (right !== undefined) this.pipe = right;
    const parts: string[] = [];
    for (const start of starts) {
      const at = this.#skipSpace(start);
      if (at >= this.#json.length || this.#json[at] === ']') continue;
      const element = nextValue(this.#json, at);
      const found = element && this.#lookup.get(element.value.raw, left);
      if (found && exists(found)) parts.push(found.raw);
    }
    return jsonOf(`[${parts.join(',')}]`);
  }

  #skipSpace(from: number): number {
    let at = from;
    while (at < this.#json.length && ' \t\r\n'.includes(this.#json.charAt(at))) at++;
    return at;
  }
}

/** gjson counts in 64 bits and lets them overflow. */
function indexOf(part: string): number {
  if (!/^[0-9]+$/.test(part)) return -1;
  return part.length < 16 ? Number(part) : Number(BigInt.asIntN(64, BigInt(part)));
}

/** A query over the elements of one array. */
class QueryRun {
  pipe: string | undefined;
  readonly #component: ArrayComponent;
  readonly #lookup: Lookup;
  readonly #found: string[] = [];
  #path: string;

  constructor(component: ArrayComponent, lookup: Lookup) {
    this.#component = component;
    this.#lookup = lookup;
    this.#path = component.path;
  }

  /** What `#(…)#` gives at the array's end. */
  get all(): Result | undefined {
    return this.#component.query!.all ? jsonOf(`[${this.#found.join(',')}]`) : undefined;
  }

  /** The result of `#(…)` when the element answers. */
  take(element: Result): Result | undefined {
    const query = this.#component.query!;
    if (element.type !== 'json' && query.path !== '') return undefined;
    const asked = element.type === 'json' ? this.#lookup.get(element.raw, query.path) : element;
    if (!answers(query, asked, this.#lookup.work)) return undefined;
    const found = this.#component.more ? this.#rest(element) : element;
    if (!query.all) return found;
    if (found.raw !== '') this.#found.push(found.raw);
    return undefined;
  }

  #rest(element: Result): Result {
    const split = splitAtPipe(this.#path);
    if (split !== undefined) [this.#path, this.pipe] = split;
    return this.#lookup.get(element.raw, this.#path);
  }
}
