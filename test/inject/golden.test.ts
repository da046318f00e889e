import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { type Loose, patchOf } from './pods.ts';

const folder = join(import.meta.dirname, 'golden');

/**
 * Each folder has a pod and the operations that the webhook makes of it, written down so that a change of what pods
 * are given is seen in review. `node test/inject/golden-write.ts` writes them anew.
 */
describe('golden', () => {
  for (const name of readdirSync(folder)) {
    const read = (file: string): Loose => parse(readFileSync(join(folder, name, file), 'utf8'));
    test(name, () => assert.deepEqual(patchOf(read('pod.yaml')).operations, read('patch.yaml')));
  }
});
