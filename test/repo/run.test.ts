import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { root } from './sources.ts';

/** A checkout in small: the finder, a lockfile, and what npm would have left behind. npm itself is a script that
 * writes down that it was called: the real one is what CI begins with. */
let folder: string;
const npm = () => join(folder, 'npm.cjs');

describe('scripts/run.cjs', () => {
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'run-'));
    mkdirSync(join(folder, 'scripts'));
    mkdirSync(join(folder, 'node_modules'));
    cpSync(join(root, 'scripts', 'run.cjs'), join(folder, 'scripts', 'run.cjs'));
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
    writeFileSync(
      npm(),
      `const fs = require('node:fs');
     fs.appendFileSync(${JSON.stringify(join(folder, 'npm.log'))}, process.argv.slice(2).join(' ') + '\\n');
     fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json');`,
    );
    writeFileSync(
      join(folder, 'ok.ts'),
      'const words: string[] = process.argv.slice(2); console.log(words.join(","));',
    );
    writeFileSync(join(folder, 'seven.ts'), 'process.exit(7)');
    writeFileSync(join(folder, 'wait.ts'), 'console.log("up"); setInterval(() => {}, 1000)');
  });
  after(() => rmSync(folder, { recursive: true }));

  function lock(packages: object): string {
    return JSON.stringify({ packages });
  }

  function write(wanted: object, installed: object | undefined): void {
    writeFileSync(join(folder, 'package-lock.json'), lock(wanted));
    const hidden = join(folder, 'node_modules', '.package-lock.json');
    rmSync(hidden, { force: true });
    if (installed !== undefined) writeFileSync(hidden, lock(installed));
    writeFileSync(join(folder, 'npm.log'), '');
  }

  function run(...args: string[]) {
    return spawnSync(process.execPath, [join(folder, 'scripts', 'run.cjs'), ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, npm_execpath: npm() },
    });
  }

  const npmCalls = () => readFileSync(join(folder, 'npm.log'), 'utf8');
  const one = { version: '1.0.0', integrity: 'sha512-a' };

  describe('dependencies are installed', () => {
    const file = () => join(folder, 'ok.ts');
    const cases: readonly (readonly [string, object, object | undefined, boolean])[] = [
      ['when there are none', { 'node_modules/a': one }, undefined, true],
      [
        'when one is of another version',
        { 'node_modules/a': one },
        { 'node_modules/a': { ...one, version: '2.0.0' } },
        true,
      ],
      [
        'when one has other contents',
        { 'node_modules/a': one },
        { 'node_modules/a': { ...one, integrity: 'b' } },
        true,
      ],
      [
        'not when they are as the lockfile says',
        { '': {}, 'node_modules/a': one },
        { 'node_modules/a': one },
        false,
      ],
      [
        'not for what is optional, such as other platforms',
        { 'node_modules/a': { ...one, optional: true } },
        {},
        false,
      ],
    ];
    for (const [name, wanted, installed, expected] of cases) {
      test(name, () => {
        write(wanted, installed);
        const done = run(file(), 'a', 'b');
        assert.deepEqual([done.status, done.stdout], [0, 'a,b\n'], done.stderr);
        assert.equal(npmCalls() !== '', expected);
        assert.equal(/Installing dependencies/.test(done.stderr), expected);
        if (expected) assert.match(npmCalls(), /^ci /);
      });
    }
  });

  describe('the script', () => {
    before(() => write({}, {}));

    test('gives its exit code', () => assert.equal(run(join(folder, 'seven.ts')).status, 7));

    test('gets the signals, and ends as it ended', async () => {
      const child = spawn(process.execPath, [join(folder, 'scripts', 'run.cjs'), join(folder, 'wait.ts')], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((resolve) => child.stdout.once('data', resolve));
      const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
      child.kill('SIGTERM');
      assert.equal(await ended, 'SIGTERM');
    });

    test('is asked for', () => assert.equal(run().status, 69));
  });

  test('the finder is plain enough for an old Node', () => {
    const text = readFileSync(join(root, 'scripts', 'run.cjs'), 'utf8');
    const builtins = [...text.matchAll(/require\('([^']+)'\)/g)].map(([, name]) => name);
    assert.ok(
      builtins.every((name) => name!.startsWith('node:')),
      builtins.join(),
    );
    assert.doesNotMatch(text, /\bawait using\b|\bPromise\.withResolvers\b|\.toSorted\(|import\.meta/);
  });
});
