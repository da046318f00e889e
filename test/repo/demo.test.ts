import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { root } from './sources.ts';

test('the demo delivers, rotates and ends by itself where nobody watches', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/demo.ts'], {
    cwd: root,
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(status, 0, stdout + stderr);
  assert.equal(stderr, '');
  const expected = [
    /api-key +k-1f9a +→ \.\.data\/api-key/,
    /the app started with .*: postgres:\/\/app:first-password@db\.example\.com:5432\/app/,
    /store\.yaml: first-password → second-password/,
    /the app sees new values of database-url, password: postgres:\/\/app:second-password@/,
    /\.\.data went from \S+ to \S+/,
    /^ +app +synced /m,
    /metrics: http:\/\/127\.0\.0\.1:\d+\/metrics/,
  ];
  for (const pattern of expected) assert.match(stdout, pattern);
});
