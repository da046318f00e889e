import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { UsageError } from '../../agent/host.ts';
import { networkOf } from '../../agent/network.ts';
import { onceReport } from '../../agent/once-report.ts';
import { shortDuration, table, widthOf, wrap } from '../../agent/paint.ts';
import { AgentError } from '../../src/base/errors.ts';
import { agentState, failedState, targetState } from '../observe/states.ts';
import { testHost } from './host.ts';

describe('what --once prints', () => {
  const { stdout } = testHost();

  test('is a line each, worst first, with reason and remedy', () => {
    const state = agentState([
      targetState('api'),
      failedState('db', { required: false }),
      targetState('late', { published: false, keys: [] }),
    ]);
    assert.equal(
      onceReport(state, '/out', 12_000, stdout),
      `failed  db (optional)
        ExternalSecret/db: Denied: the policy lacks MARKER-d41d8cd98f
          → grant read on the path
failed  late
        not finished in time: see --timeout
synced  api  2 keys in /out/api
1 of 3 synced (12s)
`,
    );
  });

  test('names refused documents', () => {
    const problem = new AgentError('SpecInvalid', 'no', { at: { file: 'a.yaml', line: 2, column: 1 } });
    const state = agentState([], { problems: [problem] });
    assert.equal(
      onceReport(state, '/out', 12_000, stdout),
      'a.yaml:2:1: SpecInvalid: no\n0 of 0 synced, 1 document refused (12s)\n',
    );
  });

  test('says where specs are looked for when there are none', () => {
    assert.equal(
      onceReport(agentState([]), '/out', 12_000, stdout),
      'no ExternalSecret found: see --specs\n',
    );
  });
});

test('durations are short', () => {
  const shown = [0, 999, 59_000, 60_000, 61_000, 600_000, 3_600_000, 3_660_000, 86_400_000, 200_000_000];
  assert.deepEqual(shown.map(shortDuration), [
    '0s',
    '1s',
    '59s',
    '1m',
    '1m1s',
    '10m',
    '1h',
    '1h1m',
    '24h',
    '2d',
  ]);
});

test('columns line up whatever is coloured', () => {
  const rows = [
    ['a', '\u001b[31mlong\u001b[39m', 'x'],
    ['bb', 'b', 'y'],
  ];
  assert.deepEqual(
    table(rows).map((row) => widthOf(row.slice(0, row.search(/[xy]$/)))),
    [10, 10],
  );
});

test('wrapping keeps every word and no line is too long, but for a word that is', () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,30}$/), { maxLength: 40 });
  fc.assert(
    fc.property(
      words,
      fc.integer({ min: 20, max: 100 }),
      fc.integer({ min: 0, max: 10 }),
      (list, width, indent) => {
        const wrapped = wrap(list.join(' '), width, indent);
        assert.deepEqual(wrapped.split(/\s+/).filter(Boolean), list);
        for (const line of wrapped.split('\n')) assert.ok(line.length <= width || !line.trim().includes(' '));
      },
    ),
    { seed: 1 },
  );
});

describe('the network', () => {
  const options = { proxy: undefined, caFile: undefined };

  test('takes the proxy of the flag before that of the environment', async () => {
    const env = { HTTPS_PROXY: 'http://env:1', NO_PROXY: 'a, .b ,,10.0.0.0/8' };
    assert.deepEqual(networkOf(options, env), {
      proxy: 'http://env:1',
      noProxy: ['a', '.b', '10.0.0.0/8'],
      ca: undefined,
    });
    assert.equal(networkOf({ ...options, proxy: 'http://flag:1' }, env).proxy, 'http://flag:1');
    assert.deepEqual(networkOf(options, { https_proxy: '' }), {
      proxy: undefined,
      noProxy: [],
      ca: undefined,
    });
  });

  test('refuses a CA file that is none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ca-'));
    const file = join(folder, 'ca.pem');
    assert.throws(
      () => networkOf({ ...options, caFile: file }, {}),
      (error) => {
        return (
          error instanceof UsageError &&
          error.exitCode === 78 &&
          error.message.endsWith('cannot be read: ENOENT')
        );
      },
    );
    await writeFile(file, 'hello');
    assert.throws(() => networkOf({ ...options, caFile: file }, {}), /holds no certificate/);
    await rm(folder, { recursive: true });
  });
});
