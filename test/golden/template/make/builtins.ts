import type { Case } from '../../../template/corpus.ts';
import { each, kinds } from './case.ts';

/** len, index, slice, call, and, or, not over every kind. */
export function builtins(): Case[] {
  const ofEach = [
    'len .x',
    'index .x 0',
    'index .x 1',
    'index .x "a"',
    'index .x .x',
    'slice .x',
    'slice .x 1',
    'slice .x 0 1',
    'slice .x 1 2 3',
    'call .x',
    'index .x',
    'index .x nil',
    'slice .x nil',
    'index .x -1',
    'slice .x 2 1',
  ];
  const cases: Case[] = [];
  for (const [kind, value] of Object.entries(kinds)) {
    for (const expression of ofEach) {
      cases.push({
        name: `${expression} of ${kind}`,
        typed: true,
        data: { x: value },
        template: `a\n{{ ${expression} }}`,
      });
    }
  }
  return [...cases, ...logic(), ...arguments_()];
}

function logic(): Case[] {
  const operands = [
    'true',
    'false',
    '0',
    '1',
    '""',
    '"x"',
    'nil',
    '0.0',
    '.empty',
    '.user',
    '.',
    '(len .user)',
  ];
  const pairs = operands.flatMap((a) => operands.map((b) => [a, b] as const));
  return [
    ...pairs.map(([a, b]) => ({
      name: `and or ${a} ${b}`,
      template: `{{ and ${a} ${b} | printf "%v" }} {{ or ${a} ${b} | printf "%v" }} {{ not ${a} }}`,
    })),
    ...each([
      '{{ and }}',
      '{{ or }}',
      '{{ and 1 }}{{ or 0 }}',
      '{{ and 1 0 .missing }}',
      '{{ or 1 .missing }}',
      '{{ or 0 .missing }}',
      '{{ and 1 (printf "%d") (or 0 "x") }}',
      '{{ and 1 2 3 }}{{ or 0 "" nil 5 6 }}',
      '{{ 5 | and 1 }}{{ 5 | and 0 }}{{ 5 | or 1 }}{{ 5 | or 0 }}',
      '{{ 0 | and }}{{ 1 | or }}',
      '{{ not }}',
      '{{ not 1 2 }}',
      '{{ 1 | not }}',
      '{{ nil | not }}',
      '{{ and nil }}',
      '{{ if and .user .password }}both{{ end }}',
      '{{ if and .user (eq .user "admin") (ne .password "") }}yes{{ end }}',
      '{{ and (index . "nope") 1 }}',
    ]),
  ];
}

/** How many arguments, of which type, from where. */
function arguments_(): Case[] {
  return each([
    '{{ len }}',
    '{{ len 1 2 }}',
    '{{ len 1 }}',
    '{{ len nil }}',
    '{{ 1 | len }}',
    '{{ "abc" | len }}',
    '{{ len . }}',
    '{{ index }}',
    '{{ index nil 1 }}',
    '{{ index . "user" }}',
    '{{ index . "missing" }}|',
    '{{ index . 1 }}',
    '{{ index . "db-host" | len }}',
    '{{ index . "user" 0 }}',
    '{{ index . "user" 0 0 }}',
    '{{ index .user 10 }}',
    '{{ index .user 5 }}',
    '{{ index .user 1.0 }}',
    '{{ index .user "a" }}',
    '{{ "user" | index . }}',
    '{{ slice .user 1 3 }}{{ slice .user 5 }}|{{ slice .user }}',
    '{{ slice .user 6 }}',
    '{{ slice .user 1 2 3 }}',
    '{{ slice .user 1 2 3 4 }}',
    '{{ slice .utf 3 4 }}',
    '{{ slice 5 }}',
    '{{ slice nil }}',
    '{{ call nil }}',
    '{{ call .user }}',
    '{{ call }}',
    '{{ call 5 1 }}',
    '{{ printf }}',
    '{{ printf 5 }}',
    '{{ printf nil }}',
    '{{ printf .missing }}',
    '{{ printf . }}',
    '{{ printf true }}',
    '{{ printf .user .password }}',
    '{{ 5 | printf }}',
    '{{ nil | printf "%v" }}',
    '{{ .user | printf "%s %s" .password }}',
    '{{ print .binary | printf "%q" }}',
    '{{ .binary }}',
    '{{ html .html }}',
    '{{ urlquery .utf }}',
    '{{ js .json }}',
    '{{ eq }}',
    '{{ eq 1 }}',
    '{{ eq nil nil }}',
    '{{ ne 1 }}',
    '{{ ne 1 2 3 }}',
    '{{ lt 1 }}',
    '{{ lt 1 2 3 }}',
    '{{ 1 | eq 1 }}{{ 2 | lt 1 }}',
    '{{ eq 1 2 3 1 }}',
    '{{ eq 1 2 "a" 1 }}',
    '{{ eq 1 1 "a" }}',
    '{{ eq .user "x" "admin" }}',
  ]);
}

/** eq, ne, lt, le, gt, ge between every two kinds. */
export function comparisons(): Case[] {
  const names = Object.keys(kinds).filter(
    (kind) =>
      ![
        'min',
        'max',
        'whole',
        'tiny',
        'huge',
        'empty',
        'utf',
        'int8',
        'int16',
        'int32',
        'uint8',
        'uint16',
        'uint32',
        'minus',
        'negzero',
        'inf',
        'neginf',
        'ints',
        'nilmap',
        'nilbytes',
        'imap',
        'false',
      ].includes(kind),
  );
  const cases: Case[] = [];
  for (const a of names) {
    for (const operator of ['eq', 'ne', 'lt', 'le', 'gt', 'ge']) {
      // An error would hide the rest: eq and lt get a case for each pair, the others only where it works.
      const others = operator === 'eq' || operator === 'lt' ? names : [a, 'int', 'string'];
      for (const b of new Set(others)) {
        cases.push({
          name: `${operator} ${a} ${b}`,
          typed: true,
          data: { a: kinds[a]!, b: kinds[b]! },
          template: `{{ ${operator} .a .b }}`,
        });
      }
    }
  }
  return [...cases, ...order()];
}

function order(): Case[] {
  const numbers = [
    '-1',
    '0',
    '1',
    '2',
    '1.0',
    '2.5',
    "'a'",
    '0x10',
    '"a"',
    '"b"',
    '""',
    '"é"',
    'true',
    'false',
  ];
  return numbers.flatMap((a) =>
    numbers.map((b) => ({
      name: `constants ${a} ${b}`,
      template: `{{ eq ${a} ${b} }} {{ ne ${a} ${b} }} {{ lt ${a} ${b} }} {{ le ${a} ${b} }} {{ gt ${a} ${b} }} {{ ge ${a} ${b} }}`,
    })),
  );
}
