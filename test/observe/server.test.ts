import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { AgentError } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { silentLog } from '../../src/base/log.ts';
import type { AgentState } from '../../src/loop/state.ts';
import { type OpenControl, openControl } from '../../src/observe/control.ts';
import { openMetrics } from '../../src/observe/metrics.ts';
import { type OpenServer, openServer, parseListen } from '../../src/observe/server.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { until } from '../peers/process.ts';
import { agentState, failedState, marker, targetState } from './states.ts';

interface Reply {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

type Ask = { readonly method?: string; readonly path: string; readonly headers?: Record<string, string> };

function ask(
  where: { socketPath: string } | { host: string; port: number },
  { method = 'GET', ...rest }: Ask,
) {
  return new Promise<Reply>((resolve, reject) => {
    const sent = request({ ...where, method, ...rest, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    sent.on('error', reject).end();
  });
}

let folder: string;
let state: AgentState = agentState([targetState('db')]);
const clock = new ManualClock({ now: 100_000 });
const refreshed: (string | undefined)[] = [];

function observed() {
  return {
    version: '1.2.3',
    clock,
    log: silentLog,
    view: () => state,
    refresh: (name?: string) => {
      refreshed.push(name);
      return name === undefined ? state.targets.size : state.targets.has(name) ? 1 : 0;
    },
  };
}

function open(more: { refreshTokenFile?: string; listen?: string } = {}): Promise<OpenServer> {
  const metrics = openMetrics({ version: '1.2.3', node: 'v24' });
  const { refreshTokenFile, listen = '127.0.0.1:0' } = more;
  return openServer({ ...observed(), listen, metrics, refreshTokenFile });
}

describe('the doors', () => {
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'observe-'));
  });
  after(() => rm(folder, { recursive: true }));

  describe('the server on TCP', () => {
    let server: OpenServer;
    let where: { host: string; port: number };
    before(async () => {
      server = await open();
      where = { host: '127.0.0.1', port: Number(server.address.split(':')[1]) };
    });
    after(() => server.close());

    test('connections that are only held open keep no probe out, and are bounded', async () => {
      const held = Array.from({ length: 2 * limits.servedConnections }, () => connect(where));
      for (const socket of held) socket.on('error', () => {});
      await Promise.all(held.map((socket) => once(socket, 'connect')));
      assert.equal((await ask(where, { path: '/livez' })).status, 200);
      await until(() => held.filter((socket) => !socket.closed).length < limits.servedConnections);
      for (const socket of held) socket.destroy();
    });

    test('answers probes by status', async () => {
      state = agentState([targetState('db')]);
      for (const path of ['/livez', '/healthz', '/startupz', '/readyz']) {
        const reply = await ask(where, { path });
        assert.deepEqual([reply.status, reply.body], [200, 'ok\n'], path);
      }
      state = agentState([failedState('db')]);
      const startup = await ask(where, { path: '/startupz' });
      assert.deepEqual([startup.status, startup.body], [503, 'db: Denied\n']);
      assert.equal((await ask(where, { path: '/livez' })).status, 200);
    });

    test('never tells a message, a remedy or a key, whatever is asked', async () => {
      state = agentState([failedState('db'), targetState('api')]);
      for (const path of ['/startupz', '/readyz', '/status', '/metrics', '/nothing', '/refresh']) {
        const { body } = await ask(where, { path });
        assert.ok(!body.includes(marker), path);
        assert.ok(!body.includes('grant read'), path);
        assert.ok(!body.includes('password'), path);
      }
    });

    test('/status tells names, states, codes and times, worst first', async () => {
      const reply = await ask(where, { path: '/status' });
      assert.equal(reply.headers['content-type'], 'application/json');
      const status = JSON.parse(reply.body);
      assert.deepEqual(status.targets[0], {
        name: 'db',
        namespace: 'shop',
        target: 'db',
        stores: ['SecretStore/vault'],
        state: 'failed',
        condition: { status: 'False', reason: 'SecretSyncedError', since: '1970-01-01T00:00:02.000Z' },
        code: 'Denied',
        failures: 3,
        required: true,
        tooStale: false,
        lastAttempt: '1970-01-01T00:00:10.000Z',
        nextRefresh: '1970-01-01T00:01:10.000Z',
      });
      assert.equal(status.ready, false);
      assert.equal(status.version, '1.2.3');
    });

    test('says what there is where nothing is, and which method is wanted', async () => {
      const missing = await ask(where, { path: '/nope' });
      assert.equal(missing.status, 404);
      assert.match(missing.body, /\/livez, .*\/metrics/);
      const wrong = await ask(where, { path: '/metrics', method: 'DELETE' });
      assert.deepEqual([wrong.status, wrong.headers['allow']], [405, 'GET']);
      const head = await ask(where, { path: '/livez', method: 'HEAD' });
      assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', '3']);
    });

    test('cuts off a client with oversized headers', async () => {
      const reply = await ask(where, { path: '/livez', headers: { 'x-much': 'x'.repeat(20_000) } });
      assert.equal(reply.status, 431);
    });

    test('survives garbage', async () => {
      await new Promise<void>((resolve) => {
        const socket = connect(where.port, where.host, () => socket.end('\u0000\u0001 GARBAGE\r\n\r\n'));
        socket.on('close', () => resolve()).on('error', () => {});
        socket.resume();
      });
      assert.equal((await ask(where, { path: '/livez' })).status, 200);
    });

    test('refuses refresh without a token file, with the remedy', async () => {
      const reply = await ask(where, { path: '/refresh', method: 'POST' });
      assert.equal(reply.status, 403);
      assert.match(reply.body, /--refresh-token-file/);
    });

    test('an address that is taken is an error with a remedy', async () => {
      await assert.rejects(
        () => open({ listen: `127.0.0.1:${where.port}` }),
        (error) =>
          error instanceof AgentError &&
          error.code === 'Unavailable' &&
          error.message === `cannot listen on 127.0.0.1:${where.port}: EADDRINUSE` &&
          error.remedy === 'choose another port with --listen, or --listen off',
      );
    });
  });

  describe('refresh over TCP', () => {
    let server: OpenServer;
    let post: (path: string, token?: string) => Promise<Reply>;
    let tokenFile: string;
    before(async () => {
      state = agentState([targetState('db'), targetState('api')]);
      tokenFile = join(folder, 'token');
      await writeFile(tokenFile, 'open-sesame\n');
      server = await open({ refreshTokenFile: tokenFile });
      const where = { host: '127.0.0.1', port: Number(server.address.split(':')[1]) };
      post = (path, token) =>
        ask(where, {
          path,
          method: 'POST',
          headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        });
    });
    after(() => server.close());

    test('no token and a wrong one are 403, and refresh nothing', async () => {
      refreshed.length = 0;
      assert.match((await post('/refresh')).body, /^no token: send/);
      assert.match((await post('/refresh', 'open')).body, /^wrong token: send/);
      assert.equal((await post('/refresh', 'open')).status, 403);
      assert.deepEqual(refreshed, []);
    });

    test('all or one, and once a second at most', async () => {
      assert.deepEqual([(await post('/refresh', 'open-sesame')).status, refreshed.at(-1)], [202, undefined]);
      const soon = await post('/refresh', 'open-sesame');
      assert.deepEqual([soon.status, soon.headers['retry-after']], [429, '1']);
      await clock.advance(1_000);
      const one = await post('/refresh?name=db', 'open-sesame');
      assert.deepEqual(
        [one.status, one.body, refreshed.at(-1)],
        [202, 'refreshing 1 ExternalSecret\n', 'db'],
      );
      await clock.advance(1_000);
      assert.equal((await post('/refresh?name=nope', 'open-sesame')).status, 404);
    });

    test('a rotated token counts at once, an empty file never', async () => {
      await clock.advance(1_000);
      await writeFile(tokenFile, 'new');
      assert.equal((await post('/refresh', 'open-sesame')).status, 403);
      assert.equal((await post('/refresh', 'new')).status, 202);
      await writeFile(tokenFile, '\n');
      assert.equal((await post('/refresh', '')).status, 403);
    });
  });

  describe('the control socket', () => {
    let control: OpenControl;
    let socketPath: string;
    before(async () => {
      socketPath = join(folder, 'state', 'control.sock');
      control = await openControl({ ...observed(), path: socketPath });
    });
    after(() => control.close());

    test('is 0600 in a folder of 0700', async () => {
      assert.equal((await stat(socketPath)).mode & 0o777, 0o600);
      assert.equal((await stat(join(folder, 'state'))).mode & 0o777, 0o700);
    });

    test('tells what TCP does not: messages, remedies, keys', async () => {
      state = agentState([failedState('db'), targetState('api')]);
      const { targets } = JSON.parse((await ask({ socketPath }, { path: '/status' })).body);
      assert.match(targets[0].error.message, new RegExp(marker));
      assert.equal(targets[0].error.remedy, 'grant read on the path');
      assert.deepEqual(targets[1].keys, ['password', 'user']);
    });

    test('answers probes with the worst target, its code and remedy', async () => {
      state = agentState([targetState('api', { published: false }), failedState('db')]);
      const startup = await ask({ socketPath }, { path: '/probe/startup' });
      assert.deepEqual(
        [startup.status, startup.body],
        [
          503,
          `db: Denied: the policy lacks ${marker} (grant read on the path)\nand 1 more, see external-secrets-agent status\n`,
        ],
      );
      assert.equal((await ask({ socketPath }, { path: '/probe/live' })).status, 200);
      const at = { file: '/etc/external-secrets/app.yaml', line: 3, column: 1 };
      state = agentState([], {
        started: false,
        problems: [new AgentError('SpecInvalid', 'not valid YAML', { at, remedy: 'mend it' })],
      });
      assert.equal(
        (await ask({ socketPath }, { path: '/probe/startup' })).body,
        '/etc/external-secrets/app.yaml:3:1: SpecInvalid: not valid YAML (mend it)\n',
      );
      state = agentState([], { started: false });
      assert.match((await ask({ socketPath }, { path: '/probe/startup' })).body, /see --specs/);
      state = agentState([targetState('db')]);
      assert.equal((await ask({ socketPath }, { path: '/probe/startup' })).status, 200);
    });

    test('refreshes without a token', async () => {
      const reply = await ask({ socketPath }, { path: '/refresh?name=db', method: 'POST' });
      assert.deepEqual([reply.status, refreshed.at(-1)], [202, 'db']);
    });

    test('two agents cannot share it, but what a dead one left is taken over', async () => {
      const again = { ...observed(), path: socketPath };
      await assert.rejects(() => openControl(again), /another agent already runs with this --state/);
      await writeFile(join(folder, 'left.sock'), '');
      const next = await openControl({ ...again, path: join(folder, 'left.sock') });
      await next.close();
    });

    test('a path longer than Linux allows, or of a folder that cannot be made, is refused with the remedy', async () => {
      const long = join(folder, 'x'.repeat(120));
      await assert.rejects(() => openControl({ ...observed(), path: long }), {
        remedy: 'choose a shorter --state',
      });
      await writeFile(join(folder, 'file'), '');
      await assert.rejects(() => openControl({ ...observed(), path: join(folder, 'file', 'x.sock') }), {
        message: 'cannot open the control socket: EEXIST',
      });
    });
  });

  test('addresses to listen on', () => {
    assert.deepEqual(parseListen(':9402'), { host: undefined, port: 9402 });
    assert.deepEqual(parseListen('127.0.0.1:1'), { host: '127.0.0.1', port: 1 });
    assert.deepEqual(parseListen('[::1]:1'), { host: '::1', port: 1 });
    for (const wrong of ['9402', ':x', ':70000'])
      assert.throws(() => parseListen(wrong), /is not an address/);
  });
});
