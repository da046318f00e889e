import { Out } from './gjson-out.ts';
import { inKeyOrder, type Member } from './gjson-sort.ts';
import { quoteAt } from './gjson-text.ts';
import type { Work } from './gjson-work.ts';

/** How tidwall/pretty lays JSON out. */
export interface Layout {
  /** Arrays without objects that fit into this many columns stay on one line; with 0 or less none does. */
  readonly width: number;
  readonly prefix: string;
  readonly indent: string;
  readonly sortKeys: boolean;
}

export const defaultLayout: Layout = { width: 80, prefix: '', indent: '  ', sortKeys: false };

/** `json` laid out; what is malformed is laid out as tidwall/pretty does. */
export function pretty(json: string, layout: Layout, work: Work): string {
  const printed = new Printer(json, layout, work).print();
  return printed === '' ? '' : `${printed}\n`;
}

class Printer {
  readonly #json: string;
  readonly #layout: Layout;
  readonly #work: Work;
  readonly #out: Out;
  /** Where the current line began in what is written. */
  #lineStart = 0;
  #at = 0;

  constructor(json: string, layout: Layout, work: Work) {
    this.#json = json;
    this.#layout = layout;
    this.#work = work;
    this.#out = new Out(work);
  }

  print(): string {
    this.#out.push(this.#layout.prefix);
    this.#value(0, false);
    return this.#out.text();
  }

  /** Writes the next value, whatever stands before it. False when it cannot be on one line and should be. */
  #value(depth: number, onLine: boolean): boolean {
    const json = this.#json;
    for (; this.#at < json.length; this.#at++) {
      const char = json.charAt(this.#at);
      if (char === '"') return this.#string();
      if (char === '{') return this.#work.nested(() => this.#object(depth, onLine));
      if (char === '[') return this.#work.nested(() => (onLine ? this.#arrayOnLine() : this.#array(depth)));
      const isNan = char === 'n' && this.#at + 1 < json.length && json[this.#at + 1] !== 'u';
      if (isNan || /[-+0-9iIN]/.test(char)) return this.#number();
      const word = char === 't' ? 'true' : char === 'f' ? 'false' : char === 'n' ? 'null' : undefined;
      if (word === undefined) continue;
      this.#out.push(word);
      this.#at += word.length;
      return true;
    }
    return true;
  }

  #string(): true {
    const start = this.#at;
    const quote = quoteAt(this.#json, start + 1);
    this.#at = quote < 0 ? this.#json.length : quote + 1;
    this.#out.push(this.#json.slice(start, this.#at));
    return true;
  }

  #number(): true {
    const start = this.#at++;
    while (this.#at < this.#json.length && !/[\0- ,:\]}]/.test(this.#json.charAt(this.#at))) this.#at++;
    this.#out.push(this.#json.slice(start, this.#at));
    return true;
  }

  /** On one line when it fits into what the line has left, else an element per line. */
  #array(depth: number): true {
    const { length } = this.#out;
    const start = this.#at;
    const room = this.#layout.width - (length - this.#lineStart);
    if (this.#layout.width > 0 && room > 3) {
      if (this.#arrayOnLine() && this.#out.length - length <= room) return true;
      this.#out.truncate(length);
      this.#at = start;
    }
    this.#out.push('[');
    let count = 0;
    for (this.#at++; this.#at < this.#json.length; this.#at++) {
      const char = this.#json.charAt(this.#at);
      if (char <= ' ') continue;
      if (char === ']') return this.#close(']', { count, depth });
      if (count++ > 0) this.#out.push(this.#layout.width === -1 ? ',' : ', ');
      this.#breakLine();
      this.#indent(depth + 1);
      this.#value(depth + 1, false);
      this.#at--;
    }
    return true;
  }

  #arrayOnLine(): boolean {
    this.#out.push('[');
    let count = 0;
    for (this.#at++; this.#at < this.#json.length; this.#at++) {
      const char = this.#json.charAt(this.#at);
      if (char <= ' ') continue;
      if (char === ']') {
        this.#out.push(']');
        this.#at++;
        return true;
      }
      if (count++ > 0) this.#out.push(', ');
      if (!this.#value(0, true)) return false;
      this.#at--;
    }
    return true;
  }

  #object(depth: number, onLine: boolean): boolean {
    if (onLine) return false;
    const members: Member[] = [];
    this.#out.push('{');
    let count = 0;
    for (this.#at++; this.#at < this.#json.length; this.#at++) {
      const char = this.#json[this.#at];
      if (char === '}') {
        this.#sort(members);
        return this.#close('}', { count, depth });
      }
      if (char !== '"') continue;
      if (count++ > 0) this.#out.push(',');
      members.push(this.#member(depth));
      this.#at--;
    }
    return false;
  }

  #member(depth: number): Member {
    this.#breakLine();
    const { length: start } = this.#out;
    const keyStart = this.#at;
    this.#indent(depth + 1);
    this.#string();
    const key = this.#json.slice(keyStart, this.#at);
    this.#out.push(': ');
    this.#value(depth + 1, false);
    return { key, start, end: this.#out.length };
  }

  #sort(members: readonly Member[]): void {
    const first = members[0];
    if (!this.#layout.sortKeys || first === undefined) return;
    const text = this.#out.text(first.start);
    const placed = members.map(({ key, start, end }) => ({
      key,
      start: start - first.start,
      end: end - first.start,
    }));
    const sorted = inKeyOrder(placed, text).map(({ start, end }) => text.slice(start, end));
    this.#out.truncate(first.start);
    this.#out.push(sorted.join(',\n'));
  }

  #close(bracket: string, { count, depth }: { count: number; depth: number }): true {
    if (count > 0) {
      this.#breakLine();
      this.#indent(depth);
    }
    this.#out.push(bracket);
    this.#at++;
    return true;
  }

  /** A space at the end gives way. */
  #breakLine(): void {
    this.#lineStart = this.#out.length;
    if (this.#out.last === ' ') this.#out.truncate(this.#out.length - 1);
    this.#out.push('\n');
  }

  #indent(depth: number): void {
    this.#out.push(this.#layout.prefix + this.#layout.indent.repeat(depth));
  }
}
