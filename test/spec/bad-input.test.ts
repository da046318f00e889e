import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AgentError } from '../../src/base/errors.ts';
import { parseSpecs } from '../../src/spec/parse.ts';
import { readNow } from './read-now.ts';
import { catalog, lines, names, parse, secretOf, survivors } from './samples.ts';

/** Each bad document stands before the good ones, in the same file, and they survive it. */
const cases: readonly (readonly [string, string, string])[] = [
  [
    'unknown kind',
    'apiVersion: external-secrets.io/v1\nkind: ExternalSecrt\nmetadata: {name: x}\n',
    'specs.yaml:2:1: ExternalSecrt/x: kind: SpecInvalid: unknown kind "ExternalSecrt"; did you mean "ExternalSecret"? ' +
      '(known here: ExternalSecret, SecretStore, ClusterSecretStore, SecretProviderClass, Secret, ConfigMap, generators)',
  ],
  [
    'wrong apiVersion',
    'apiVersion: external-secrets.io/v1alpha1\nkind: ExternalSecret\nmetadata: {name: x}\n',
    'specs.yaml:1:1: ExternalSecret/x: apiVersion: SpecInvalid: unknown apiVersion "external-secrets.io/v1alpha1" of ' +
      'ExternalSecret (use external-secrets.io/v1 or external-secrets.io/v1beta1)',
  ],
  [
    'missing store',
    secretOf('x').replace('name: fake', 'name: fakes'),
    'specs.yaml:7:5: ExternalSecret/x: spec.secretStoreRef.name: SpecInvalid: there is no SecretStore/fakes; did you mean "fake"?',
  ],
  [
    'bad duration',
    secretOf('x').replace('spec:', 'spec:\n  refreshInterval: 1d'),
    'specs.yaml:6:3: ExternalSecret/x: spec.refreshInterval: SpecInvalid: the duration "1d" has the unknown unit "d" ' +
      '(write a Go duration: numbers with the units h, m, s, ms, us, ns, such as 90s or 1h30m)',
  ],
  [
    'duplicate key of the YAML',
    secretOf('x').replace('spec:', 'spec:\n  data: []'),
    'specs.yaml:9:3: SpecInvalid: the key "data" is given twice',
  ],
  [
    'key with a slash',
    secretOf('x').replace('password', 'a/b'),
    'specs.yaml:9:7: ExternalSecret/x: spec.data[0].secretKey: SpecInvalid: "a/b" is not allowed ' +
      '(use letters, digits, -, _ and ., up to 253 of them)',
  ],
  [
    'key ..',
    secretOf('x').replace('password', '..'),
    'specs.yaml:9:7: ExternalSecret/x: spec.data[0].secretKey: SpecInvalid: ".." cannot be a key ' +
      '(choose a name that does not start with ..)',
  ],
  [
    'YAML bomb',
    `kind: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
      .split('')
      .map((name, i, all) => `${name}: &${name} [${Array(9).fill(`*${all[i - 1] ?? 'a'}`)}]`)
      .join('\n')}\n`,
    'specs.yaml:1: SpecInvalid: YAML aliases expand to too much (use at most 100 aliases in a document)',
  ],
  [
    'alias that holds itself',
    'a: &a [*a]\n',
    'specs.yaml:1: SpecInvalid: the document has more than 100000 values (split it into several documents)',
  ],
  [
    'alias of nothing',
    'a: *b\n',
    'specs.yaml:1: SpecInvalid: not valid YAML: an alias refers to an anchor that is not there',
  ],
  ['nesting without end', `a: ${'['.repeat(100_000)}\n`, ''],
  [
    'unclosed quote',
    'a: "b\nc: d\n',
    'specs.yaml:3:1: SpecInvalid: not valid YAML: a closing quote or bracket, a comma, a colon or a space is missing, or a line starts too far left or right',
  ],
  [
    'unknown tag',
    'a: !!binary aGk=\n',
    'specs.yaml:1:4: SpecInvalid: not valid YAML: a tag such as !name is not known here',
  ],
  ['infinity', 'a: .inf\n', 'specs.yaml:1: SpecInvalid: the document holds a number that is not finite'],
  [
    'a chart that was not rendered',
    'name: {{ .Values.name }}\n',
    'specs.yaml:1:8: SpecInvalid: a key must be a name; put {{ … }} in quotes, and render a chart first',
  ],
  ['a key that is a list', '{[a]: 1}\n', 'specs.yaml:1:2: SpecInvalid: a key must be a name'],
  [
    'a bare text',
    'hello\n',
    'specs.yaml:1:1: SpecInvalid: the document is not an object (start it with apiVersion and kind)',
  ],
  ['no kind', 'a: b\n', 'specs.yaml:1:1: kind: SpecInvalid: kind is required'],
  [
    'no name',
    'apiVersion: v1\nkind: Secret\nmetadata: {}\n',
    'specs.yaml:3:1: Secret: metadata: SpecInvalid: name is required',
  ],
  [
    'no metadata',
    'apiVersion: v1\nkind: Secret\n',
    'specs.yaml:1:1: Secret: SpecInvalid: metadata is required',
  ],
  [
    'a kind for an operator',
    'apiVersion: external-secrets.io/v1alpha1\nkind: PushSecret\nmetadata: {name: x}\n',
    'specs.yaml:2:1: PushSecret/x: kind: SpecInvalid: the kind PushSecret is not for an agent: it writes to stores, and this agent only reads them',
  ],
];

for (const [name, text, message] of cases) {
  test(`${name}: refused with its place, and the others survive`, () => {
    const set = parse(`${text}---\n${survivors}`);
    if (message !== '') assert.deepEqual(lines(set.problems), [message]);
    assert.equal(set.problems.length, 1);
    assert.deepEqual(names(set), ['one', 'two']);
  });
}

test('an unknown field is a warning, and the ExternalSecret is read', () => {
  const set = parse(`${secretOf('x').replace('spec:', 'spec:\n  refreshIntervl: 1h')}---\n${survivors}`);
  assert.deepEqual(lines(set.problems), []);
  assert.deepEqual(lines(set.warnings), [
    'specs.yaml:6:3: ExternalSecret/x: spec.refreshIntervl: SpecInvalid: unknown field "refreshIntervl"; did you mean ' +
      '"refreshInterval"? (known here: data, dataFrom, refreshInterval, refreshPolicy, secretStoreRef, syncWindows, target)',
  ]);
  assert.deepEqual(names(set), ['x', 'one', 'two']);
});

test('binary garbage is no text', () => {
  const files = readNow([
    { path: 'a.yaml', text: 'a: \u0000\u0001' },
    { path: 'b.yaml', text: survivors },
  ]);
  const set = parseSpecs(files, { catalog });
  assert.deepEqual(lines(set.problems), [
    'a.yaml:1:4: SpecInvalid: the file is not text (keep only YAML or JSON files among the specs)',
  ]);
  assert.deepEqual(names(set), ['one', 'two']);
});

test('what is read of a Secret never shows in a message', () => {
  const marker = 'c4n4ry';
  const bad = [
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: "${marker}!"}\n`,
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: [${marker}]}\n`,
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: "${marker}\n`,
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: !x ${marker}}\n`,
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: ${marker}\n`,
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: *${marker}}\n`,
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  a: ${marker}: ${marker}\n`,
  ];
  for (const text of bad) {
    const set = parse(text);
    assert.equal(set.problems.length, 1, text);
    assert.doesNotMatch(lines(set.problems).join(), new RegExp(marker));
  }
});

test('one file with 60,000 keys is read in a time that grows with its length only', () => {
  const text = Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join('\n');
  const before = performance.now();
  assert.equal(parse(text).problems.length, 1);
  // The yaml library's own check of uniqueness takes most of a minute here.
  assert.ok(performance.now() - before < 15_000);
});

test('more documents than the limit are a problem', () => {
  const set = parse('---\na: 1\n'.repeat(5_001));
  assert.deepEqual(lines(set.problems), [
    'specs.yaml: SpecInvalid: there are more than 5000 documents (keep only the specs of this pod here)',
  ]);
});

test('any text gives a SpecSet whose problems are our errors', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom(
      'apiVersion: external-secrets.io/v1\n',
      'kind: ExternalSecret\n',
      'metadata: {name: x}\n',
      '---\n',
    ),
    fc.constantFrom(
      'spec:\n',
      '  data: [',
      '- ',
      '{',
      '}',
      ']',
      '&a ',
      '*a',
      '<<: ',
      '!!str ',
      '"',
      "'",
      '|\n',
      '? ',
      ': ',
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
      const set = parse(pieces.join(''));
      assert.ok(
        set.problems.every((problem) => problem instanceof AgentError && problem.code === 'SpecInvalid'),
      );
      assert.match(set.hash, /^[0-9a-f]{64}$/);
    }),
    { seed: 4, numRuns: 3_000 },
  );
});

test('any value where a spec is expected gives problems, never an exception', () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  const member = fc.constantFrom(
    'data',
    'dataFrom',
    'target',
    'secretStoreRef',
    'syncWindows',
    'refreshInterval',
    'provider',
  );
  const kind = fc.constantFrom(
    'ExternalSecret',
    'SecretStore',
    'ClusterSecretStore',
    'Secret',
    'ConfigMap',
    'SecretProviderClass',
  );
  fc.assert(
    fc.property(kind, fc.dictionary(member, value), fc.dictionary(fc.string(), value), (kind, spec, rest) => {
      const version = kind === 'Secret' || kind === 'ConfigMap' ? 'v1' : 'external-secrets.io/v1beta1';
      const document = { ...rest, apiVersion: version, kind, metadata: { name: 'x', ...rest }, spec };
      const set = parse(JSON.stringify(document));
      assert.ok(set.problems.every((problem) => problem instanceof AgentError));
    }),
    { seed: 5, numRuns: 3_000 },
  );
});
