import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AgentError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { Kept } from '../../src/loop/kept.ts';
import { readyz, startupz } from '../../src/observe/health.ts';
import { standingOf } from '../../src/observe/standing.ts';
import { externalSecret, specSet, World } from './world.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const down = new AgentError('Unavailable', 'connection refused');
const maxStaleness = { ms: 10 * minuteMs, unready: true };
const spec = externalSecret('db', { refreshIntervalMs: minuteMs, options: { maxStaleness } });

describe('max-staleness', () => {
  test('an outage that lasts longer unsets readiness alone, and the first sync after it sets it again', async () => {
    const world = new World();
    world.store.values.set('key', 'one');
    await world.start(spec);
    world.store.fault = down;
    await world.clock.advance(10 * minuteMs);
    assert.equal(readyz(world.loop.view()).ok, true);
    await world.clock.advance(minuteMs);
    assert.deepEqual(readyz(world.loop.view()), { ok: false, lines: ['db: older than max-staleness'] });
    assert.equal(startupz(world.loop.view()).ok, true);
    assert.deepEqual(world.sink.read('db'), { key: 'one' });
    world.store.fault = undefined;
    await world.clock.advance(61_000);
    assert.equal(readyz(world.loop.view()).ok, true);
    await world.stop();
  });

  test('without `unready` it is told and holds nothing', async () => {
    const world = new World();
    world.store.values.set('key', 'one');
    await world.start(externalSecret('db', { options: { maxStaleness: { ms: minuteMs, unready: false } } }));
    await world.clock.advance(2 * minuteMs);
    assert.equal(standingOf(world.state('db')), 'stale');
    assert.equal(readyz(world.loop.view()).ok, true);
    await world.stop();
  });

  for (const jumpMs of [24 * hourMs, -24 * hourMs]) {
    test(`a wall clock that is set by ${jumpMs / hourMs} h neither makes nor hides it`, async () => {
      const world = new World();
      world.store.values.set('key', 'one');
      await world.start(spec);
      world.clock.setWall(jumpMs);
      assert.equal(world.state('db').tooStale, false);
      world.store.fault = down;
      await world.clock.advance(11 * minuteMs);
      assert.equal(world.state('db').tooStale, true);
      assert.ok(world.state('db').staleMs < 12 * minuteMs);
      await world.stop();
    });
  }

  test('what comes later is as old as its spec, not as the agent', async () => {
    const world = new World();
    world.store.values.set('key', 'one');
    await world.start(externalSecret('web'));
    await world.clock.advance(2 * hourMs);
    world.store.fault = down;
    await world.accept(specSet([externalSecret('web'), spec]));
    await world.clock.advance(minuteMs);
    assert.equal(readyz(world.loop.view()).ok, true);
    await world.clock.advance(10 * minuteMs);
    assert.equal(readyz(world.loop.view()).ok, false);
    await world.stop();
  });

  test('the age of what an earlier life delivered goes on', async () => {
    const first = new World();
    first.store.values.set('key', 'one');
    const kept = new Kept({ folder: undefined, podUid: '', log: silentLog });
    await first.start(spec);
    kept.setTarget('db', {
      specHash: first.state('db').specHash,
      syncedMs: first.state('db').lastSuccessMs!,
    });
    await first.stop();
    const next = new World({ sink: first.sink, kept, clock: first.clock });
    await first.clock.advance(9 * minuteMs);
    next.store.fault = down;
    await next.start(spec);
    assert.equal(next.loop.view().started, true);
    assert.equal(next.state('db').staleMs, 9 * minuteMs);
    await next.clock.advance(2 * minuteMs);
    assert.equal(next.state('db').tooStale, true);
    await next.stop();
  });
});
