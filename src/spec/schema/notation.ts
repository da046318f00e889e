/**
 * A compact notation for the structure of documents, read when a document of the kind is met:
 *
 *   {name! s kind a|b=a}   an object; `!` marks a required member, `=` gives a default
 *   {…}#1                  exactly one member
 *   [s] [s]+               a list, of at least one element
 *   <s>                    a map of names to values
 *   s s1 b i i(1..9)       string, non-empty string, boolean, integer in a range
 *   a|b  a|                one of these words; one word alone is written `a|`, the empty one `''`
 *   name namespace key …   strings with a rule of their own (`rules.ts`)
 *   any                    anything
 *   @secret                a shape of `shared.ts`
 *   %one(a,b)  %most(a,b)  exactly one, at most one of these members
 *   %some(a,b+c)           at least one of these, `b+c` meaning both
 *   %none(a,b)             none of these
 */
export type Shape = ObjectShape | ListShape | MapShape | EnumShape | IntegerShape | PlainShape;

export interface ObjectShape extends Defaulted {
  readonly kind: 'object';
  readonly fields: ReadonlyMap<string, { readonly shape: Shape; readonly required: boolean }>;
  readonly rules: readonly MemberRule[];
  /** Exactly one member. */
  readonly single: boolean;
}

export interface ListShape extends Defaulted {
  readonly kind: 'list';
  readonly of: Shape;
  readonly nonEmpty: boolean;
}

export interface MapShape extends Defaulted {
  readonly kind: 'map';
  readonly of: Shape;
  readonly rules: readonly MemberRule[];
}

export interface EnumShape extends Defaulted {
  readonly kind: 'enum';
  readonly values: readonly string[];
}

export interface IntegerShape extends Defaulted {
  readonly kind: 'integer';
  readonly min: number | undefined;
  readonly max: number | undefined;
}

/** `s`, `b`, `any`, or a string with a rule. */
export interface PlainShape extends Defaulted {
  readonly kind: 'plain';
  readonly type: string;
}

interface Defaulted {
  readonly default?: unknown;
}

/** What must hold of an object's members together; each name may stand for several, `a+b`. */
export interface MemberRule {
  readonly kind: 'one' | 'most' | 'some' | 'none';
  readonly names: readonly string[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The shape that a text of the notation means. Throws on a fault in the notation, which is a fault of ours. */
export function shapeOf(notation: string, shared: Readonly<Record<string, string>>): Shape {
  return new Reader(notation, shared).shape();
}

class Reader {
  readonly #tokens: readonly string[];
  readonly #shared: Readonly<Record<string, string>>;
  #next = 0;

  constructor(notation: string, shared: Readonly<Record<string, string>>) {
    this.#tokens = notation.match(/[{}[\]<>]|[#=]'[^']*'|[^\s{}[\]<>]+/g) ?? [];
    this.#shared = shared;
  }

  shape(): Shape {
    const token = this.#take();
    if (token === '{') return this.#object();
    if (token === '[') return this.#list();
    if (token === '<') return this.#map();
    if (token.startsWith('@')) return this.#reference(token.slice(1));
    return this.#plain(token);
  }

  #take(): string {
    const token = this.#tokens[this.#next++];
    if (token === undefined) throw new Error('the notation ends too early');
    return token;
  }

  #reference(name: string): Shape {
    const notation = this.#shared[name];
    if (notation === undefined) throw new Error(`the notation refers to the unknown shape ${name}`);
    return shapeOf(notation, this.#shared);
  }

  #object(): Shape {
    const fields: Mutable<Map<string, { shape: Shape; required: boolean }>> = new Map();
    const rules: MemberRule[] = [];
    for (let token = this.#take(); token !== '}'; token = this.#take()) {
      if (token.startsWith('%')) rules.push(memberRule(token));
      else fields.set(token.replace(/!$/, ''), { required: token.endsWith('!'), shape: this.shape() });
    }
    const suffix = this.#suffix();
    const shape: Mutable<ObjectShape> = { kind: 'object', fields, rules, single: suffix.startsWith('#1') };
    if (suffix.endsWith('=')) {
      this.#take();
      this.#take();
      shape.default = {};
    }
    return shape;
  }

  #list(): Shape {
    const of = this.shape();
    this.#take();
    return { kind: 'list', of, nonEmpty: this.#suffix() === '+' };
  }

  #map(): Shape {
    const of = this.shape();
    const rules: MemberRule[] = [];
    for (let token = this.#take(); token !== '>'; token = this.#take()) rules.push(memberRule(token));
    return { kind: 'map', of, rules };
  }

  /** What clings to a closing bracket: `#1`, `+`, or the `=` of the default `={}`. */
  #suffix(): string {
    const token = this.#tokens[this.#next];
    if (token === undefined || !/^(?:#1|\+|=|#1=)$/.test(token)) return '';
    this.#next++;
    return token;
  }

  #plain(token: string): Shape {
    const at = token.indexOf('=');
    const base = at < 0 ? token : token.slice(0, at);
    const text = at < 0 ? undefined : this.#defaultText(token.slice(at + 1));
    return withDefault(plainShape(base), text);
  }

  /** A quoted default may hold spaces, and then fills several tokens. */
  #defaultText(start: string): string {
    let text = start;
    while (text.startsWith("'") && (text.length === 1 || !text.endsWith("'"))) text += ` ${this.#take()}`;
    return text.startsWith("'") ? text.slice(1, -1) : text;
  }
}

function plainShape(base: string): Shape {
  const range = /^i(?:\((\d*)\.\.(\d*)\))?$/.exec(base);
  if (range !== null) return { kind: 'integer', min: bound(range[1]), max: bound(range[2]) };
  if (!base.includes('|')) return { kind: 'plain', type: base };
  const words = base.replace(/\|$/, '').split('|');
  return { kind: 'enum', values: words.map((word) => (word === "''" ? '' : word)) };
}

function bound(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text);
}

function withDefault(shape: Shape, text: string | undefined): Shape {
  if (text === undefined) return shape;
  if (shape.kind === 'integer') return { ...shape, default: Number(text) };
  if (shape.kind === 'plain' && shape.type === 'b') return { ...shape, default: text === 'true' };
  return { ...shape, default: text };
}

function memberRule(token: string): MemberRule {
  const [, kind, names] = /^%(one|most|some|none)\((.*)\)$/.exec(token) ?? [];
  if (kind === undefined || names === undefined) throw new Error(`the notation has ${token}`);
  return { kind: kind as MemberRule['kind'], names: names.split(',') };
}
