import type { Chance } from './chance.ts';
import { mangled } from './documents.ts';

const names = [
  'a',
  'b',
  'c',
  'name',
  'age',
  'a\\.b',
  'x y',
  'é',
  '\\*',
  '\\#',
  '0',
  '1',
  '2',
  '',
  'a\\|b',
  '\\@this',
  'ab',
  '😀',
  'zz',
  ':',
  '!',
  'A',
  '\\a',
  'a\\',
];
const wild = [
  '*',
  '?',
  'a*',
  '*b',
  'n?me',
  '*a*',
  '**',
  'a?',
  '\\**',
  '*\\*',
  '?*?',
  '*é',
  'x*y',
  '*.b',
  'a\\*?',
];
const operators = ['==', '=', '!=', '<', '<=', '>', '>=', '%', '!%', '!', ''];
const operands = [
  '"Tom"',
  'Tom',
  '1',
  '1.5',
  '"1"',
  'true',
  'false',
  'null',
  '~true',
  '~false',
  '~null',
  '~*',
  '~x',
  '"a*"',
  '*',
  '?',
  '',
  '"é"',
  '"\\u00e9"',
  '"\\""',
  '1e3',
  '10',
  '"',
  '-1',
  '0x1p1',
  'x)',
  '"a.b"',
  '>1',
];
const modifiers = [
  '@this',
  '@reverse',
  '@ugly',
  '@pretty',
  '@valid',
  '@flatten',
  '@flatten:{"deep":true}',
  '@join',
  '@join:{"preserve":true}',
  '@keys',
  '@values',
  '@tostr',
  '@fromstr',
  '@group',
  '@dig:a',
  '@dig:name',
  '@dig:#',
  '@dig:b.0',
  '@pretty:{"sortKeys":true}',
  '@pretty:{"indent":"\\t","prefix":" "}',
  '@pretty:{"width":10}',
  '@pretty:{"width":0}',
  '@pretty:{"width":-1,"sortKeys":true}',
  '@nosuch',
  '@this:x',
  '@flatten:{"deep":1}',
  '@join:true',
  '@keys:',
  '@valid:"x"',
  '@pretty:{"indent":"xx","sortKeys":"true","width":"30"}',
  '@dig:*',
  '@dig:"a"',
  '@flatten:[1',
  '@tostr:(a|b)',
];
const literals = [
  '!"x"',
  '!1',
  '!true',
  '!null',
  '!{"a":1}',
  '![1,2]',
  '!nan',
  '!Inf',
  '!x',
  '!',
  '!-1.50',
  '!"a|b"',
  '!FALSE',
];

/** A gjson path of one to four components. */
export function pathText(chance: Chance): string {
  const path = route(chance, 0);
  return chance.once(8) ? mangled(path, chance) : path;
}

function route(chance: Chance, depth: number): string {
  let path = chance.once(30) ? '..' : '';
  chance
    .some(1, 4, () => component(chance, depth))
    .forEach((part, index) => {
      path += index === 0 ? part : (chance.once(5) ? '|' : '.') + part;
    });
  return path;
}

function component(chance: Chance, depth: number): string {
  const kind = chance.below(depth > 1 ? 12 : 20);
  if (kind < 6) return chance.pick(names);
  if (kind < 7) return chance.pick(wild);
  if (kind < 9) return '#';
  if (kind < 10) return chance.pick(['0', '1', '2', '7', '01', '18446744073709551616', '-1']);
  if (kind < 12) return chance.pick(modifiers);
  if (kind < 13) return chance.pick(literals);
  if (kind < 17) return query(chance, depth);
  return multipath(chance, depth);
}

function query(chance: Chance, depth: number): string {
  const [open, close] = chance.once(6) ? ['[', ']'] : ['(', ')'];
  const left = chance.once(4) ? '' : route(chance, depth + 1);
  const space = chance.once(5) ? ' ' : '';
  const test = `${space}${chance.pick(operators)}${space}${chance.pick(operands)}`;
  return `#${open}${left}${chance.once(5) ? '' : test}${close}${chance.once(2) ? '#' : ''}`;
}

function multipath(chance: Chance, depth: number): string {
  const isObject = chance.once(2);
  const parts = chance.some(0, 3, () => {
    const name =
      isObject && chance.once(2) ? `${chance.pick(['x', '"y"', 'a.b', '"\\u0061"', '"z', '', '<'])}:` : '';
    return name + route(chance, depth + 1);
  });
  return isObject ? `{${parts.join(',')}}` : `[${parts.join(',')}]`;
}
