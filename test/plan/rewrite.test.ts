import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AgentError } from '../../src/base/errors.ts';
import { Secret, type SecretMap } from '../../src/base/secret.ts';
import { rewrite as rewriteAt } from '../../src/plan/rewrite.ts';
import type { Rewrite } from '../../src/spec/spec.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { fault, plain, secrets } from './samples.ts';

type Merge = Extract<Rewrite, { kind: 'merge' }>;

const at = { field: 'spec.dataFrom[0].rewrite[0]' };

function regexp(source: string, target: string): Rewrite {
  return { at, kind: 'regexp', source, target };
}

function transform(template: string): Rewrite {
  return { at, kind: 'transform', template };
}

function merge(rest: Partial<Merge> = {}): Merge {
  const all = {
    into: '',
    priority: [],
    priorityPolicy: 'Strict',
    conflictPolicy: 'Error',
    strategy: 'Extract',
  } as const;
  return { at, kind: 'merge', ...all, ...rest };
}

const clock = new ManualClock({ now: Date.UTC(2026, 4, 17) });

function rewrite(entries: SecretMap, operations: readonly Rewrite[]): Promise<SecretMap> {
  return rewriteAt(entries, operations, clock);
}

async function keys(operations: readonly Rewrite[], ...names: string[]): Promise<string[]> {
  return [
    ...(await rewrite(secrets(Object.fromEntries(names.map((name) => [name, name]))), operations)).keys(),
  ];
}

describe('regexp', () => {
  test('what does not match stays', async () => {
    assert.deepEqual(await keys([regexp('^db/(.*)$', '$1')], 'db/user', 'other'), ['user', 'other']);
  });

  test('operations work on what the one before left', async () => {
    assert.deepEqual(await keys([regexp('/', '.'), regexp('\\.', '-')], 'a/b'), ['a-b']);
  });

  test('of keys that become one the last in order wins, each time', async () => {
    const entries = secrets({ b: '2', c: '3', a: '1' });
    assert.deepEqual(plain(await rewrite(entries, [regexp('.', 'x')])), { x: '3' });
  });

  test('what is not RE2 is SpecInvalid, at its place', async () => {
    for (const source of ['(?=a)', '(a)\\1', '(', 'a**', '(?P<n>a)(?P<n>b)']) {
      await assert.rejects(keys([regexp(source, '')], 'a'), (thrown) => {
        assert.ok(thrown instanceof AgentError);
        assert.deepEqual(thrown.at, at);
        return thrown.code === 'SpecInvalid' && /RE2/.test(thrown.remedy ?? '');
      });
    }
  });

  test('a pattern that is slow elsewhere is not here', async () => {
    assert.deepEqual(await keys([regexp('^(a+)+$', 'x')], `${'a'.repeat(200)}!`), [`${'a'.repeat(200)}!`]);
  });
});

describe('transform', () => {
  test('renames by a template over .value', async () => {
    assert.deepEqual(await keys([transform('{{ .value | upper | replace "/" "_" }}')], 'db/user', 'é'), [
      'DB_USER',
      'É',
    ]);
  });

  test('has the time of the clock that it is given', async () => {
    assert.deepEqual(await keys([transform('{{ .value }}-{{ now | date "20060102" }}')], 'a'), [
      'a-20260517',
    ]);
  });

  test('a member that is not there prints as in Go', async () => {
    assert.deepEqual(await keys([transform('{{ .nope }}.{{ .value }}')], 'a'), ['<no value>.a']);
  });

  test('a fault of the template has its place', async () => {
    for (const template of ['{{ .value', '{{ nofunction .value }}', '{{ fail "no" }}']) {
      await assert.rejects(keys([transform(template)], 'a'), (thrown) => {
        return (
          thrown instanceof AgentError && thrown.code === 'TemplateFailed' && thrown.at.field === at.field
        );
      });
    }
  });

  test('of keys that become one the last in order wins', async () => {
    assert.deepEqual(plain(await rewrite(secrets({ b: '2', a: '1' }), [transform('x')])), { x: '2' });
  });
});

describe('merge', () => {
  const pair = { a: '{"x":1,"only":"canary"}', b: '{"x":2}' };

  test('Extract takes the place of what was there', async () => {
    assert.deepEqual(plain(await rewrite(secrets({ a: '{"x":"1"}', b: '{"y":{"k":"<"}}' }), [merge()])), {
      x: '1',
      y: '{"k":"\\u003c"}',
    });
  });

  test('numbers go through float64, null is nothing', async () => {
    assert.deepEqual(
      plain(await rewrite(secrets({ a: '{"n":12345678901234567890,"e":1e3,"z":null}' }), [merge()])),
      {
        n: '12345678901234567000',
        e: '1000',
        z: '',
      },
    );
  });

  test('JSON adds one entry, compact, sorted and not HTML-escaped', async () => {
    const merged = await rewrite(secrets({ b: '{"z":"<&>","n":1.50}', a: '{"k":[ 1 ]}' }), [
      merge({ strategy: 'JSON', into: 'all' }),
    ]);
    assert.deepEqual(plain(merged), {
      b: '{"z":"<&>","n":1.50}',
      a: '{"k":[ 1 ]}',
      all: '{"k":[1],"n":1.5,"z":"<&>"}',
    });
  });

  test('JSON may take the place of one of its inputs', async () => {
    const merged = await rewrite(secrets({ a: '{"k":1}' }), [merge({ strategy: 'JSON', into: 'a' })]);
    assert.deepEqual(plain(merged), { a: '{"k":1}' });
  });

  test('two values for a key are refused, with its name', async () => {
    await assert.rejects(
      rewrite(secrets(pair), [merge()]),
      fault('DecodeFailed', /more than one value for "?x"?$/),
    );
    await assert.rejects(
      rewrite(secrets(pair), [merge({ priority: ['a'] })]),
      fault('DecodeFailed', /more than one/),
    );
  });

  test('with Ignore the last in order wins', async () => {
    const merged = await rewrite(secrets(pair), [merge({ conflictPolicy: 'Ignore' })]);
    assert.equal(plain(merged)['x'], '2');
  });

  test('the last of priority wins over all', async () => {
    const one = await rewrite(secrets(pair), [merge({ conflictPolicy: 'Ignore', priority: ['a'] })]);
    assert.equal(plain(one)['x'], '1');
    const two = await rewrite(secrets({ ...pair, c: '{"x":3}' }), [
      merge({ conflictPolicy: 'Ignore', priority: ['c', 'b'] }),
    ]);
    assert.equal(plain(two)['x'], '2');
  });

  test('a priority that is not there is NotFound, or let pass', async () => {
    const priority = ['gone', 'a'];
    await assert.rejects(rewrite(secrets(pair), [merge({ priority })]), fault('NotFound', /gone/));
    const merged = await rewrite(secrets(pair), [
      merge({ priority, priorityPolicy: 'IgnoreNotFound', conflictPolicy: 'Ignore' }),
    ]);
    assert.equal(plain(merged)['x'], '1');
  });

  test('every value has to be an object; null is an empty one', async () => {
    for (const value of ['[1]', '"canary"', 'canary', '1', '', '{"a":1e400}']) {
      await assert.rejects(
        rewrite(secrets({ k: value }), [merge()]),
        fault('DecodeFailed', /^merge: .*k/),
        value,
      );
    }
    assert.equal((await rewrite(secrets({ k: 'null' }), [merge()])).size, 0);
  });
});

test('any regexp and replacement end with keys or with our error', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ maxLength: 12 }),
      fc.string({ maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 20 }),
      async (source, target, key) => {
        try {
          const [renamed] = await rewrite(new Map([[key, Secret.of('v')]]), [regexp(source, target)]);
          assert.equal(renamed![1].text(), 'v');
        } catch (thrown) {
          assert.ok(thrown instanceof AgentError && thrown.code === 'SpecInvalid', String(thrown));
        }
      },
    ),
    { seed: 1, numRuns: 3000 },
  );
});
