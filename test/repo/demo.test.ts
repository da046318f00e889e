import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { until } from '../peers/process.ts';
import { root } from './sources.ts';

/** util-linux's, which gives a command a terminal. */
function scriptMissing(): string | false {
  const { stdout } = spawnSync('script', ['--version'], { encoding: 'utf8' });
  return /util-linux/.test(stdout ?? '') ? false : 'no script of util-linux here';
}

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

test('on a terminal the demo stays, shows what is edited, and ends with Ctrl-C', {
  skip: scriptMissing(),
}, async (t) => {
  // A shell between them would hear the key as well, and some then end by it.
  const child = spawn('script', ['-qefc', `exec ${process.execPath} scripts/demo.ts`, '/dev/null'], {
    cwd: root,
  });
  t.after(() => child.kill());
  let shown = '';
  child.stdout.on('data', (chunk: Buffer) => {
    shown += stripVTControlCharacters(chunk.toString());
  });
  await until(() => /Still running\. Edit \S+ and watch\. Ctrl-C ends\./.test(shown), 60_000);
  const store = /Edit (\S+) and watch/.exec(shown)?.[1] ?? '';
  writeFileSync(store, readFileSync(store, 'utf8').replace('second-password', 'third-password'));
  await until(() => /the app sees new values of .*: postgres:\/\/app:third-password@/.test(shown), 20_000);
  // As the terminal's own key: the whole foreground group hears it.
  child.stdin.write('\u0003');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  assert.equal(existsSync(dirname(store)), false, 'nothing of it stays');
});
