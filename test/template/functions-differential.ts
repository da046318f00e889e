import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { functions } from '../../src/template/functions/functions.ts';
import { type Case, outcomeOf } from './corpus.ts';
import { seeded } from './random-template.ts';

/**
 * Compares calls of the library with Go's own, arguments at random, as differential.ts does for the language:
 *
 *     (cd test/golden/template/generate && go build -o /tmp/golden .)
 *     node test/template/functions-differential.ts /tmp/golden [COUNT [SEED]]
 */
const [program = '', count = '20000', seed = '1', only = ''] = process.argv.slice(2);

/** What depends on chance or time, takes long, or (keys, values) comes in another order each time in Go. */
const left =
  /^(rand|gen|now$|ago$|uuidv4|shuffle|bcrypt|htpasswd|encryptAES|derivePassword|keys$|values$|pemTo|fullPemTo|pemTrust)/;
const names = Object.keys(functions).filter((name) => !left.test(name) && (only === '' || name === only));
const random = seeded(Number(seed));
const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;

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

function composed(name: string): string {
  const language = languageOf(name);
  return Array.from({ length: Math.floor(random() * 9) }, () => pick(language)).join('');
}

function argument(type: string, name: string): string {
  const kind = random();
  if (kind > 0.55 && (type === 'string' || type === 'interface {}')) return JSON.stringify(composed(name));
  if (kind < 0.06) return pick([...others, ...numbers]);
  if (type === 'string')
    return kind < 0.2 ? '.bin' : JSON.stringify(pick(texts) + (kind > 0.9 ? pick(texts) : ''));
  if (/int|float/.test(type))
    return pick(numbers.slice(0, type.startsWith('int') && kind < 0.9 ? 9 : undefined));
  if (type === 'bool') return pick(['true', 'false']);
  if (type === 'time.Time') return pick(['(toDate "2006-01-02" "2024-02-29")', '(toDate "x" "y")']);
  if (type.startsWith('map'))
    return pick(['(dict)', '(dict "a" 1 "b" "x")', '(dict "a" (dict "b" nil))', '(dict "a" (list 1) "c" 0)']);
  return kind < 0.4 ? JSON.stringify(pick(texts)) : kind < 0.6 ? pick(numbers) : pick(others);
}

function call(): string {
  const name = pick(names);
  const { params, variadic } = functions[name]!;
  const fixed = variadic ? params.slice(0, -1) : params;
  const types = [...fixed, ...Array<string>(variadic ? Math.floor(random() * 4) : 0).fill(params.at(-1)!)];
  return [name, ...types.map((type) => argument(type, name))].join(' ');
}

const go = spawn(program, ['answer'], { stdio: ['pipe', 'pipe', 'inherit'] });
const answers = createInterface({ input: go.stdout })[Symbol.asyncIterator]();
const data = { bin: { base64: 'Yf/+YiDDqQ==' }, a: '1' };

let different = 0;
for (let i = 0; i < Number(count); i++) {
  const made = call();
  const each: Case = {
    name: String(i),
    data,
    template: `{{ $x := ${made} }}{{ typeOf $x }} {{ $x }} {{ toJson $x }}`,
  };
  go.stdin.write(`${JSON.stringify({ functions: 'eso', cases: [each] })}\n`);
  const answer = (await answers.next()).value as string;
  const here = JSON.stringify(await outcomeOf(each, functions));
  // The texts of YAML's own errors are not Go's.
  if (isDeepStrictEqual(JSON.parse(answer), JSON.parse(here)) || /Error:|0xc0[0-9a-f]{8}/.test(answer))
    continue;
  different++;
  console.log(`${made}\n  Go:   ${answer.slice(0, 300)}\n  here: ${here.slice(0, 300)}`);
}
go.stdin.end();
console.log(`${different} differ`);
