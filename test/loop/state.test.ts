import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AgentError, type Code } from '../../src/base/errors.ts';
import { Draws } from '../../src/loop/schedule.ts';
import { type Change, reduce } from '../../src/loop/state.ts';
import { newTarget } from '../../src/loop/target.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { externalSecret } from './world.ts';

const time = fc.integer({ min: 0, max: 10 ** 12 });
const keys = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'));
const code = fc.constantFrom<Code>('Unavailable', 'Denied', 'SpecInvalid', 'PublishFailed');

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    kind: fc.constant('synced' as const),
    reason: fc.constantFrom('SecretSynced' as const, 'SecretDeleted' as const),
    message: fc.constant('secret synced'),
    keys,
    generation: fc.option(fc.constant('g'), { nil: undefined }),
    startedMs: time,
    nowMs: time,
    expiryMs: fc.option(time, { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant('failed' as const),
    error: code.map((each) => new AgentError(each, 'chaos')),
    startedMs: time,
    nowMs: time,
  }),
  fc.record({ kind: fc.constant('unconfirmed' as const), startedMs: time }),
  fc.record({
    kind: fc.constant('adopted' as const),
    keys,
    generation: fc.constant('g'),
    syncedMs: time,
    nowMs: time,
  }),
  fc.record({
    kind: fc.constant('scheduled' as const),
    nextRefreshMs: fc.option(time, { nil: undefined }),
  }),
);

describe('the reducer', () => {
  test('keeps its latches over any changes', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        let state = newTarget(externalSecret('db'), 'hash', { wallMs: 0, monotonicMs: 0 }).state;
        for (const one of changes) {
          const before = state;
          state = reduce(state, one);
          assert.ok(state.published || !before.published, 'published stays');
          const delivers = one.kind === 'synced' || one.kind === 'adopted';
          if (!delivers) {
            assert.deepEqual(state.keys, before.keys, 'only a delivery changes what is delivered');
            assert.equal(state.generation, before.generation);
            assert.equal(state.lastSuccessMs, before.lastSuccessMs, 'only a success counts as one');
          }
          assert.equal(state.failures > 0, state.error !== undefined);
          const flipped = state.condition.status !== before.condition.status;
          const moved = state.condition.lastTransitionMs !== before.condition.lastTransitionMs;
          if (moved && one.kind !== 'adopted') assert.ok(flipped, 'a transition is a flip');
          const { name, specHash, targetName, storeIds } = state;
          assert.deepEqual({ name, specHash, targetName, storeIds }, pick(before));
        }
      }),
      { seed: 20_261_124 },
    );
  });
});

function pick({ name, specHash, targetName, storeIds }: ReturnType<typeof reduce>) {
  return { name, specHash, targetName, storeIds };
}

describe('the draws of a schedule', () => {
  test('are early and never late, and the same for what shares store and interval', () => {
    const interval = fc.oneof(
      fc.double({ min: 1e-6, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 10 ** 13 }),
    );
    fc.assert(
      fc.property(interval, fc.boolean(), fc.nat(), (refreshIntervalMs, first, seed) => {
        const draws = new Draws(new ManualClock({ seed }));
        const floored = Math.max(1_000, refreshIntervalMs);
        const delayMs = draws.nextRefreshMs(externalSecret('a', { refreshIntervalMs }), first)!;
        assert.ok(delayMs >= floored * (first ? 0.5 : 0.9) && delayMs <= floored);
        assert.equal(draws.nextRefreshMs(externalSecret('b', { refreshIntervalMs }), first), delayMs);
      }),
      { seed: 20_261_124 },
    );
  });
});
