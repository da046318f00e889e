import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSpecs } from '../../src/spec/parse.ts';
import { generators } from '../../src/spec/schema/generators.ts';
import { shapeOf } from '../../src/spec/schema/notation.ts';
import { providers } from '../../src/spec/schema/providers.ts';
import { shared } from '../../src/spec/schema/shared.ts';
import { readNow } from './read-now.ts';
import { catalog, fakeStore, lines, names, parse, secretOf } from './samples.ts';

const shareTarget = (name: string) => `${secretOf(name)}  target: {name: shared}\n`;
const colliding = [fakeStore, shareTarget('one'), shareTarget('two'), secretOf('three')].join('---\n');

test('two of one target are both refused when neither runs', () => {
  const set = parse(colliding);
  assert.deepEqual(names(set), ['three']);
  assert.deepEqual(lines(set.problems), [
    'specs.yaml:23:12: ExternalSecret/one: spec.target.name: SpecInvalid: the target "shared" belongs to ExternalSecret two too ' +
      '(give each ExternalSecret a target.name of its own)',
    'specs.yaml:36:12: ExternalSecret/two: spec.target.name: SpecInvalid: the target "shared" belongs to ExternalSecret one too ' +
      '(give each ExternalSecret a target.name of its own)',
  ]);
});

test('the one that runs keeps the target', () => {
  const set = parse(colliding, { running: new Map([['shared', 'two']]) });
  assert.deepEqual(names(set), ['two', 'three']);
  assert.deepEqual(
    set.problems.map(({ at }) => at.object),
    ['ExternalSecret/one'],
  );
});

test('the one that runs keeps the target while its document is broken', () => {
  const broken = colliding.replace('- secretKey: password', '- secretKey: "a/b"');
  const set = parse(broken, { running: new Map([['shared', 'one']]) });
  assert.deepEqual(names(set), ['three']);
  assert.deepEqual(
    set.problems.map(({ at }) => at.object),
    ['ExternalSecret/one', 'ExternalSecret/two'],
  );
});

test('a renamed ExternalSecret takes over its own target', () => {
  const set = parse(`${fakeStore}---\n${shareTarget('new')}`, { running: new Map([['shared', 'old']]) });
  assert.deepEqual(names(set), ['new']);
});

test('two that run may swap their targets', () => {
  const swapped = [
    fakeStore,
    `${secretOf('one')}  target: {name: b}\n`,
    `${secretOf('two')}  target: {name: a}\n`,
  ];
  const running = new Map([
    ['a', 'one'],
    ['b', 'two'],
  ]);
  const set = parse(swapped.join('---\n'), { running });
  assert.deepEqual(lines(set.problems), []);
  assert.deepEqual(names(set), ['one', 'two']);
});

test('a target that its owner leaves in the same edit is free', () => {
  const moved = [
    fakeStore,
    `${secretOf('one')}  target: {name: c}\n`,
    `${secretOf('two')}  target: {name: a}\n`,
  ];
  const set = parse(moved.join('---\n'), { running: new Map([['a', 'one']]) });
  assert.deepEqual(names(set), ['one', 'two']);
});

test('a target named after another ExternalSecret collides with it', () => {
  const set = parse(`${fakeStore}---\n${secretOf('one')}---\n${secretOf('two')}  target: {name: one}\n`);
  assert.deepEqual(names(set), []);
  assert.equal(set.problems[0]?.at.field, 'metadata.name');
});

test('the later of two documents of one name is refused', () => {
  const set = parse([fakeStore, secretOf('one'), secretOf('one').replace('password', 'other')].join('---\n'));
  assert.equal(set.externalSecrets[0]?.data[0]?.secretKey, 'password');
  assert.deepEqual(lines(set.problems), [
    'specs.yaml:27:3: ExternalSecret/one: metadata.name: SpecInvalid: ExternalSecret/one is at specs.yaml:12 already (remove or rename one)',
  ]);
});

test("a namespace other than the pod's is refused, its own is not", () => {
  const inNamespace = (name: string, namespace: string) =>
    secretOf(name).replace('metadata:', `metadata:\n  namespace: ${namespace}`);
  const set = parse(
    [fakeStore, inNamespace('one', 'app'), inNamespace('two', 'other'), secretOf('three')].join('---\n'),
  );
  assert.deepEqual(names(set), ['one', 'three']);
  assert.deepEqual(
    set.externalSecrets.map(({ namespace }) => namespace),
    ['app', 'app'],
  );
  assert.deepEqual(lines(set.problems), [
    'specs.yaml:28:3: ExternalSecret/two: metadata.namespace: SpecInvalid: the namespace "other" is not the pod\'s own ("app") (leave the namespace out)',
  ]);
});

test('on a laptop any one namespace will do, and no second one', () => {
  const inNamespace = (name: string, namespace: string) =>
    secretOf(name).replace('metadata:', `metadata:\n  namespace: ${namespace}`);
  const text = [fakeStore, inNamespace('one', 'x'), inNamespace('two', 'z'), secretOf('three')].join('---\n');
  const set = parse(text, { namespace: undefined });
  assert.deepEqual(
    set.externalSecrets.map(({ name, namespace }) => [name, namespace]),
    [
      ['one', 'x'],
      ['three', undefined],
    ],
  );
  assert.match(lines(set.problems).join(), /"z" is not that of the other documents \("x"\)/);
});

test('a List is unpacked, and its items keep their places', () => {
  const set = parse(`apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Secret
    metadata: {name: s, creationTimestamp: null}
    data: {a: "%"}
  - apiVersion: v1
    kind: Secret
    metadata: {name: t}
    stringData: {a: b}
`);
  assert.deepEqual([...set.secrets.keys()], ['t']);
  assert.deepEqual(lines(set.problems), [
    'specs.yaml:7:12: Secret/s: items[0].data.a: SpecInvalid: is not valid base64',
  ]);
});

test('Secrets and ConfigMaps become bytes', () => {
  const set = parse(`apiVersion: v1
kind: Secret
metadata: {name: s}
type: Opaque
data: {bin: /wA=, both: YQ==, none: null}
stringData: {both: b, text: "é"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {a: b}
binaryData: {c: /w==}
`);
  const shown = (map: ReadonlyMap<string, { reveal(): Buffer }> | undefined) =>
    Object.fromEntries([...(map ?? [])].map(([key, value]) => [key, value.reveal().toString('hex')]));
  assert.deepEqual(shown(set.secrets.get('s')), { bin: 'ff00', both: '62', none: '', text: 'c3a9' });
  assert.deepEqual(shown(set.configMaps.get('c')), { a: '62', c: 'ff' });
});

const contents: readonly (readonly [string, string])[] = [
  ['kind: Secret\ndata: {a: YQ}', 'data.a: is not valid base64'],
  ['kind: Secret\ndata: {a/b: YQ==}', 'data["a/b"]: "a/b" is not allowed'],
  ['kind: Secret\nstringData: {..x: a}', 'stringData["..x"]: "..x" cannot be a key'],
  ['kind: Secret\nstringData: {a: 1}', 'stringData.a: must be a string, but is a number'],
  ['kind: ConfigMap\ndata: {a: b}\nbinaryData: {a: YQ==}', 'binaryData.a: "a" is a key of data already'],
  ['kind: ConfigMap\ndata: [a]', 'data: must be an object, but is a list'],
];

for (const [text, expected] of contents) {
  test(`refused: ${expected}`, () => {
    const set = parse(`apiVersion: v1\nmetadata: {name: x}\n${text}\n`);
    assert.deepEqual(
      set.problems.map(({ at, message }) => `${at.field}: ${message}`),
      [expected],
    );
  });
}

test('generators are checked', () => {
  const generator = (kind: string, spec: string) =>
    `apiVersion: generators.external-secrets.io/v1alpha1\nkind: ${kind}\nmetadata: {name: g}\n${spec}\n`;
  const problems = (text: string) => parse(text).problems.map(({ at, message }) => `${at.field}: ${message}`);
  assert.deepEqual(problems(generator('Password', 'spec: {length: 12}')), []);
  assert.deepEqual(problems(generator('UUID', '')), []);
  assert.deepEqual(problems(generator('Password', 'spec: {encoding: b64}')), [
    'spec.encoding: unknown value "b64"',
  ]);
  assert.deepEqual(problems(generator('SSHKey', 'spec: {keySize: 100}')), [
    'spec.keySize: must be at least 256',
  ]);
  assert.deepEqual(
    problems(
      generator(
        'GitlabDeployToken',
        'spec: {auth: {token: {secretRef: {}}}, name: a, scopes: [read_registry]}',
      ),
    ),
    ['spec: must have exactly one of projectID, groupID'],
  );
  assert.deepEqual(
    problems(generator('ClusterGenerator', 'spec: {kind: Password, generator: {passwordSpec: {length: x}}}')),
    ['spec.generator.passwordSpec.length: must be an integer, but is a string'],
  );
  assert.deepEqual(
    problems(generator('ClusterGenerator', 'spec: {kind: UUID, generator: {uuidSpec: {}}}')),
    [],
  );
  assert.deepEqual(
    problems(generator('ClusterGenerator', 'spec: {kind: SSHKey, generator: {sshKeySpec: {}}}')),
    [],
  );
});

test('the hash of a set follows its content, not its files and their order', () => {
  const hash = (files: { path: string; text: string }[]) => parseSpecs(readNow(files), { catalog }).hash;
  const [a, b] = [secretOf('one'), fakeStore];
  const together = hash([{ path: 'x', text: `${a}---\n${b}` }]);
  assert.equal(
    hash([
      { path: 'y', text: b },
      { path: 'z', text: `# Why.\n---\n${a}` },
    ]),
    together,
  );
  assert.notEqual(hash([{ path: 'x', text: b }]), together);
  assert.notEqual(
    hash([{ path: 'x', text: `${a}---\n${b}---\n"` }]),
    hash([{ path: 'x', text: `${a}---\n${b}---\n'` }]),
  );
});

test('nothing at all is an empty set', () => {
  for (const text of ['', '# Only a comment.\n', '---\n---\n', '\ufeff\n']) {
    const set = parse(text);
    assert.deepEqual([set.externalSecrets.length, set.problems.length], [0, 0]);
  }
});

test('the notation of every provider and generator can be read', () => {
  for (const notation of [...Object.values(providers), ...Object.values(generators)]) {
    assert.match(shapeOf(notation, shared).kind, /object/);
  }
});

test('all schemas together stay small', () => {
  const size = JSON.stringify([providers, generators, shared]).length;
  assert.ok(size < 20_000, `${size} bytes`);
});
