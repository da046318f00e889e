import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { freePort, until } from '../peers/process.ts';

/** The agent as a process, as a user starts it: exit codes, signals and doors can be seen from outside only. */
const main = join(import.meta.dirname, '..', '..', 'agent', 'main.ts');
let folder: string;
let running: ChildProcess | undefined;

describe('the agent as a process', () => {
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'process-'));
  });
  after(() => rm(folder, { recursive: true }));
  afterEach(() => {
    running?.kill('SIGKILL');
  });

  interface Ended {
    readonly code: number | null;
    readonly out: string;
    readonly err: string;
  }

  interface Agent {
    readonly child: ChildProcess;
    readonly ended: Promise<Ended>;
    readonly place: string;
  }

  function fake(value: string): string {
    return `apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: demo}
spec: {provider: {fake: {data: [{key: k, value: ${JSON.stringify(value)}}]}}}
`;
  }

  function wants(name: string, key: string): string {
    return `---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: demo}
  data: [{secretKey: a, remoteRef: {key: ${key}}}]
`;
  }

  async function start(specs: string, ...flags: string[]): Promise<Agent> {
    const place = await mkdtemp(join(folder, 'agent-'));
    await writeFile(join(place, 'specs.yaml'), specs);
    const own = [
      '--specs',
      join(place, 'specs.yaml'),
      '--output',
      join(place, 'out'),
      '--log-format',
      'json',
    ];
    const child = spawn(process.execPath, [main, 'run', ...own, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {},
    });
    running = child;
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, out, err })));
    return { child, ended, place };
  }

  async function sidecar(specs: string, ...flags: string[]) {
    const address = `127.0.0.1:${await freePort()}`;
    const state = await mkdtemp(join(folder, 'state-'));
    const agent = await start(specs, '--state', state, '--listen', address, ...flags);
    const get = async (path: string, init?: RequestInit) => {
      const response = await fetch(`http://${address}${path}`, init);
      return { status: response.status, body: await response.text() };
    };
    const settled = (path: string, status: number) =>
      until(async () => (await get(path).catch(() => undefined))?.status === status, 15_000);
    return { ...agent, address, state, get, settled };
  }

  describe('run --once', () => {
    test('0: delivered, with a line for each', async () => {
      const { ended, place } = await start(fake('v') + wants('app', 'k'), '--once');
      const { code, out, err } = await ended;
      assert.equal(code, 0, err);
      assert.match(out, /^synced {2}app {2}1 key in .*\/out\/app\n1 of 1 synced \(\d+s\)\n$/);
      assert.equal(await readFile(join(place, 'out', 'app', 'a'), 'utf8'), 'v');
    });

    test('69: what could be delivered is, the rest is told with code and remedy', async () => {
      const { ended, place } = await start(
        fake('v') + wants('app', 'k') + wants('gone', 'nope'),
        '--once',
        '--timeout',
        '3s',
      );
      const { code, out } = await ended;
      assert.equal(code, 69);
      assert.match(out, /^failed {2}gone\n.*NotFound/s);
      assert.match(out, /1 of 2 synced/);
      assert.equal(await readFile(join(place, 'out', 'app', 'a'), 'utf8'), 'v');
    });

    test('78: an invalid document outranks, and stops nobody else', async () => {
      const { ended, place } = await start(`${fake('v')}${wants('app', 'k')}---\nkind: Nothing\n`, '--once');
      const { code, out } = await ended;
      assert.equal(code, 78);
      assert.match(out, /1 of 1 synced, 1 document refused/);
      assert.ok(existsSync(join(place, 'out', 'app', 'a')));
    });

    test('64: --only names what is not there', async () => {
      const { ended } = await start(fake('v') + wants('app', 'k'), '--once', '--only', 'ap');
      const { code, err } = await ended;
      assert.equal(code, 64, err);
      assert.match(err, /--only names no ExternalSecret: ap/);
    });

    test('unknown ESA_ variables are one warning in the log', async () => {
      const place = await mkdtemp(join(folder, 'env-'));
      await writeFile(join(place, 'specs.yaml'), fake('v') + wants('app', 'k'));
      const child = spawn(process.execPath, [main, 'run', '--once'], {
        env: { ESA_SPECS: place, ESA_OUTPUT: join(place, 'out'), ESA_OUTPT: 'x', ESA_LOG_FORMAT: 'json' },
      });
      running = child;
      let err = '';
      child.stderr.on('data', (chunk: Buffer) => {
        err += chunk.toString();
      });
      await new Promise((resolve) => child.once('close', resolve));
      assert.equal(err.match(/did you mean ESA_OUTPUT\?/g)?.length, 1, err);
    });
  });

  describe('the sidecar', () => {
    test('starts, serves, and ends within two seconds of SIGTERM, with 0', async () => {
      const { child, ended, get, settled, state } = await sidecar(fake('v') + wants('app', 'k'));
      await settled('/startupz', 200);
      for (const path of ['/livez', '/healthz', '/readyz']) assert.equal((await get(path)).status, 200, path);
      assert.match((await get('/metrics')).body, /external_secrets_reconciled\{name="app".* 1/);
      assert.equal(JSON.parse((await get('/status')).body).targets[0].state, 'synced');
      assert.equal((await get('/refresh', { method: 'POST' })).status, 403);
      assert.equal((await stat(join(state, 'control.sock'))).mode & 0o777, 0o600);
      const stopped = performance.now();
      child.kill('SIGTERM');
      const { code, err } = await ended;
      assert.equal(code, 0, err);
      assert.ok(performance.now() - stopped < 2_500, `${performance.now() - stopped} ms`);
      assert.ok(!existsSync(join(state, 'control.sock')));
    });

    test('never ends because of a spec, and picks up its correction', async () => {
      const { place, settled, get } = await sidecar('kind: Nothing\n');
      await settled('/startupz', 503);
      assert.match((await get('/startupz')).body, /SpecInvalid/);
      assert.equal((await get('/livez')).status, 200);
      await writeFile(join(place, 'specs.yaml'), fake('v') + wants('app', 'k'));
      await settled('/startupz', 200);
      assert.equal(await readFile(join(place, 'out', 'app', 'a'), 'utf8'), 'v');
    });

    test('what nobody caught ends it with 70 and its kind, never with its message', async () => {
      for (const thrown of [
        'Promise.reject(new RangeError(atob("Y0FuQXJZ")))',
        '(() => { throw new RangeError(atob("Y0FuQXJZ")); })()',
      ]) {
        const late = `data:text/javascript,setTimeout(() => { ${thrown}; }, 200)`;
        const child = spawn(process.execPath, ['--import', late, main, 'run', '--listen', 'off'], {
          env: {},
        });
        let said = '';
        for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
        const code = await new Promise((resolve) => child.once('close', resolve));
        assert.equal(code, 70, said);
        assert.match(said, /a bug of the agent itself: RangeError/);
        assert.doesNotMatch(said, /cAnArY/);
      }
    });

    test('SIGHUP refreshes now, and ends nothing', async () => {
      const { child, settled, get } = await sidecar(fake('v') + wants('app', 'k'));
      await settled('/startupz', 200);
      const syncs = async () =>
        Number(/external_secrets_reconciled\{.*\} (\d+)/.exec((await get('/metrics')).body)?.[1]);
      const before = await syncs();
      child.kill('SIGHUP');
      await until(async () => (await syncs()) > before);
    });

    test('says what it cannot listen on, and ends with 69', async () => {
      const first = await sidecar(fake('v') + wants('app', 'k'));
      await first.settled('/livez', 200);
      const second = await start(
        fake('v') + wants('app', 'k'),
        '--state',
        join(folder, 'second'),
        '--listen',
        first.address,
      );
      const { code, err } = await second.ended;
      first.child.kill('SIGKILL');
      assert.equal(code, 69, err);
      assert.match(err, /cannot listen on .*: EADDRINUSE \(choose another port with --listen/);
    });
  });
});
