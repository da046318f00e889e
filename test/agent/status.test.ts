import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { cli } from '../../agent/cli.ts';
import { silentLog } from '../../src/base/log.ts';
import type { AgentState } from '../../src/loop/state.ts';
import { type OpenControl, openControl } from '../../src/observe/control.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { agentState, failedState, targetState } from '../observe/states.ts';
import { testHost } from './host.ts';

let folder: string;
let control: OpenControl;
let state: AgentState;
const clock = new ManualClock({ now: 130_000 });

describe('a running agent is asked', () => {
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'status-'));
    control = await openControl({
      path: join(folder, 'control.sock'),
      version: '1.2.3',
      clock,
      log: silentLog,
      view: () => state,
      refresh: () => 0,
    });
  });
  beforeEach(() => {
    state = agentState([
      targetState('api', { nextRefreshMs: 190_000 }),
      failedState('db', { nextRefreshMs: undefined }),
    ]);
  });
  after(async () => {
    await control.close();
    await rm(folder, { recursive: true });
  });

  async function run(...args: string[]) {
    const host = testHost({ ESA_STATE: folder });
    const code = await cli(args, host);
    return { code, out: host.out(), err: host.err() };
  }

  describe('status', () => {
    test('is a table, worst first, with errors and remedies beneath', async () => {
      const { code, out } = await run('status');
      assert.equal(code, 0);
      assert.equal(
        out,
        `external-secrets-agent 1.2.3, up 2m10s, not ready

NAME  STATE   AGE  NEXT   STORE  KEYS  ERROR
db    failed  -    -      vault  0     Denied
api   synced  2m   in 1m  vault  2

ExternalSecret/db: Denied: the policy lacks MARKER-d41d8cd98f
  → grant read on the path
`,
      );
    });

    test('--json is the whole of it', async () => {
      const { out } = await run('status', '--json');
      const { targets } = JSON.parse(out);
      assert.deepEqual(
        targets.map(({ name, code }: { name: string; code?: string }) => [name, code]),
        [
          ['db', 'Denied'],
          ['api', undefined],
        ],
      );
      assert.equal(targets[0].error.remedy, 'grant read on the path');
    });

    test('without an agent is 69, and says where it looked', async () => {
      const { code, out, err } = await run('status', '--state', join(folder, 'nowhere'));
      assert.deepEqual([code, out], [69, '']);
      assert.match(
        err,
        /^no agent runs with its state in .*nowhere \(no control\.sock there\)\nstart one with: /,
      );
    });

    test('something else behind the socket is told from an agent', async () => {
      const other = await mkdtemp(join(folder, 'other-'));
      const server = createServer((socket) => socket.end('220 hello\r\n'));
      await new Promise<void>((resolve) => server.listen(join(other, 'control.sock'), resolve));
      const { code, err } = await run('status', '--state', other);
      server.close();
      assert.equal(code, 69);
      assert.match(err, /what answers at .* is not the agent/);
    });
  });

  describe('probe', () => {
    test('startup is 1 with the worst target, its code and its remedy', async () => {
      const { code, out } = await run('probe', 'startup');
      assert.equal(code, 1);
      assert.equal(out, 'db: Denied: the policy lacks MARKER-d41d8cd98f (grant read on the path)\n');
    });

    test('startup is 0 once everything is delivered, live while the loop turns', async () => {
      state = agentState([targetState('api')]);
      assert.deepEqual(await run('probe', 'startup'), { code: 0, out: 'ok\n', err: '' });
      assert.equal((await run('probe', 'live')).code, 0);
      await clock.advance(61_000);
      assert.deepEqual(await run('probe', 'live'), {
        code: 1,
        out: 'the loop has not turned for 61 s\n',
        err: '',
      });
    });

    test('without an agent is 1', async () => {
      assert.equal((await run('probe', 'live', '--state', join(folder, 'nowhere'))).code, 1);
    });
  });
});
