import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { bundle, dist } from '../../scripts/bundle.ts';
import {
  type Budget,
  loadedAtStart,
  measureBudget,
  readBudget,
  runtimeEnv,
  runtimeFlags,
} from '../../scripts/measure.ts';
import { root } from '../../scripts/steps.ts';
import { trackedFiles } from './sources.ts';

/** A build may grow by this much before someone has to look and run `npm run build -- --record`. */
const slack = { share: 0.01, bytes: 512 };

describe('dist/', () => {
  before(() => bundle());

  describe('the budget', () => {
    test('holds', async () => {
      const [budget, now] = [await readBudget(), await measureBudget()];
      const over = (Object.keys(budget) as (keyof Budget)[]).filter((name) => {
        const allowed = name.endsWith('Bytes')
          ? budget[name] + Math.max(slack.bytes, budget[name] * slack.share)
          : budget[name];
        return now[name] > allowed;
      });
      const words = over.map((name) => `${name} is ${now[name]}, the budget is ${budget[name]}`);
      assert.deepEqual(words, [], 'if the growth is worth it: npm run build -- --record');
    });

    test('is of this bundle, not of a larger one of the past', async () => {
      const [budget, now] = [await readBudget(), await measureBudget()];
      assert.ok(now.totalBytes > budget.totalBytes * 0.8, 'the bundle shrank: npm run build -- --record');
    });

    test('no SDK is loaded at start, no YAML library, and no TLS', async () => {
      const { builtins, files } = (await loadedAtStart()).settled;
      assert.deepEqual(
        files.filter((file) => /undici|vault|aws|secrets-manager|re2|forge|yaml/.test(file)),
        [],
      );
      assert.deepEqual(
        builtins.filter((name) => /^NativeModule (?:https|http2|tls)$/.test(name)),
        [],
      );
    });

    test('nothing that only the time after it needs is loaded before the first delivery', async () => {
      const { builtins, files } = (await loadedAtStart()).delivered;
      assert.deepEqual(
        files.filter((file) => file === 'rest.cjs'),
        [],
      );
      // Each costs the start 1 ms or more, and comes back with one import that looks harmless.
      const costly = [
        'fs/promises',
        'perf_hooks',
        'worker_threads',
        'assert',
        'http',
        'dns',
        'child_process',
      ];
      assert.deepEqual(
        costly.filter((name) => builtins.includes(`NativeModule ${name}`)),
        [],
      );
    });
  });

  describe('the bundle', () => {
    test('is CommonJS that loads, chunk by chunk', () => {
      const main = join(dist, 'main.cjs');
      const { fileOf } = createRequire(import.meta.url)(main) as { fileOf: Record<string, string> };
      const packs = Object.values(fileOf);
      const alone = readdirSync(dist).filter((name) => !['main.cjs', 'probe.cjs', ...packs].includes(name));
      const chunks = [...Object.keys(fileOf), ...alone];
      assert.ok(chunks.length > 50, `only ${chunks.length} chunks`);
      const script = `for (const name of ${JSON.stringify(chunks)}) require(${JSON.stringify(main)}).load(name)`;
      const done = spawnSync(process.execPath, ['--eval', script], { encoding: 'utf8' });
      assert.equal(done.stderr, '');
      assert.equal(done.status, 0);
    });

    test('has one AgentError, so that instanceof holds in every chunk', () => {
      const holders = readdirSync(dist).filter((name) =>
        /name\s*=\s*"AgentError"/.test(readFileSync(join(dist, name), 'utf8')),
      );
      assert.equal(holders.length, 1, holders.join(', '));
    });

    test('holds nothing of the place where it was built', () => {
      for (const name of readdirSync(dist)) {
        assert.ok(!readFileSync(join(dist, name), 'utf8').includes(join(dist, '..')), name);
      }
    });

    test('is the same when built again', async () => {
      const digest = (name: string) =>
        createHash('sha256')
          .update(readFileSync(join(dist, name)))
          .digest('hex');
      const read = () => readdirSync(dist).map((name) => `${name} ${digest(name)}`);
      const first = read();
      await bundle();
      assert.deepEqual(read(), first);
    });

    test('answers --version and --help, and refuses what it does not know', () => {
      const run = (...args: string[]) =>
        spawnSync(process.execPath, [join(dist, 'main.cjs'), ...args], { encoding: 'utf8' });
      assert.match(run('--version').stdout, /^\d+\.\d+\.\d+\n$/);
      assert.match(run('run', '--help').stdout, /--specs PATH/);
      assert.equal(run('fly').status, 64);
    });

    test('has a probe of its own, which says why', () => {
      const folder = mkdtempSync(join(tmpdir(), 'probe-'));
      const probe = (...args: string[]) =>
        spawnSync(process.execPath, [join(dist, 'probe.cjs'), ...args], {
          encoding: 'utf8',
          env: { ESA_STATE: folder },
        });
      const startup = probe('startup');
      assert.deepEqual([startup.status, startup.stderr], [1, '']);
      assert.equal(startup.stdout, `no agent runs with its state in ${folder} (no control.sock there)\n`);
      assert.equal(probe('sideways').status, 64);
      assert.equal(probe('startup', '--wait=soon').status, 64);
      const began = performance.now();
      assert.equal(probe('startup', '--wait', '1').status, 1);
      assert.ok(performance.now() - began >= 1_000, 'it waits for a yes');
      rmSync(folder, { recursive: true });
    });
  });

  test('the image starts it as it is measured', () => {
    const text = readFileSync(join(root, 'Dockerfile'), 'utf8');
    const env = Object.entries(runtimeEnv).map(([name, value]) => `${name}=${value}`);
    assert.equal(/^ENV (.*)$/m.exec(text)?.[1], env.join(' '));
    const command = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(text)?.[1] ?? '') as string[];
    assert.deepEqual(command.slice(1, -1), runtimeFlags);
  });

  test('dist/ is not kept in the repository', () => {
    assert.deepEqual(
      trackedFiles().filter((path) => path.startsWith('dist/')),
      [],
    );
  });
});
