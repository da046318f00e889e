import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { rounds } from '../../scripts/code-cache-store.ts';
import { root } from '../../scripts/steps.ts';
import { limits } from '../../src/base/limits.ts';
import { readPlainYaml } from '../../src/spec/plain-yaml/reader.ts';
import { agentOfVault } from '../bench/contenders.ts';
import { trackedFiles } from '../repo/sources.ts';
import { isPlain } from './both-readers.ts';
import { mutated, styledYaml } from './random-yaml.ts';
import { fakeStore, survivors } from './samples.ts';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const manifests = trackedFiles().filter(
  (path) => /\.(?:ya?ml|json)$/.test(path) && !path.startsWith('test/golden/'),
);

/** Every example in the documentation. */
const examples = trackedFiles()
  .filter((path) => path.endsWith('.md'))
  .flatMap((path) => [...read(path).matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text));

const values: readonly (readonly [text: string, value: unknown])[] = [
  ['a: b', { a: 'b' }],
  ['a: true\nb: false\nc: 12\nd: 0', { a: true, b: false, c: 12, d: 0 }],
  [
    'a: 1h\nb: 5m30s\nc: 1.2.3\nd: 12e\ne: 1f9a-2',
    { a: '1h', b: '5m30s', c: '1.2.3', d: '12e', e: '1f9a-2' },
  ],
  ['a: "12"\nb: \'x # y\' # z\nc: "p: q"\nd: ""', { a: '12', b: 'x # y', c: 'p: q', d: '' }],
  ['a: http://b:80/c#d, e', { a: 'http://b:80/c#d, e' }],
  ['a:\n- b\n- c: 1\n  d:\n  - - e\n    - f\n', { a: ['b', { c: 1, d: [['e', 'f']] }] }],
  ['a: # x\n\n  # y\n  b: c\n# z', { a: { b: 'c' } }],
  ['a: |\n  b: "c"\n    d\n\n  # e\n\n\nf: |-\n   g\n', { a: 'b: "c"\n  d\n\n# e\n', f: 'g' }],
  ['a: {}\nb: []\nc: {d: e, "f": [1, {g: h i}]} # j', { a: {}, b: [], c: { d: 'e', f: [1, { g: 'h i' }] } }],
  ['{"a":{"b":[1,true,"c"]}}', { a: { b: [1, true, 'c'] } }],
  ['- a\n-   b: c\n    d: e\n', ['a', { b: 'c', d: 'e' }]],
];

const left: Readonly<Record<string, string>> = {
  'a tab': 'a:\tb',
  'a carriage return': 'a: b\r\n',
  'a byte order mark': '\ufeffa: b',
  'another space': 'a: b\u00a0c',
  'a control character': 'a: b\u0007',
  'an anchor': 'a: &b c',
  'an alias': 'a: *b',
  'a tag': 'a: !!str 1',
  'a merge key': '<<: {a: b}',
  'a directive': '%YAML 1.1\n---\na: b',
  'a document end': 'a: b\n...\n',
  'a value beside the marker': '--- a: b',
  'a key twice': 'a: b\na: c',
  'a key twice in brackets': 'a: {b: 1, b: 2}',
  'a key that is no text': '1: a',
  'a prototype': '"__proto__": a',
  'a text over lines': 'a: b\n  c',
  'a quoted text over lines': 'a: "b\n  c"',
  'brackets over lines': 'a: [b,\n  c]',
  'a folded block': 'a: >\n  b',
  'a block that keeps its end': 'a: |+\n  b\n',
  'a block with a line of spaces': 'a: |\n  b\n   \n  c\n',
  'an escape': 'a: "b\\n"',
  'a quote in quotes': "a: 'b''c'",
  'no value': 'a:\nb: c',
  'no element': 'a:\n  -\n  - b',
  'a word for true': 'a: yes',
  'a word for nothing': 'a: null',
  'a float': 'a: 1.5',
  'an octal number': 'a: 0777',
  'a hexadecimal number': 'a: 0x1f',
  'a number with underscores': 'a: 1_000',
  'a long number': `a: ${'9'.repeat(16)}`,
  'a key in a text': 'a: b: c',
  'an unclosed bracket': 'a: [b',
  'a pair in a list': 'a: [b: c]',
  'a text alone': 'a',
  'a line too far left': '  a: b\nc: d',
  'a line too far right': 'a: b\n c: d',
};

describe('the plain reader', () => {
  for (const [text, value] of values) {
    test(`reads ${JSON.stringify(text)}`, () => {
      assert.ok(isPlain(text));
      assert.deepEqual(readPlainYaml({ path: 'f.yaml', text })?.[0]?.value, value);
    });
  }

  for (const [what, text] of Object.entries(left)) {
    test(`leaves ${what} to the library`, () => assert.equal(isPlain(text), false));
  }

  test('leaves to the library what is too much for it', () => {
    const tooDeep = `a: |\n  ${'{ '.repeat(limits.yamlDepth + 1)}\n`;
    const tooMany = '---\na: b\n'.repeat(limits.specDocumentCount + 1);
    const tooLarge = `a: [1${',1'.repeat(limits.yamlNodeCount)}]`;
    for (const text of [tooDeep, tooMany, tooLarge]) assert.equal(isPlain(text), false);
    assert.ok(isPlain('a: b {{ .c }}\n---\n'.repeat(limits.yamlDepth)));
  });

  test('finds the places of documents, of what is there and what is not', () => {
    const text = '# First.\na:\n  - b: "c"\n---\nd: |\n  e\nf: {g: h}\n';
    const [first, second] = readPlainYaml({ path: 'f.yaml', text }) ?? [];
    const at = { file: 'f.yaml' };
    assert.deepEqual(first?.at([]), { ...at, line: 2, column: 1 });
    assert.deepEqual(first?.at(['a', 0, 'x', 1]), { ...at, line: 3, column: 5, field: 'a[0].x[1]' });
    assert.deepEqual(first?.textAt(['a', 0, 'b']), { ...at, line: 3, column: 9, field: 'a[0].b' });
    assert.deepEqual(second?.textAt(['d']), { ...at, line: 6, column: 3, field: 'd' });
    assert.deepEqual(second?.at(['f', 'g']), { ...at, line: 7, column: 5, field: 'f.g' });
  });
});

describe('what is read without the library', () => {
  // Those two have commands in brackets over several lines, which are no specs.
  const plainExample = /^manifests\/examples\/(?!job|plain-sidecar).*\.yaml$/;
  for (const path of manifests.filter((path) => plainExample.test(path))) {
    test(path, () => assert.ok(isPlain(read(path))));
  }

  test('the specs of the benchmarks', () => {
    const folder = mkdtempSync(join(tmpdir(), 'plain-'));
    try {
      mkdirSync(join(folder, 'config'));
      const role = { roleId: '1234567e-12', secretId: '00000000-11' };
      const build = { entry: '', url: 'http://127.0.0.1:8200', role, refreshInterval: '1h' };
      for (const shape of ['one', 'each'] as const) {
        const place = { config: join(folder, 'config'), output: join(folder, 'output') };
        agentOfVault({ ...build, shape }).prepare(place, 100);
        assert.ok(isPlain(readFileSync(join(place.config, 'specs.yaml'), 'utf8')));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('the specs whose start the code cache is made of, and not those that make the library’s', () => {
    assert.deepEqual(
      Object.values(rounds).map((specsOf) => isPlain(specsOf('http://127.0.0.1:8200'))),
      [true, false],
    );
  });

  test('most examples of the documentation', () => {
    const plain = examples.filter(isPlain).length;
    assert.ok(plain > examples.length * 0.7, `${plain} of ${examples.length}`);
  });
});

describe('what both read, both read alike', () => {
  test('every manifest', () => {
    for (const path of manifests) isPlain(read(path));
  });

  const sources = [
    ...manifests.filter((path) => path.endsWith('.yaml')).flatMap((path) => read(path).split(/^---$/m)),
    ...[...examples, fakeStore, survivors],
  ].filter((text) => text.length < 2_000 && isPlain(text));

  const kinds: Readonly<Record<string, fc.Arbitrary<string>>> = {
    'texts of many styles': styledYaml,
    'texts of many styles, changed': mutated(styledYaml),
    'examples, changed': mutated(fc.constantFrom(...sources)),
  };
  for (const [name, kind] of Object.entries(kinds)) {
    test(name, () => {
      let plain = 0;
      const numRuns = 4_000;
      const property = fc.property(kind, (text) => {
        if (isPlain(text)) plain++;
      });
      fc.assert(property, { seed: 7, numRuns });
      assert.ok(plain > numRuns / 40, `only ${plain} of ${numRuns} were read`);
    });
  }
});
