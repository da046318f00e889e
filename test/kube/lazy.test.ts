import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf } from '../repo/sources.ts';

/** Files that a file loads, and those that they load; without what it loads only when it needs it. */
function loadedWith(entry: string): ReadonlySet<string> {
  const loaded = new Set([entry]);
  for (const path of loaded) {
    for (const { to, typeOnly, dynamic } of importsOf(path)) {
      if (!typeOnly && !dynamic && to.endsWith('.ts')) loaded.add(to);
    }
  }
  return loaded;
}

test('an agent that needs no API server loads nothing of the client and of its sink', () => {
  const loaded = ['agent/main.ts', 'agent/run.ts', 'agent/compose.ts'].flatMap((entry) => [
    ...loadedWith(entry),
  ]);
  assert.ok(loaded.includes('src/loop/loop.ts'));
  assert.deepEqual(
    loaded.filter((path) => path.startsWith('src/kube/') || path.includes('kubernetes-secret')),
    [],
  );
});
