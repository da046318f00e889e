import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cli } from '../../agent/cli.ts';
import { version } from '../../agent/version.ts';
import { commands, optionsOf } from '../../src/spec/contract.ts';
import { testHost } from './host.ts';

async function run(...args: string[]) {
  const host = testHost();
  const code = await cli(args, host);
  return { code, out: host.out(), err: host.err() };
}

describe('help', () => {
  test('without a word tells what there is, and that nothing was done', async () => {
    const { code, out, err } = await run();
    assert.deepEqual([code, out], [64, '']);
    for (const command of commands) assert.match(err, new RegExp(`^ {2}${command} `, 'm'));
  });

  test('asked for is no mistake', async () => {
    for (const words of [['--help'], ['-h'], ['help']]) {
      const { code, out, err } = await run(...words);
      assert.deepEqual([code, err], [0, '']);
      assert.match(out, /Commands/);
    }
  });

  for (const command of commands) {
    test(`of ${command} lists its options and no others, within 80 columns`, async () => {
      const { code, out } = await run(command, '--help');
      assert.equal(code, 0);
      const listed = [...out.matchAll(/^ {2}(--[\w-]+)/gm)].map(([, flag]) => flag).sort();
      assert.deepEqual(
        listed,
        optionsOf(command)
          .map(([, option]) => option.flag)
          .sort(),
      );
      const wide = out
        .split('\n')
        .filter((line) => line.length > 80 && !/^ {2}external-secrets-agent /.test(line));
      assert.deepEqual(wide, []);
      assert.deepEqual(await run('help', command), await run(command, '--help'));
    });
  }

  test('has no colours but on a terminal that shows them', async () => {
    const colour = '\u001b[';
    assert.ok(!(await run('run', '--help')).out.includes(colour));
    const host = testHost({}, { colour: true });
    await cli(['run', '--help'], host);
    assert.ok(host.out().includes(colour));
  });

  test('after -- is not asked for', async () => {
    assert.equal((await run('status', '--', '--help')).code, 64);
  });
});

test('--version prints the version alone', async () => {
  assert.deepEqual(await run('--version'), { code: 0, out: `${version}\n`, err: '' });
});

describe('a wrong command line', () => {
  const cases: readonly (readonly [readonly string[], number, string])[] = [
    [['statu'], 64, 'unknown command statu (did you mean status?)'],
    [['fly'], 64, 'unknown command fly (see external-secrets-agent --help)'],
    [['--once'], 64, 'unknown command --once (the command comes first: external-secrets-agent run --once)'],
    [['help', 'fly'], 64, 'unknown command fly (see external-secrets-agent --help)'],
    [['status', '--jsn'], 64, 'unknown option --jsn (did you mean --json?)'],
    [['status', 'now'], 64, 'status takes no "now" (see external-secrets-agent status --help)'],
    [['run', 'a.yaml'], 64, 'run takes no "a.yaml" (give the specs with --specs PATH)'],
    [['inject', 'a.yaml'], 64, 'inject takes no "a.yaml" (give the file with -f FILE)'],
    [['probe'], 64, 'ask for startup or live (external-secrets-agent probe startup)'],
    [['run', '--timeout', 'x'], 78, '--timeout is refused: the duration "x" has no number before its unit'],
  ];
  for (const [args, code, message] of cases) {
    test(args.join(' '), async () => {
      const done = await run(...args);
      assert.deepEqual([done.code, done.out], [code, '']);
      assert.ok(done.err.startsWith(`external-secrets-agent: ${message}`), done.err);
      assert.equal(done.err.split('\n').length, 2);
    });
  }
});
