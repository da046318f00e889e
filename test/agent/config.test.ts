import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../../agent/config.ts';
import { UsageError } from '../../agent/host.ts';
import { type Option, options } from '../../src/spec/contract.ts';

function refusal(args: readonly string[], env: Record<string, string> = {}): string {
  try {
    parseConfig('run', args, env);
  } catch (error) {
    if (error instanceof UsageError) return `${error.exitCode}: ${error.message}: ${error.remedy}`;
    throw error;
  }
  return 'accepted';
}

describe('where a value comes from', () => {
  test('flag beats environment beats default', () => {
    assert.equal(parseConfig('run', [], {}).listen, ':9402');
    assert.equal(parseConfig('run', [], { ESA_LISTEN: ':1' }).listen, ':1');
    assert.equal(parseConfig('run', ['--listen', ':2'], { ESA_LISTEN: ':1' }).listen, ':2');
    assert.equal(parseConfig('run', ['--listen=:3'], { ESA_LISTEN: ':1' }).listen, ':3');
  });

  test('what was given is told from what is the default', () => {
    assert.deepEqual([...parseConfig('run', ['--once'], { ESA_OUTPUT: '/x' }).given], ['output', 'once']);
  });

  test('an empty environment variable is as good as none', () => {
    assert.equal(parseConfig('run', [], { ESA_TIMEOUT: '' }).timeout, 300_000);
  });

  test('an option of another command keeps its default, whatever the environment says of it', () => {
    assert.equal(parseConfig('status', [], { ESA_TIMEOUT: 'nonsense' }).timeout, 300_000);
  });

  test('repeatable flags gather, and commas part names but not paths on the command line', () => {
    const config = parseConfig('run', ['--specs', 'a,b', '--specs', 'c', '--only', 'x,y', '--only=z'], {});
    assert.deepEqual(config.specs, ['a,b', 'c']);
    assert.deepEqual(config.only, ['x', 'y', 'z']);
    assert.deepEqual(parseConfig('run', [], { ESA_SPECS: 'a,b' }).specs, ['a', 'b']);
  });

  test('every option can be set by its environment variable', () => {
    for (const option of Object.values(options) as Option[]) {
      const text = sampleOf(option);
      const config = parseConfig(option.commands[0]!, [], { [option.env]: text });
      assert.equal(config.given.size, 1, option.env);
    }
  });

  test('the configuration is frozen, the pod comes from the downward API', () => {
    const config = parseConfig('run', [], { POD_NAMESPACE: 'shop', POD_NAME: '' });
    assert.ok(Object.isFrozen(config));
    assert.deepEqual(config.pod, {
      namespace: 'shop',
      name: undefined,
      uid: undefined,
      serviceAccount: undefined,
    });
  });

  test('what stands besides flags is kept, and -- ends the flags', () => {
    assert.deepEqual(parseConfig('check', ['a.yaml', '--', '--b.yaml'], {}).operands, ['a.yaml', '--b.yaml']);
  });
});

describe('what is refused, in words', () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['--lisen', 'x'], '64: unknown option --lisen: did you mean --listen?'],
    [['--frobnicate'], '64: unknown option --frobnicate: see external-secrets-agent run --help'],
    [['--json'], '64: --json is not an option of run: it belongs to: status'],
    [['--specs'], '64: --specs needs a value: give PATH'],
    [['--timeout', '1ms'], '78: --timeout is "1ms": give between 1s and 24h'],
    [['--identity', 'lokal'], '78: --identity is "lokal": did you mean local?'],
    [['--identity', 'qqqqqq'], '78: --identity is "qqqqqq": choose from pod, local'],
    [['--once=maybe'], '78: --once is "maybe": write true or false'],
    [['--file-mode', '0999'], '78: --file-mode is "0999": write auto, or octal between 0400 and 0777'],
    [['--listen', 'nowhere'], '78: --listen is "nowhere": write off, :PORT, HOST:PORT or [IPV6]:PORT'],
    [['--output', ''], '78: --output is empty: give DIR'],
    [['--only', ','], '78: --only is empty: give NAME,…'],
  ];
  for (const [args, expected] of cases) test(args.join(' '), () => assert.equal(refusal(args), expected));

  test('a wrong variable is named as the variable', () => {
    assert.match(refusal([], { ESA_TIMEOUT: '5 minutes' }), /^78: ESA_TIMEOUT is refused: .*duration/);
  });
});

describe('unknown ESA_ variables', () => {
  const warningsOf = (env: Record<string, string>) => parseConfig('run', [], env).warnings;

  test('are one warning with the nearest match', () => {
    assert.deepEqual(warningsOf({ ESA_LISTEM: 'x', ESA_ZZZZZZZZZZZZ: 'y' }), [
      'unknown environment variables: ESA_LISTEM (did you mean ESA_LISTEN?), ESA_ZZZZZZZZZZZZ',
    ]);
  });

  test('of service-link form, and of the tests, are not ours to warn about', () => {
    const names = [
      'ESA_SERVICE_HOST',
      'ESA_SERVICE_PORT',
      'ESA_SERVICE_PORT_HTTP',
      'ESA_PORT',
      'ESA_PORT_80_TCP',
    ];
    const more = [
      'ESA_PORT_80_TCP_ADDR',
      'ESA_WEB_SERVICE_HOST',
      'ESA_WEB_PORT_443_TCP_PROTO',
      'ESA_TEST_REQUIRE',
    ];
    assert.deepEqual(warningsOf(Object.fromEntries([...names, ...more].map((name) => [name, 'x']))), []);
  });
});

function sampleOf(option: Option): string {
  switch (option.type) {
    case 'boolean':
      return 'true';
    case 'duration':
      return option.default;
    case 'enum':
      return option.values[0]!;
    case 'mode':
      return option.range.max.toString(8);
    default:
      if (typeof option.default === 'string') return option.default;
      return samples.find((sample) => !('pattern' in option) || option.pattern?.test(sample) !== false)!;
  }
}

/** Of every form that an option asks for. */
const samples = [
  ':1',
  'http://proxy:1',
  'shop',
  '90s',
  'arn:aws:iam::123456789012:role/app',
  'apps/v1/Deployment/web/0b7f6a1e-1111-2222-3333-444455556666',
];
