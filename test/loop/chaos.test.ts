import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AgentError, type Code } from '../../src/base/errors.ts';
import { externalSecret, specSet, World } from './world.ts';

const minuteMs = 60_000;

const fault = fc.record({
  key: fc.constantFrom('k0', 'k1', 'k2', undefined),
  code: fc.constantFrom<Code>(
    'Unavailable',
    'Throttled',
    'AuthFailed',
    'Denied',
    'NotFound',
    'DecodeFailed',
    'PublishFailed',
  ),
  retryAfterMs: fc.constantFrom(undefined, 0, 1, 5_000, 10 ** 12, -5, Number.NaN),
});

const step = fc.oneof(
  fc.record({ kind: fc.constant('fault' as const), fault }),
  fc.record({ kind: fc.constant('heal' as const) }),
  fc.record({ kind: fc.constant('rotate' as const) }),
  fc.record({ kind: fc.constant('wall' as const), byMs: fc.integer({ min: -(10 ** 10), max: 10 ** 10 }) }),
  fc.record({ kind: fc.constant('reload' as const) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: minuteMs }) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function take(world: World, one: Step): Promise<void> | void {
  const { store, sink } = world;
  switch (one.kind) {
    case 'fault': {
      const { code, key, retryAfterMs } = one.fault;
      const error = new AgentError(code, 'chaos', retryAfterMs === undefined ? {} : { retryAfterMs });
      if (code === 'PublishFailed') sink.fault = error;
      else if (key === undefined) store.fault = error;
      else store.faults.set(key, error);
      return;
    }
    case 'heal':
      store.fault = undefined;
      sink.fault = undefined;
      store.faults.clear();
      return;
    case 'rotate':
      for (const key of store.values.keys()) store.values.set(key, `${world.clock.monotonic()}`);
      return;
    case 'wall':
      return world.clock.setWall(one.byMs);
    case 'reload':
      return world.accept(specs());
    case 'wait':
      return world.clock.advance(one.ms);
  }
}

const specs = () =>
  specSet(['k0', 'k1', 'k2'].map((key) => externalSecret(key, { keys: [key], refreshIntervalMs: 2_000 })));

describe('whatever stores, volume and clocks do', () => {
  test('no two attempts of one target are closer than half a second, and none is forgotten', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), fc.nat(), async (steps, seed) => {
        const world = new World({ seed });
        for (const key of ['k0', 'k1', 'k2']) world.store.values.set(key, 'v');
        await world.start(...specs().externalSecrets);
        for (const one of steps) await take(world, one);
        const last = new Map<string, number>();
        for (const { atMs, keys } of world.store.calls) {
          const [key = ''] = keys;
          const gapMs = atMs - (last.get(key) ?? Number.NEGATIVE_INFINITY);
          assert.ok(gapMs >= 500, `${key} again after ${gapMs} ms`);
          last.set(key, atMs);
        }
        take(world, { kind: 'heal' });
        take(world, { kind: 'rotate' });
        // The longest Retry-After that is kept to, and a probe of the breaker.
        await world.clock.advance(12 * minuteMs);
        for (const key of ['k0', 'k1', 'k2']) {
          assert.deepEqual(world.sink.read(key), { [key]: world.store.values.get(key) });
          assert.equal(world.state(key).error, undefined);
        }
        await world.stop();
      }),
      { numRuns: 40, seed: 20_261_124 },
    );
  });

  test('a thousand agents come back to a store over seconds, not at once', async () => {
    const perSecond = new Map<number, number>();
    const outageMs = 12 * minuteMs;
    for (let agent = 0; agent < 1_000; agent++) {
      const world = new World({ seed: agent * 7_919 + 1 });
      world.store.values.set('key', 'one');
      await world.start(externalSecret('db', { refreshIntervalMs: 5 * minuteMs }));
      world.store.fault = new AgentError('Unavailable', 'connection refused');
      await world.clock.advance(outageMs);
      world.store.fault = undefined;
      const before = world.store.calls.length;
      await world.clock.advance(102_000);
      assert.equal(world.state('db').error, undefined, 'back within the cap of the backoff');
      for (const { atMs } of world.store.calls.slice(before)) {
        const second = Math.floor((atMs - outageMs) / 1_000);
        perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
      }
      await world.stop();
    }
    const peak = Math.max(...perSecond.values());
    assert.ok(peak <= 60, `${peak} of 1,000 agents in one second`);
  });
});
