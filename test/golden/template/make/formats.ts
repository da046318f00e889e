import type { Case } from '../../../template/corpus.ts';
import { each, kinds } from './case.ts';

const verbs = [...'vTtbcdoOqxXUeEfFgGspwz%'];
const flagSets = [
  '',
  '+',
  '-',
  '#',
  ' ',
  '0',
  '+#',
  '# ',
  '08',
  '-8',
  '+8',
  '8',
  '+.3',
  '.3',
  '10.2',
  '-10.2',
  '010.2',
  '#10.2',
  '.0',
  '.',
  '#.3',
  '020.10',
  '+010',
  ' 05',
];

/** Those whose text is an address are refused here. */
const addressed = ['list', 'strings', 'ints', 'bytes', 'dict', 'smap', 'imap', 'ppoint'];

/** Every verb, with every set of flags, of every kind: one case for each verb and kind. */
export function formats(): Case[] {
  const cases: Case[] = [];
  for (const [kind, value] of Object.entries(kinds)) {
    for (const verb of verbs) {
      if (verb === 'p' && addressed.includes(kind)) continue;
      const template = flagSets.map((flags) => `{{ printf "[%${flags}${verb}]" .x }}`).join('\n');
      cases.push({ name: `%${verb} of ${kind}`, typed: true, data: { x: value }, template });
    }
  }
  return [...cases, ...indexed(), ...floats(), ...quoting()];
}

/** Widths and precisions from operands, operand indexes, and formats that do not fit. */
function indexed(): Case[] {
  return each([
    '{{ printf "%*d|%-*d|%.*f|%*.*f" 5 1 6 2 2 3.14159 8 3 2.71828 }}',
    '{{ printf "%[2]d %[1]d" 1 2 }}',
    '{{ printf "%[2]*[1]d" 7 5 }}',
    '{{ printf "%[3]*.[2]*[1]f" 12.0 2 6 }}',
    '{{ printf "%d %d %#[1]x %#x" 16 17 }}',
    '{{ printf "%[1]d %d" 1 2 3 }}',
    '{{ printf "%[5]d" 1 }}',
    '{{ printf "%[x]d" 1 }}',
    '{{ printf "%[]d" 1 }}',
    '{{ printf "%[" 1 }}',
    '{{ printf "%[1" 1 }}',
    '{{ printf "%[]" 1 }}',
    '{{ printf "%[1]" 1 }}',
    '{{ printf "%[-1]d" 1 }}',
    '{{ printf "%[0]d" 1 }}',
    '{{ printf "%[00000001]d" 1 }}',
    '{{ printf "%[10000000]d" 1 }}',
    '{{ printf "%[99999999]d" 1 }}',
    '{{ printf "%[1]2d" 1 2 }}',
    '{{ printf "%[1].2d" 1 2 }}',
    '{{ printf "%2[2]d" 1 2 }}',
    '{{ printf "%[2]*d" 1 4 }}',
    '{{ printf "%.[2]d" 1 4 }}',
    '{{ printf "%*d" "x" 1 }}',
    '{{ printf "%.*d" "x" 1 }}',
    '{{ printf "%*d" -5 1 }}',
    '{{ printf "%0*d" -5 1 }}',
    '{{ printf "%.*d" -5 1 }}',
    '{{ printf "%*d" 10000000 1 }}',
    '{{ printf "%*d" }}',
    '{{ printf "%*" 5 }}',
    '{{ printf "%5" 1 }}',
    '{{ printf "%" }}',
    '{{ printf "%%%d%%" 1 }}',
    '{{ printf "%5%|" }}',
    '{{ printf "%-" 1 }}',
    '{{ printf "%." 1 }}',
    '{{ printf "%.5" 1 }}',
    '{{ printf "%d" }}',
    '{{ printf "%d %s" 1 }}',
    '{{ printf "x" 1 "a" nil true 1.5 }}',
    '{{ printf "%d" 1 2 }}',
    '{{ printf "%!" }}',
    '{{ printf "%é" 1 }}',
    '{{ printf "%世" "x" }}',
    '{{ printf "%\\xff" "x" }}',
    '{{ printf "%\\n" 1 }}',
    '{{ printf "%99999999d|" 1 }}',
    '{{ printf "%.99999999d|" 1 }}',
    '{{ printf "% d|% x|% X|%# x" 5 "abc" "abc" "abc" }}',
    '{{ printf "%+d %+d" 5 -5 }}',
    '{{ printf "%6.2f|%-8s|%08d|%x" 3.14159 "ab" 42 "hé" }}',
    '{{ printf "%v %v %v" nil true "x" }}',
    '{{ printf "%s" nil }}',
    '{{ printf "%d" "s" }}',
    '{{ printf "%s %s" 1 true }}',
    '{{ printf "%t" 1 }}',
    '{{ printf "" }}',
    '{{ printf "" 1 }}',
    '{{ "x" | printf "%s-%s" "y" }}',
    '{{ 5 | printf "%d" | printf "<%s>" }}',
    '{{ printf "%c%c%c|%c|%c" 72 105 0x1F600 -1 0x110000 }}',
    '{{ printf "%q %q %q %+q %#q" 65 0x1F600 10 233 96 }}',
    '{{ printf "%U %#U %#U %08U %-12U|" 0x1F600 0x1F600 7 65 65 }}',
    '{{ printf "%5t|%-7t|%07t" true false true }}',
    '{{ printf "%5v|%-5v|%05v" nil nil nil }}',
    '{{ printf "%w %w" 1 "x" }}',
  ]);
}

/** Floats at the edges of shortest and exact printing. */
function floats(): Case[] {
  const numbers = [
    '0',
    '1',
    '-1',
    '0.1',
    '0.5',
    '1.5',
    '2.5',
    '0.25',
    '1e20',
    '1e21',
    '1e22',
    '123456789',
    '1234567.0',
    '100000',
    '999999',
    '1000000',
    '0.0001',
    '0.00001',
    '1e-5',
    '4.9e-324',
    '2.2250738585072014e-308',
    '1.7976931348623157e308',
    '9007199254740993',
    '0.3',
    '2.675',
    '1.005',
    '1e100',
    '123456.7',
    '1e15',
    '5e-7',
    '8.41e21',
    '33554431',
    '9.5',
    '99.5',
    '0.05',
    '0.95',
    '1.45',
    '0.000244140625',
    '1434133.25',
    '3408775.5',
    '671088640',
    '16777217',
  ];
  const forms =
    '%v|%g|%e|%f|%G|%E|%.0f|%.1f|%.2f|%.3g|%.10g|%.17g|%.20e|%.0e|%x|%.3x|%X|%b|%8.3f|%+.3e|%#g|%#.3g|%#.0f|%#v|%010.3f|%-10.1f|% .2f|%6.0g|%#x|%#.0x|%#.0e';
  const cases: Case[] = [];
  for (const type of ['float64', 'float32']) {
    for (const number of numbers) {
      if (type === 'float32' && Math.fround(Number(number)) === Number.POSITIVE_INFINITY) continue;
      const template = forms
        .split('|')
        .map((form) => `{{ printf "${form}" .x }}`)
        .join('\n');
      cases.push({ name: `${type} ${number}`, typed: true, data: { x: { [type]: number } }, template });
    }
  }
  return cases;
}

function quoting(): Case[] {
  const texts = {
    control: '\u0000\u0007\b\t\n\u000b\f\r\u001b\u007f',
    quotes: `a"b'c\`d\\e`,
    unicode: 'é ü ß ÿ \u00a0 \u00ad \u2028 \ufeff \ufffd',
    wide: '世界 🙂 \u{10ffff} \u{e0001}',
    combining: 'e\u0301 \u0300',
    newer: '\u{1fae9} \u{1ccf0} \u{2ebf0} \u{10d40}',
  };
  const template = [
    '%q',
    '%+q',
    '%#q',
    '%x',
    '% x',
    '%#x',
    '%.3s',
    '%.5q',
    '%10.2s|',
    '%-12q|',
    '%s',
    '%v',
    '%#v',
  ]
    .map((form) => `{{ printf "${form}" .x }}`)
    .join('\n');
  const invalid = ['/w==', '4oKA', '7aCA', 'wIA=', '8J+Y', '9JCAgA==', 'YWLDKGM=', 'gICA'];
  return [
    ...Object.entries(texts).map(([name, x]) => ({ name: `quote ${name}`, data: { x }, template })),
    ...invalid.map((x) => ({ name: `quote invalid ${x}`, data: { x: { base64: x } }, template })),
  ];
}

/** print, println and plain actions of every kind, alone and beside others. */
export function printing(): Case[] {
  const cases: Case[] = Object.entries(kinds).map(([kind, value]) => ({
    name: `${kind} printed`,
    typed: true,
    data: { x: value },
    template:
      '{{ .x }}|{{ print .x }}|{{ println .x }}|{{ print .x .x }}|{{ print "a" .x "b" }}|{{ print 1 .x 2 }}|{{ println 1 .x "a" }}|{{ html .x }}|{{ js .x }}|{{ urlquery .x }}|{{ with .x }}[{{ . }}]{{ else }}[none]{{ end }}|{{ not .x }}',
  }));
  // A pointer within a list or map prints its address.
  return [
    ...cases.filter(({ name }) => !name.startsWith('nilpoint')),
    ...each([
      '{{ print }}|{{ println }}',
      '{{ print 1 2 3 }}',
      '{{ print "a" "b" 1 2 "c" }}',
      '{{ print 1 2 "a" 3 true nil nil 1.5 }}',
      '{{ println "a" 1 nil }}',
      '{{ print (print 1) (print 2) }}',
      '{{ 1 | print 2 }}',
      '{{ print -0.0 1e3 1e21 0x1p-2 1_000 }}',
      "{{ print 'a' '\\n' '世' }}",
      '{{ html "<a>" 1 "&" }}',
      `{{ html "'\\"\\x00" }}`,
      '{{ html nil }}{{ js nil }}{{ urlquery nil }}',
      `{{ js "a'b\\"c\\\\<>&=\\n\\x00é世\\u2028🙂\\xff" }}`,
      '{{ urlquery "a b&c=d/é~-_.!*()" }}',
      '{{ urlquery 1 "a" 2 }}',
      '{{ html }}{{ js }}{{ urlquery }}',
    ]),
  ];
}
