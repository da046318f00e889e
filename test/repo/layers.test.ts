import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import { commands } from '../../src/spec/contract.ts';
import { code, type Import, importsOf, read, sourceFiles } from './sources.ts';

/** Imports go down. A room may import rooms of a lower level, and itself. */
const levels: Readonly<Record<string, number>> = {
  'src/base': 0,
  'src/spec': 1,
  'src/template': 1,
  'src/plan': 2,
  // Of the third level these two are the ones that its others stand on.
  'src/identity': 2.5,
  'src/kube': 2.5,
  'src/providers': 3,
  'src/generators': 3,
  'src/sinks': 3,
  'src/loop': 4,
  'src/notify': 4,
  'src/observe': 4,
  'src/inject': 4,
  agent: 5,
};

const files = sourceFiles('src', 'agent');
const imports = files.flatMap(importsOf);
const ours = imports.filter(({ to }) => to.endsWith('.ts'));

function roomOf(path: string): string {
  const [top, room] = path.split('/');
  return top === 'agent' ? 'agent' : `${top}/${room}`;
}

test('every room has a level', () => {
  assert.deepEqual(
    [...new Set(files.map(roomOf))].filter((room) => levels[room] === undefined),
    [],
  );
});

test('imports go down the levels; of a room on the same level only types are taken', () => {
  const wrong = ours.filter(({ from, to, typeOnly }) => {
    const [above, below] = [roomOf(from), roomOf(to)];
    if (above === below) return false;
    return typeOnly ? levels[above]! < levels[below]! : levels[above]! <= levels[below]!;
  });
  assert.deepEqual(wrong.map(shown), []);
});

test('every import of ours exists', () => {
  const known = new Set(files);
  assert.deepEqual(ours.filter(({ to }) => !known.has(to)).map(shown), []);
});

test('nothing is imported in a circle', () => {
  assert.deepEqual(circles(ours.filter(({ typeOnly }) => !typeOnly)), []);
});

test('one provider does not know another', () => {
  const types = providerTypes();
  const wrong = ours.filter(({ from, to }) => {
    const [a, b] = [types.get(from), types.get(to)];
    return a !== undefined && b !== undefined && a !== b;
  });
  assert.deepEqual(wrong.map(shown), []);
});

/** Which store type a file in src/providers belongs to: `vault-auth.ts` to vault when there is a `vault.ts`. */
function providerTypes(): ReadonlyMap<string, string> {
  const catalog = importsOf('src/providers/catalog.ts').filter(({ to }) => roomOf(to) === 'src/providers');
  const names = catalog.map(({ to }) => basename(to, '.ts')).filter((name) => name !== 'provider');
  const owned = files.flatMap((path) => {
    if (roomOf(path) !== 'src/providers') return [];
    const rest = path.slice('src/providers/'.length).replace(/\.ts$/, '');
    const name = names.find(
      (candidate) =>
        rest === candidate || (/^[/-]/.test(rest.slice(candidate.length)) && rest.startsWith(candidate)),
    );
    return name === undefined ? [] : [[path, name] as const];
  });
  return new Map(owned);
}

describe('only agent/ touches the process', () => {
  const forbidden = /\bprocess\.(?:env|argv|exit|exitCode|on|once|kill|stdout|stderr|stdin)\b/;
  for (const path of files.filter((file) => roomOf(file) !== 'agent')) {
    // A signal to the app is what notify/ is for.
    const pattern =
      roomOf(path) === 'src/notify' ? /\bprocess\.(?:env|argv|exit|exitCode|on|once)\b/ : forbidden;
    const line = code(read(path))
      .split('\n')
      .find((text) => pattern.test(text));
    if (line !== undefined) test(path, () => assert.fail(line.trim()));
  }
});

test('what is heavy is loaded when it is used', () => {
  const heavy =
    /^(?:@aws-sdk\/|@smithy\/|node-vault$|undici$|re2js$|node-forge$|chokidar$|node:https$|node:http2$)/;
  const roots = commands.map((command) => `agent/${command}.ts`);
  const eager = reachable(['agent/main.ts', 'agent/cli.ts', ...roots]);
  const wrong = imports.filter(({ from, to, typeOnly, dynamic }) => {
    return heavy.test(to) && !typeOnly && !dynamic && eager.has(from);
  });
  assert.deepEqual(wrong.map(shown), []);
});

/** Files that load when the roots do. */
function reachable(roots: readonly string[]): ReadonlySet<string> {
  const next = Map.groupBy(
    ours.filter(({ typeOnly, dynamic }) => !typeOnly && !dynamic),
    ({ from }) => from,
  );
  const found = new Set(roots);
  for (const path of found) for (const { to } of next.get(path) ?? []) found.add(to);
  return found;
}

test('no name says nothing', () => {
  const empty =
    /(?:^|[^a-z])(?:util|utils|helper|helpers|common|manager|handler|processor|misc)(?:[^a-z]|$)/i;
  const wrong = [...sourceFiles('src', 'agent', 'scripts', 'test')].filter((path) =>
    // AWS calls its product so.
    path.split('/').some((part) => empty.test(part.replace(/\.ts$/, '').replace('secrets-manager', ''))),
  );
  assert.deepEqual(wrong, []);
});

// The compiler and the linter refuse enums, namespaces, any and default exports.
describe('what the linter does not see', () => {
  const rules: readonly (readonly [string, RegExp])[] = [
    ['an unfinished note', /\b(?:TODO|FIXME|HACK|XXX)\b/],
    ['a barrel', /^export \* from/m],
  ];
  for (const [name, pattern] of rules) {
    test(name, () =>
      assert.deepEqual(
        files.filter((path) => pattern.test(read(path))),
        [],
      ),
    );
  }
});

function circles(edges: readonly Import[]): string[] {
  const next = Map.groupBy(edges, ({ from }) => from);
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path].join(' > '));
    if (done.has(path) || trail.includes(path)) return;
    for (const { to } of next.get(path) ?? []) visit(to, [...trail, path]);
    done.add(path);
  };
  for (const path of next.keys()) visit(path, []);
  return found;
}

function shown({ from, to }: Import): string {
  return `${from} imports ${to}`;
}
