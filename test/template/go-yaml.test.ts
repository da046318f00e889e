import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { limits } from '../../src/base/limits.ts';
import { readFlatYaml, readYaml } from '../../src/template/go-yaml.ts';
import { YamlFault } from '../../src/template/yaml-fault.ts';
import type { Family, Outcome } from './corpus.ts';

const golden = join(import.meta.dirname, '..', 'golden', 'template');

function read<T>(...path: string[]): T {
  return JSON.parse(readFileSync(join(golden, ...path), 'utf8')) as T;
}

/** Keys in the order of their bytes, as Go writes a map. */
function written(map: ReadonlyMap<string, string>): string {
  const sorted = [...map].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${sorted.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
}

test('flat YAML gives what sigs.k8s.io/yaml gives', () => {
  const { cases } = read<Family>('cases', 'flat-yaml.json');
  const expected = read<Record<string, Outcome>>('expected', 'flat-yaml.json');
  for (const { name, template } of cases) {
    const { output } = expected[name]!;
    if (output === undefined) {
      assert.throws(() => readFlatYaml(template), YamlFault, JSON.stringify(template));
      continue;
    }
    // Both sides through one writer: Go escapes more than JSON must.
    const wanted = written(new Map(Object.entries(JSON.parse(output) as Record<string, string>)));
    assert.equal(written(readFlatYaml(template)), wanted, JSON.stringify(template));
  }
});

test('a fault has its line and quotes nothing', () => {
  assert.throws(
    () => readFlatYaml('a: 1\nb: [C4N4RY'),
    (thrown: unknown) =>
      thrown instanceof YamlFault && thrown.line === 2 && !thrown.message.includes('C4N4RY'),
  );
  assert.throws(() => readFlatYaml('a: 1\nb: {c: C4N4RY}'), /a map or a list where only text can be/);
});

test('aliases cannot explode', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 10; i++) lines.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}*a${i - 1}]`);
  assert.throws(() => readYaml(lines.join('\n')), /too many nodes/);
  assert.throws(() => readYaml('a: &a [*a]'), YamlFault);
});

test('deep nesting is a fault', () => {
  assert.throws(() => readYaml(`a: ${'['.repeat(300)}${']'.repeat(300)}`), YamlFault);
  assert.throws(() => readYaml('['.repeat(100_000)), YamlFault);
});

test('a quoted text of many lines in the first column is mended at once', () => {
  const lines = Array.from({ length: 2_000 }, (_, i) => `line ${i}`).join('\n');
  assert.equal(readFlatYaml(`k: "${lines}"\nl: 'x\ny'\n`).get('l'), 'x y');
});

test('a large text is not read again and again for what is odd', () => {
  const odd = 'a: [b,\nc]\n';
  assert.deepEqual(readYaml(odd), new Map([['a', ['b', 'c']]]));
  assert.throws(() => readYaml(odd + '# x\n'.repeat(100_000)), YamlFault);
});

test('what is read is bounded in size, and so is the time for what is odd', () => {
  assert.throws(() => readYaml(`a: ${'x'.repeat(limits.templateYamlBytes)}`), /more than 1048576 bytes/);
  assert.throws(() => readYaml(`${'\n'.repeat(100_000)}%x`), YamlFault);
  assert.equal(readYaml(`${' \n#\n'.repeat(100_000)}x`), 'x');
});
