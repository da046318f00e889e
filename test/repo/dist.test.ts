import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { bundle, dist } from '../../scripts/bundle.ts';
import { runtimeFlags } from '../../scripts/measure.ts';
import { root } from './sources.ts';

/** What a restricted pod gives the agent, made with a mount namespace: every file system read-only, one tmpfs to
 * write to, a user id that nobody knows, no privileges to gain. */
const script = `
set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=0777 tmpfs "$FOLDER/volume"
touch "$FOLDER/volume/node" && mount --bind "$NODE" "$FOLDER/volume/node"
cp -r "$FOLDER/app" "$FOLDER/volume/app" && chmod -R a+rX "$FOLDER/volume/app"
mount -o remount,bind,ro /
if touch /written-by-test 2>/dev/null; then echo 'the root is writable' >&2; exit 99; fi
cd "$FOLDER/volume"
exec setpriv --reuid="$UID_WANTED" --regid="$UID_WANTED" --clear-groups --no-new-privs sh -eu -c '
  umask 022
  ./node ${runtimeFlags.join(' ')} app/main.cjs run --once --specs app/specs --output once
  ./node ${runtimeFlags.join(' ')} app/main.cjs run --specs app/specs --output out --state state --listen off &
  tries=0
  until ./node app/probe.cjs startup --state state; do
    tries=$((tries + 1)); [ $tries -lt 100 ]; sleep 0.1
  done
  ./node app/main.cjs status --state state
  kill -TERM $!
  wait $!
  echo "ended with $?"
  id -u
  cat once/app/database-url; echo
  cat out/app/database-url; echo
'
`;

function cannot(): string | false {
  if (process.getuid?.() !== 0) return 'making a read-only root needs root';
  const tried = spawnSync('unshare', ['--mount', 'setpriv', '--version']);
  return tried.status === 0 ? false : 'unshare or setpriv cannot be used here';
}

describe('dist/ in a restricted pod', () => {
  before(() => bundle());

  test('dist/ runs as a random uid with a read-only root', { skip: cannot() }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'dist-'));
    chmodSync(folder, 0o755);
    try {
      cpSync(dist, join(folder, 'app'), { recursive: true });
      cpSync(join(root, 'manifests', 'examples', 'quickstart'), join(folder, 'app', 'specs'), {
        recursive: true,
      });
      mkdirSync(join(folder, 'volume'));
      const uid = String(100_000 + (process.pid % 50_000));
      const done = spawnSync('unshare', ['--mount', 'sh', '-c', script], {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], FOLDER: folder, NODE: process.execPath, UID_WANTED: uid },
        timeout: 60_000,
      });
      const said = `${done.stdout}\n${done.stderr}`;
      assert.equal(done.status, 0, said);
      assert.match(done.stdout, new RegExp(`ended with 0\n${uid}\n`), said);
      const url = 'postgres://app:first-password@db.example.com:5432/app';
      assert.equal(done.stdout.split('\n').filter((line) => line === url).length, 2, said);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
