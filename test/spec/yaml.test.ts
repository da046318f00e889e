import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePath, pathText } from '../../src/spec/path.ts';
import { readYaml } from '../../src/spec/yaml.ts';

function value(text: string): unknown {
  const { documents, problems } = readYaml({ path: 'f.yaml', text });
  if (problems[0] !== undefined) throw problems[0];
  return documents[0]?.value;
}

// Expected values were made by sigs.k8s.io/yaml v1.4.0, which kubectl reads YAML with.
const scalars: readonly (readonly [string, unknown])[] = [
  ['yes', true],
  ['y', true],
  ['On', true],
  ['off', false],
  ['TRUE', true],
  ['tRue', 'tRue'],
  ['0777', 511],
  ['-0777', -511],
  ['0o17', 15],
  ['0o8', '0o8'],
  ['0x1F', 31],
  ['0b11', 3],
  ['08', 8],
  ['1_000', 1000],
  ['1e3', 1000],
  ['.5', 0.5],
  ['1.', 1],
  ['.', '.'],
  ['0.1_5', 0.15],
  ['1:30', '1:30'],
  ['190:20:30', '190:20:30'],
  ['2020-01-01', '2020-01-01'],
  ['2001-12-14t21:59:43.10-05:00', '2001-12-14t21:59:43.10-05:00'],
  ['~', null],
  ['=', '='],
  ['!!str 12', '12'],
  ['!!int "5"', 5],
];

for (const [text, expected] of scalars) {
  test(`${text} is ${JSON.stringify(expected)}, as for kubectl`, () => {
    assert.deepEqual(value(`a: ${text}`), { a: expected });
  });
}

test('keys become names, and merge keys merge', () => {
  assert.deepEqual(value('yes: 1\n1: 2\n1.5: 3'), { true: 1, 1: 2, 1.5: 3 });
  assert.deepEqual(value('a: &x {b: 1}\nc:\n  <<: *x\n  d: 2'), { a: { b: 1 }, c: { b: 1, d: 2 } });
  assert.deepEqual(value('{"a": {"b": [1, null]}}'), { a: { b: [1, null] } });
});

test('places are those of the file, through aliases too', () => {
  const { documents } = readYaml({
    path: 'f.yaml',
    text: '# First.\n---\na: &x\n  - b: 1\nc: *x\n---\nd: {e: f}\n',
  });
  const [first, second] = documents;
  assert.deepEqual(first?.at(['a', 0, 'b']), { file: 'f.yaml', line: 4, column: 5, field: 'a[0].b' });
  assert.deepEqual(first?.at(['c', 0, 'b']), { file: 'f.yaml', line: 4, column: 5, field: 'c[0].b' });
  assert.deepEqual(second?.at(['d', 'e']), { file: 'f.yaml', line: 7, column: 5, field: 'd.e' });
  assert.deepEqual(second?.at(['d', 'missing', 'x']), {
    file: 'f.yaml',
    line: 7,
    column: 1,
    field: 'd.missing.x',
  });
});

test('a broken document between two good ones leaves them alone', () => {
  const { documents, problems } = readYaml({ path: 'f.yaml', text: 'a: 1\n---\nb: "\n---\nc: 3\n' });
  assert.deepEqual(
    documents.map((document) => document.value),
    [{ a: 1 }, { c: 3 }],
  );
  assert.equal(problems.length, 1);
});

test('what nests deeper than any spec is refused before it is read', () => {
  const deep = (open: string, close: string) => `a: ${open.repeat(100_000)}${close.repeat(100_000)}`;
  const texts = [
    deep('[', ']'),
    deep('{a: ', '}'),
    deep('[', ''),
    '- '.repeat(100_000),
    '? '.repeat(100_000),
  ];
  const began = process.threadCpuUsage();
  for (const text of texts) assert.throws(() => value(text), /not valid YAML: it is nested too deeply/);
  // The library needed seconds and hundreds of megabytes to say so.
  assert.ok(process.threadCpuUsage(began).user < 1_000_000);
  const shallow = `a: ${'['.repeat(50)}${']'.repeat(50)}\nb: "${'{{ if }}'.repeat(1_000)}"\n`;
  assert.doesNotThrow(() => value(shallow));
});

test('the places of many members are found in no time', () => {
  const count = 20_000;
  const text = Array.from({ length: count }, (_, i) => `k${i}: 1\n`).join('');
  const [document] = readYaml({ path: 'f.yaml', text }).documents;
  const began = process.threadCpuUsage();
  for (let i = 0; i < count; i++) assert.equal(document?.at([`k${i}`]).line, i + 1);
  // By a search through all of them for each it took minutes.
  assert.ok(process.threadCpuUsage(began).user < 2_000_000);
});

test('a path is printed as in the YAML, and read back', () => {
  const path = ['spec', 'data', 0, 'a.b/c', 'x-y'] as const;
  assert.equal(pathText(path), 'spec.data[0]["a.b/c"].x-y');
  assert.deepEqual(parsePath(pathText(path)), path);
});
