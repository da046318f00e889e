import assert from 'node:assert/strict';
import type { SpecDocument } from '../../src/spec/document.ts';
import type { Path } from '../../src/spec/path.ts';
import { readPlainYaml } from '../../src/spec/plain-yaml/reader.ts';
import { readYaml } from '../../src/spec/yaml.ts';

/** Whether the plain reader takes the text; if so, the library must give just the same. */
export function isPlain(text: string): boolean {
  const file = { path: 'f.yaml', text };
  const plain = readPlainYaml(file);
  if (plain === undefined) return false;
  const { documents, problems } = readYaml(file);
  assert.deepEqual(problems, [], text);
  assert.equal(plain.length, documents.length, text);
  plain.forEach((document, i) => {
    assertSame(document, documents[i]!, text);
  });
  return true;
}

function assertSame(plain: SpecDocument, other: SpecDocument, text: string): void {
  // As text too: in it members have an order.
  assert.equal(JSON.stringify(plain.value), JSON.stringify(other.value), text);
  assert.deepStrictEqual(plain.value, other.value, text);
  for (const path of pathsIn(plain.value)) {
    assert.deepEqual(plain.at(path), other.at(path), text);
    assert.deepEqual(plain.textAt(path), other.textAt(path), text);
  }
}

/** Every path of the value, and beside each some that lead nowhere. */
function pathsIn(value: unknown, path: Path = []): Path[] {
  const missing = ['missing', 99, '0', '', -1, 0.5].map((part) => [...path, part]);
  if (typeof value !== 'object' || value === null) return [path, ...missing];
  const parts = Array.isArray(value) ? value.keys() : Object.keys(value);
  const inner = [...parts].flatMap((part) =>
    pathsIn((value as Record<string | number, unknown>)[part], [...path, part]),
  );
  return [path, ...inner, ...missing, [...path, 'missing', 'member']];
}
