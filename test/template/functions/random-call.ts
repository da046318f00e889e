import { functions } from '../../../src/template/functions/functions.ts';
import type { Random } from '../random-template.ts';

/** Calls of the library with arguments at random: mostly of the right type, some of another. */

const texts = [
  '',
  'a',
  'ab',
  'a b',
  'Hello World',
  'é☺',
  'x-y_z',
  'a,b,c',
  '1',
  '-1',
  '2.5',
  '0x1f',
  '010',
  '1e3',
  'true',
  'null',
  '/a/../b',
  'a.b.c',
  '2024-02-29',
  '15:04',
  '2006-01-02',
  '1h30m',
  '-5s',
  'UTC',
  'Europe/Berlin',
  '^1.2',
  '1.2.3',
  'v2.0.0-rc1',
  '>=1, <2',
  'http://u:p@h:80/p?q#f',
  '{"a":[1,2]}',
  '[1,"x"]',
  'a: 1',
  '- x',
  'YWI=',
  'ME======',
  '6162',
  'a+',
  '(a)(b)?',
  '[',
  '$1',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Go's way to name a group.
  '${1}x',
  ' lead',
  'trail ',
  'tab\t',
  'two\nlines',
  '\u00a0',
  'ǆ',
  'İ',
  'SSß',
  '0',
  '%v',
  'yes',
  '_',
];
const numbers = ['0', '1', '-1', '2', '3', '7', '10', '100', '-5', '1.5', '-2.5', '0.1', '1e3', '1e21'];
const others = [
  'true',
  'false',
  'nil',
  '(list)',
  '(dict)',
  '(list 1 2 3)',
  '(list "b" "a" nil)',
  '(dict "a" 1 "b" "x")',
  '(until 4)',
  '(splitList "," "x,y,x")',
  '(split "," "p,q")',
  '(dict "n" (dict "a" 1))',
  '(list (list 1) (dict "k" nil))',
  '(int64 5)',
  '(float64 2)',
  '(semver "1.2.3-b+m")',
  '(toDate "2006-01-02" "2024-02-29")',
  '.',
  '(fromJson "[1,{\\"a\\":null}]")',
  '(list 0 "" false)',
  '.bin',
];

/** Pieces that the texts for a function are put together of, where it has a language of its own. */
const pieces: Readonly<Record<string, readonly string[]>> = {
  semver: [
    '1',
    '.',
    '2',
    '0',
    '-',
    '+',
    'v',
    'rc',
    'x',
    '*',
    '>',
    '<',
    '=',
    '!',
    '~',
    '^',
    ' ',
    ',',
    '||',
    '|',
    '3',
    '01',
    ' - ',
  ],
  date: [
    '2006',
    '01',
    '02',
    '15',
    '04',
    '05',
    'Jan',
    'Monday',
    'MST',
    '-0700',
    'Z07:00',
    '.000',
    '.999',
    ',',
    ' ',
    ':',
    '2',
    '_2',
    '3',
    'PM',
    'pm',
    '002',
    '1',
    '06',
    'x',
    '24',
    '12',
    'UTC',
    '+01:00',
    'CET',
    'AM',
    'Feb',
  ],
  url: [
    'http',
    'x',
    ':',
    '//',
    '/',
    '@',
    '?',
    '#',
    '%20',
    '%2F',
    '%',
    '[',
    ']',
    '::1',
    '8',
    ' ',
    'é',
    '.',
    '*',
    'u',
    '+',
    ';',
    '&',
    '%25',
    '"',
    '|',
    '^',
  ],
  regex: [
    'a',
    'b',
    '.',
    '*',
    '+',
    '?',
    '(',
    ')',
    '[',
    ']',
    '^',
    '$',
    '|',
    '\\',
    'd',
    'w',
    '{2}',
    '{1,}',
    '(?i)',
    '(?P<n>',
    '-',
    'é',
    '\n',
    '$1',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Go's way to name a group.
    '${n}',
    ' ',
  ],
  yaml: [
    'a',
    ':',
    ' ',
    '-',
    '#',
    '\n',
    "'",
    '"',
    '[',
    ']',
    '{',
    '}',
    ',',
    '&x',
    '*x',
    '!',
    '|',
    '>',
    '%',
    '@',
    '1',
    '.',
    '0x',
    'yes',
    '~',
    '<<',
    'é',
    '\t',
    '\\',
    '?',
    '=',
    'word ',
    '2024-01-02',
    '\u2028',
    '\u0085',
    '😀',
    '_',
  ],
  json: [
    '{',
    '}',
    '[',
    ']',
    '"a"',
    ':',
    ',',
    '1',
    '-',
    '.',
    'e',
    'null',
    'true',
    ' ',
    '\\u',
    'd83d',
    '"',
    '\\n',
    '0',
    '\n',
  ],
  code: ['A', 'B', 'Z', '=', '2', '7', 'a', '/', '+', '\n', '\r', ' ', 'M', 'E', 'f', '0', '1', 'g'],
  duration: ['1', '2', '.', 'h', 'm', 's', 'ms', 'us', 'ns', '-', '+', '0', 'µs', '9999999'],
  word: ['a', 'B', 'cd', 'EF', '1', '23', '_', '-', ' ', 'é', 'É', '中', '.', '!', '\t', 'ǅ', 'word', '\n'],
};

function languageOf(name: string): readonly string[] {
  if (/semver/.test(name)) return pieces['semver']!;
  if (/dateModify|date_modify|duration/i.test(name)) return pieces['duration']!;
  if (/date/i.test(name)) return pieces['date']!;
  if (/url/.test(name)) return pieces['url']!;
  if (/regex/i.test(name)) return pieces['regex']!;
  if (/Yaml/.test(name)) return pieces['yaml']!;
  if (/Json/.test(name)) return pieces['json']!;
  return /dec$|AES/.test(name) ? pieces['code']! : pieces['word']!;
}

/** Keys of the data that calls may name: `.bin` is no UTF-8. */
export const callData = { bin: { base64: 'Yf/+YiDDqQ==' }, a: '1' };

export class CallMaker {
  readonly #random: Random;
  readonly #names: readonly string[];

  constructor(random: Random, names: readonly string[]) {
    this.#random = random;
    this.#names = names;
  }

  /** `trunc 5 "text"`. */
  call(): string {
    const name = this.#pick(this.#names);
    const { params, variadic } = functions[name]!;
    const fixed = variadic ? params.slice(0, -1) : params;
    const further = variadic ? Math.floor(this.#random() * 4) : 0;
    const types = [...fixed, ...Array<string>(further).fill(params.at(-1)!)];
    return [name, ...types.map((type) => this.#argument(type, name))].join(' ');
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)]!;
  }

  #composed(name: string): string {
    const language = languageOf(name);
    return Array.from({ length: Math.floor(this.#random() * 9) }, () => this.#pick(language)).join('');
  }

  #argument(type: string, name: string): string {
    const kind = this.#random();
    if (kind > 0.55 && (type === 'string' || type === 'interface {}'))
      return JSON.stringify(this.#composed(name));
    if (kind < 0.06) return this.#pick([...others, ...numbers]);
    if (type === 'string') return kind < 0.2 ? '.bin' : JSON.stringify(this.#pick(texts));
    if (/int|float/.test(type))
      return this.#pick(type.startsWith('int') && kind < 0.5 ? numbers.slice(0, 9) : numbers);
    if (type === 'bool') return this.#pick(['true', 'false']);
    if (type === 'time.Time') return this.#pick(['(toDate "2006-01-02" "2024-02-29")', '(toDate "x" "y")']);
    if (type.startsWith('map')) return this.#pick(maps);
    return kind < 0.3 ? JSON.stringify(this.#pick(texts)) : this.#pick([...numbers, ...others]);
  }
}

const maps = ['(dict)', '(dict "a" 1 "b" "x")', '(dict "a" (dict "b" nil))', '(dict "a" (list 1) "c" 0)'];
