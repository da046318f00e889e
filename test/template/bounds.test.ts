import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../src/base/limits.ts';
import { TemplateError } from '../../src/template/failure.ts';
import { type FunctionTable, func } from '../../src/template/func.ts';
import { execute, parseTemplate } from '../../src/template/template.ts';
import { anySlice, GoMap, type Value } from '../../src/template/value.ts';

const world = { now: () => 0, zone: 'UTC', randomBytes: (size: number) => Buffer.alloc(size) };
const secrets = new GoMap('string', 'string', [['user', 'admin']]);

function render(text: string, functions: FunctionTable = {}, dot: Value = secrets): string {
  return execute(parseTemplate('bounds', text, { functions }), dot, world);
}

function fails(text: string, reason: RegExp, functions: FunctionTable = {}): void {
  assert.throws(
    () => render(text, functions),
    (thrown: unknown) => thrown instanceof TemplateError && reason.test(thrown.message),
    text.slice(0, 100),
  );
}

const within = (count: number, open: string, close: string): string =>
  `${open.repeat(count)}x${close.repeat(count)}`;

test('an endless loop ends at the bound on steps', () => {
  fails('{{ range 9223372036854775807 }}{{ end }}', /more than 10000000 steps/);
  fails('{{ range 100000 }}{{ range 100000 }}{{ $x := . }}{{ end }}{{ end }}', /steps/);
  fails('{{ range 9223372036854775807 }}{{ continue }}{{ end }}', /steps/);
});

test('CPU time ends what few steps do not tell', () => {
  let cpuMs = 5_000;
  const slow = func(['string'], (text) => {
    cpuMs += 50;
    return text;
  });
  const parsed = parseTemplate('bounds', '{{ range 100000 }}{{ $x := slow "a" }}{{ end }}', {
    functions: { slow },
  });
  assert.throws(
    () => execute(parsed, secrets, { ...world, cpuMs: () => cpuMs }),
    (thrown: unknown) => thrown instanceof TemplateError && /more than 20 s of CPU time/.test(thrown.message),
  );
});

test('long arguments cost more steps than short ones', () => {
  const text = `{{ $x := "${'x'.repeat(640_000)}" }}{{ range 10000 }}{{ $y := len $x }}{{ end }}`;
  fails(text, /steps/);
});

test('a function counts its own work', () => {
  const slow = func(['int'], (count, context) => {
    for (let i = 0n; i < count; i++) context.step();
    return '';
  });
  assert.equal(render('{{ slow 1000 }}', { slow }), '');
  fails('{{ slow 9223372036854775807 }}', /steps/, { slow });
});

test('a bound that a function meets has the place of its call', () => {
  const slow = func(['string', 'int'], (_text, count, context) => {
    context.step(Number(count));
    return '';
  });
  const columnOf = (text: string): number => {
    try {
      render(text, { slow });
    } catch (thrown) {
      if (thrown instanceof TemplateError) return thrown.column;
    }
    return 0;
  };
  assert.equal(columnOf('{{ $x := slow .user 20000000 }}'), 10);
  assert.equal(columnOf('{{ 20000000 | slow "a" }}'), 15);
});

test('the output is bounded', () => {
  const chunk = 'x'.repeat(65_536);
  assert.equal(render(`{{ range 256 }}${chunk}{{ end }}`).length, limits.templateOutputBytes);
  fails(`{{ range 257 }}${chunk}{{ end }}`, /output is larger than 16777216 bytes/);
});

test('text that doubles on the way is bounded', () => {
  fails('{{ $x := "xxxxxxxx" }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}', /bytes of text on the way/);
  fails('{{ $x := "xxxxxxxx" }}{{ range 100 }}{{ $x = printf "%s%s" $x $x }}{{ end }}', /bytes of text/);
  fails('{{ range 1000 }}{{ $x := printf "%1000000d" 1 }}{{ end }}', /bytes of text/);
});

test('a list that holds itself many times over is bounded', () => {
  const list = {
    params: ['interface {}'],
    variadic: true,
    call: (args: readonly Value[]) => anySlice([...args]),
  };
  const doubling = '{{ $x := list 1 }}{{ range 40 }}{{ $x = list $x $x }}{{ end }}{{ $x }}';
  fails(doubling, /steps|bytes of text/, { list });
  const deep = '{{ $x := list 1 }}{{ range 1000 }}{{ $x = list $x }}{{ end }}{{ $x }}';
  fails(deep, /nested deeper than 200 levels/, { list });
});

test('a map that holds itself is an error, not a crash', () => {
  const map = new GoMap('string', 'interface {}');
  map.entries.set('self', map);
  assert.throws(
    () => execute(parseTemplate('cycle', 'a\n  {{ . }}', { functions: {} }), map, world),
    (thrown: unknown) =>
      thrown instanceof TemplateError && thrown.line === 2 && /nested deeper/.test(thrown.message),
  );
});

test('actions and parentheses nest to a bound', () => {
  const count = limits.templateNestingCount;
  assert.equal(render(within(count, '{{ if true }}', '{{ end }}')), 'x');
  assert.equal(render(within(count, '{{ range 1 }}', '{{ end }}')), 'x');
  fails(within(count + 1, '{{ if true }}', '{{ end }}'), /nested deeper than 250 levels/);
  fails(within(100_000, '{{ with 1 }}', '{{ end }}'), /nested deeper/);
  assert.equal(render(`{{ ${'(print '.repeat(count)}1${')'.repeat(count)} }}`), '1');
  fails(`{{ ${'(print '.repeat(count + 1)}1${')'.repeat(count + 1)} }}`, /nested deeper/);
  fails(`{{ ${'('.repeat(100_000)}`, /nested deeper/);
});

test('else if does not nest', () => {
  assert.equal(render(`{{ if false }}${'{{ else if false }}'.repeat(5_000)}{{ else }}x{{ end }}`), 'x');
});

test('templates within templates go to a bound', () => {
  const recurse = (pipeline: string): string =>
    `{{ define "a" }}{{ if . }}{{ template "a" ${pipeline} }}{{ end }}{{ end }}{{ template "a" "${'x'.repeat(300)}" }}done`;
  assert.equal(render(recurse('(slice . 1)')), 'done');
  fails(recurse('.'), /templates within templates/);
  fails(
    '{{ define "a" }}{{ template "b" . }}{{ end }}{{ define "b" }}{{ template "a" . }}{{ end }}{{ template "a" }}',
    /templates within/,
  );
  const wide = '{{ define "a" }}{{ range 2 }}{{ template "b" }}{{ end }}{{ end }}';
  assert.equal(render(`${wide}{{ define "b" }}.{{ end }}{{ template "a" }}`), '..');
});

test('what a function throws of its own is told by name only', () => {
  const broken = func(['string'], (text) => {
    throw new TypeError(`leaks ${text}`);
  });
  assert.throws(
    () => render('{{ broken .user }}', { broken }),
    (thrown: unknown) =>
      thrown instanceof TemplateError &&
      !thrown.message.includes('leaks') &&
      /TypeError/.test(thrown.message),
  );
});

test('20,000 variables are found in bounded time', () => {
  const text = `${'{{ $x := 1 }}'.repeat(20_000)}{{ range 1000 }}{{ $y := . }}{{ end }}{{ $x }}`;
  assert.equal(render(text), '1');
});
