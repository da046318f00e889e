import type { Chance } from './chance.ts';

const keys = [
  'a',
  'b',
  'c',
  'name',
  'age',
  'a.b',
  'x y',
  'é',
  '*',
  '#',
  '0',
  '1',
  '',
  'a|b',
  '@this',
  'ab',
  'a\\"b',
  '\\u0061',
  ':',
  '!',
  '~',
  '$',
  '😀',
  'A',
];
const strings = [
  '',
  'x',
  'ab',
  'Tom',
  'Anna',
  'true',
  'false',
  '1',
  '0',
  'T',
  'a.b',
  'é',
  '😀',
  '\\n',
  '\\u00e9',
  '\\ud83d\\ude00',
  '\\ud800',
  '\\\\',
  '\\"',
  '<&>',
  'x"',
  '{',
  ']',
  '\\u2028',
  'Ünï',
  '10',
  '9',
  '\\/',
  'a\\tb',
  '\\x',
];
const numbers = [
  '0',
  '1',
  '2',
  '10',
  '-1',
  '1.5',
  '1.50',
  '1e3',
  '1E-7',
  '1e21',
  '12345678901234567890',
  '0.1',
  '-0',
  '-0.0',
  '1e400',
  '37',
  '100',
  '3.0',
];

/** A JSON text: mostly small objects and arrays, spaced at random. */
export function documentText(chance: Chance): string {
  const text = value(chance, 0);
  return chance.once(4) ? mangled(text, chance) : text;
}

function value(chance: Chance, depth: number): string {
  const kind = chance.below(depth === 0 ? 6 : depth > 3 ? 16 : 11);
  if (kind < 3) return object(chance, depth);
  if (kind < 6) return array(chance, depth);
  if (kind % 4 === 0) return `"${chance.pick(strings)}"`;
  if (kind % 4 === 1) return chance.pick(numbers);
  if (kind % 4 === 2) return chance.pick(['true', 'false', 'null']);
  return `"${chance.pick(strings)}"`;
}

function object(chance: Chance, depth: number): string {
  if (depth > 3) return '{}';
  const members = chance.some(
    0,
    4,
    () => `"${chance.pick(keys)}"${space(chance)}:${space(chance)}${value(chance, depth + 1)}`,
  );
  return `{${space(chance)}${members.join(`${space(chance)},${space(chance)}`)}${space(chance)}}`;
}

function array(chance: Chance, depth: number): string {
  if (depth > 3) return '[]';
  const alike = chance.once(2) ? () => object(chance, depth + 1) : () => value(chance, depth + 1);
  return `[${space(chance)}${chance.some(0, 4, alike).join(`${space(chance)},${space(chance)}`)}${space(chance)}]`;
}

function space(chance: Chance): string {
  return chance.once(4) ? chance.pick([' ', '\n', '\t', '  ']) : '';
}

const strays = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  ' ',
  'n',
  'na',
  't',
  'f',
  'i',
  'N',
  '+',
  '-',
  '1',
  '0x1p2',
  '1_0',
  'x',
  '\u0001',
  '(',
  ')',
  '\u00a0',
  'nul',
  'nan',
  'tru',
  'Inf',
  "'",
  '//',
];

/** The same with a few bytes wrong. */
export function mangled(text: string, chance: Chance): string {
  let wrong = text;
  for (const _ of chance.some(1, 3, () => 0)) {
    const at = chance.below(wrong.length + 1);
    const kind = chance.below(4);
    if (kind === 0) wrong = wrong.slice(0, at) + wrong.slice(at + 1);
    else if (kind === 1) wrong = wrong.slice(0, at) + chance.pick(strays) + wrong.slice(at);
    else if (kind === 2)
      wrong = chance.once(3) ? wrong.slice(0, at) : wrong.slice(0, at) + wrong.slice(at + 2);
    else wrong = wrong.slice(0, at) + chance.pick(strays) + wrong.slice(at + 1);
  }
  return wrong;
}
