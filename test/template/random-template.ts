/** Random templates, by grammar and by mutation, from a seed. */

/** Uniform in [0, 1). */
export type Random = () => number;

/** Mulberry32. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export interface Vocabulary {
  /** Names of fields of dot. */
  readonly fields: readonly string[];
  readonly functions: readonly string[];
  readonly constants: readonly string[];
  /** Whether templates may call themselves, and run as long as they like. */
  readonly wild: boolean;
}

const texts = ['', ' ', 'a', '\n', ' \n\t', 'text {', '}', 'é', 'x=', '\n\n  '];
const comments = ['{{/* c */}}', '{{- /* c */ -}}', '{{/*\n*/}}', ' {{- /**/}}'];
const variables = ['$', '$x', '$y', '$i', '$e'];
const verbs = [
  '%v',
  '%d',
  '%s',
  '%q',
  '%x',
  '%5v',
  '%-5s|',
  '%+v',
  '%#v',
  '%T',
  '%t',
  '%c',
  '%U',
  '%e',
  '%.2f',
  '%g',
  '%08.3f',
  '%[2]v',
  '%*d',
  '%%',
  '%!',
  '%z',
  '%o',
  '%b',
];

export class TemplateMaker {
  readonly #random: Random;
  readonly #words: Vocabulary;
  /** Of the templates defined, those not yet begun may be called. */
  #definitions = 0;
  #definition = 0;

  constructor(random: Random, words: Vocabulary) {
    this.#random = random;
    this.#words = words;
  }

  template(): string {
    this.#definitions = this.#below(3);
    this.#definition = this.#definitions;
    const body = this.#list(3);
    const definitions = Array.from({ length: this.#definitions }, (_, i) => {
      this.#definition = i;
      return `{{define "t${i}"}}${this.#list(2)}{{end}}`;
    });
    return this.#below(2) === 0 ? definitions.join('') + body : body + definitions.join('\n');
  }

  /** The template with a few characters lost, doubled, changed or moved. */
  mutated(template: string): string {
    let text = template;
    for (let count = 1 + this.#below(3); count > 0; count--) {
      const at = this.#below(text.length + 1);
      const length = this.#below(4);
      const piece = text.slice(at, at + length);
      switch (this.#below(5)) {
        case 0:
          text = text.slice(0, at) + text.slice(at + length);
          break;
        case 1:
          text = text.slice(0, at) + piece + text.slice(at);
          break;
        case 2:
          text =
            text.slice(0, at) +
            this.#pick([...'{}()|.$:=,-"\'`\\ \n/*+xé%19_', '{{', '}}', 'end', 'else', 'break']) +
            text.slice(at);
          break;
        case 3:
          text = text.slice(0, at);
          break;
        default: {
          const to = this.#below(text.length + 1);
          text = text.slice(0, to) + piece + text.slice(to);
        }
      }
    }
    return text;
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)]!;
  }

  #list(depth: number): string {
    return Array.from({ length: this.#below(4) }, () => this.#pick(texts) + this.#node(depth)).join('');
  }

  #open(): string {
    return this.#pick(['{{', '{{ ', '{{- ', '{{\n']);
  }

  #close(): string {
    return this.#pick(['}}', ' }}', ' -}}', '\n}}']);
  }

  #node(depth: number): string {
    const kind = depth <= 0 ? this.#below(4) : this.#below(11);
    switch (kind) {
      case 0:
        return this.#pick(comments);
      case 1:
        return `${this.#open()}${this.#pick(variables)} ${this.#pick([':=', ':=', '='])} ${this.#pipeline(2)}${this.#close()}`;
      case 2:
      case 3:
      case 4:
      case 5:
        return `${this.#open()}${this.#pipeline(2)}${this.#close()}`;
      case 6:
        return this.#branch('if', depth);
      case 7:
        return this.#branch('with', depth);
      case 8:
      case 9:
        return this.#range(depth);
      default:
        return this.#call(depth);
    }
  }

  #branch(word: string, depth: number): string {
    const declares = this.#below(4) === 0 ? `${this.#pick(variables)} := ` : '';
    const otherwise = this.#pick(['', '', '{{else}}', `{{else ${word} ${this.#pipeline(1)}}}`]);
    const rest = otherwise === '' ? '' : otherwise + this.#list(depth - 1);
    return `${this.#open()}${word} ${declares}${this.#pipeline(2)}${this.#close()}${this.#list(depth - 1)}${rest}{{end}}`;
  }

  #range(depth: number): string {
    const declares = this.#pick(['', '', '$i := ', '$i, $e := ', '$x, $y = ', '$e = ']);
    const jump = this.#pick([
      '',
      '',
      '',
      '{{break}}',
      '{{continue}}',
      `{{if ${this.#pipeline(1)}}}{{break}}{{end}}`,
    ]);
    const rest = this.#pick(['', '', `{{else}}${this.#list(depth - 1)}`]);
    return `${this.#open()}range ${declares}${this.#pipeline(1)}${this.#close()}${this.#list(depth - 1)}${jump}${this.#list(depth - 2)}${rest}{{end}}`;
  }

  #call(depth: number): string {
    if (this.#below(5) === 0 && depth > 1) {
      return `{{block "b${this.#below(1000)}" ${this.#pipeline(1)}}}${this.#list(depth - 1)}{{end}}`;
    }
    const callable = this.#words.wild ? this.#definitions : this.#definition;
    const name = callable === 0 ? 'none' : `t${this.#below(callable)}`;
    return `${this.#open()}template "${name}" ${this.#below(4) === 0 ? '' : this.#pipeline(1)}${this.#close()}`;
  }

  #pipeline(depth: number): string {
    let pipeline = this.#command(depth);
    while (this.#below(4) === 0) pipeline += this.#pick([' | ', '|']) + this.#stage(depth);
    return pipeline;
  }

  #stage(depth: number): string {
    return this.#below(8) === 0 ? this.#operand(depth) : this.#application(depth);
  }

  #command(depth: number): string {
    return this.#below(2) === 0 ? this.#application(depth) : this.#operand(depth);
  }

  #application(depth: number): string {
    const name = this.#pick(this.#words.functions);
    const args = Array.from({ length: this.#below(4) }, () => this.#operand(depth - 1));
    if (name === 'printf') args.unshift(`"${this.#pick(verbs)} ${this.#pick(verbs)}"`);
    return [name, ...args].join(' ');
  }

  #operand(depth: number): string {
    switch (this.#below(depth > 0 ? 8 : 6)) {
      case 0:
      case 1:
        return `.${this.#pick(this.#words.fields)}`;
      case 2:
        return this.#pick(this.#words.constants);
      case 3:
        return this.#pick(['.', '.', ...variables]);
      case 4:
        return this.#pick([
          `$.${this.#pick(this.#words.fields)}`,
          `.${this.#pick(this.#words.fields)}.${this.#pick(this.#words.fields)}`,
        ]);
      case 5:
        return this.#pick(this.#words.constants);
      case 6:
        return `(${this.#pipeline(depth - 1)})`;
      default:
        return `(${this.#pipeline(depth - 1)}).${this.#pick(this.#words.fields)}`;
    }
  }
}

export const builtinNames = [
  'and',
  'call',
  'html',
  'index',
  'slice',
  'js',
  'len',
  'not',
  'or',
  'print',
  'print',
  'printf',
  'printf',
  'println',
  'urlquery',
  'eq',
  'ge',
  'gt',
  'le',
  'lt',
  'ne',
];

export const plainConstants = [
  'true',
  'false',
  'nil',
  '0',
  '1',
  '2',
  '-1',
  '7',
  '1.5',
  '-0.5',
  '0x1p-2',
  "'a'",
  "'\\n'",
  '"x"',
  '""',
  '"é"',
  '"a b"',
  '`raw`',
  '1e2',
  '"user"',
  '"a"',
  '0b11',
  '1_0',
  '"%d"',
];
