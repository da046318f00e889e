import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { AgentError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { Kept } from '../../src/loop/kept.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { externalSecret, specSet, World } from './world.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Holds up the reads of a key until `open` is called. */
function gate(world: World, key: string): { open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  world.store.gates.set(key, promise);
  return {
    open: () => {
      world.store.gates.delete(key);
      resolve();
    },
  };
}

function worldOf(values: Readonly<Record<string, string>>): World {
  const world = new World();
  for (const [key, value] of Object.entries(values)) world.store.values.set(key, value);
  return world;
}

describe('specs that change while the loop runs', () => {
  test('two ExternalSecrets that swap their targets keep both folders', async () => {
    const world = worldOf({ a: '1', b: '2' });
    await world.start(
      externalSecret('a', { keys: ['a'], targetName: 'x' }),
      externalSecret('b', { keys: ['b'], targetName: 'y' }),
    );
    await world.accept(
      specSet([
        externalSecret('a', { keys: ['a'], targetName: 'y' }),
        externalSecret('b', { keys: ['b'], targetName: 'x' }),
      ]),
    );
    await world.clock.advance(2 * minuteMs);
    assert.deepEqual(world.sink.read('x'), { b: '2' });
    assert.deepEqual(world.sink.read('y'), { a: '1' });
    await world.stop();
  });

  test('a folder that another one has taken over is not removed', async () => {
    const world = worldOf({ a: '1', b: '2' });
    await world.start(externalSecret('b', { keys: ['b'], targetName: 'x' }));
    await world.accept(
      specSet([
        externalSecret('a', { keys: ['a'], targetName: 'x' }),
        externalSecret('b', { keys: ['b'], targetName: 'z' }),
      ]),
    );
    await world.clock.advance(2 * minuteMs);
    assert.deepEqual(world.sink.read('x'), { a: '1' });
    assert.deepEqual(world.sink.read('z'), { b: '2' });
    await world.stop();
  });

  test('a read that was under way writes nothing into a folder that is another one’s by now', async () => {
    const world = worldOf({ a: '1', b: '2' });
    const slow = gate(world, 'a');
    await world.start(externalSecret('a', { keys: ['a'], targetName: 'x' }));
    await world.accept(specSet([externalSecret('b', { keys: ['b'], targetName: 'x' })]));
    await world.clock.advance(1_000);
    slow.open();
    await world.clock.advance(1_000);
    assert.deepEqual(world.sink.read('x'), { b: '2' });
    await world.stop();
  });

  test('a read that was under way brings no removed folder back', async () => {
    const world = worldOf({ a: '1' });
    const slow = gate(world, 'a');
    await world.start(externalSecret('a', { keys: ['a'] }));
    await world.accept(specSet([]));
    slow.open();
    await world.clock.advance(1_000);
    assert.equal(world.sink.read('a'), undefined);
    await world.stop();
  });

  test('a corrected spec does not wait for the read that hangs in the old one', async () => {
    const world = worldOf({ good: '1' });
    world.store.hanging.add('bad');
    await world.start(externalSecret('db', { keys: ['bad'] }));
    await world.accept(specSet([externalSecret('db', { keys: ['good'] })]));
    await world.clock.advance(1_000);
    assert.deepEqual(world.sink.read('db'), { good: '1' });
    await world.stop();
  });

  test('one that was removed and came back is not synced twice side by side', async () => {
    const world = worldOf({ a: '1' });
    const slow = gate(world, 'a');
    await world.start(externalSecret('a', { keys: ['a'] }));
    await world.accept(specSet([]));
    await world.accept(specSet([externalSecret('a', { keys: ['a'] })]));
    await world.clock.advance(1_000);
    const calls = world.store.calls.length;
    world.loop.refresh();
    slow.open();
    await world.clock.advance(500);
    assert.equal(calls, 2);
    assert.equal(world.sink.publications, 1);
    await world.stop();
  });

  test('CreatedOnce with a new target name is delivered there before the old folder goes', async () => {
    const world = worldOf({ key: '1' });
    await world.start(externalSecret('db', { refreshPolicy: 'CreatedOnce', targetName: 'old' }));
    await world.accept(specSet([externalSecret('db', { refreshPolicy: 'CreatedOnce', targetName: 'new' })]));
    await world.clock.advance(2 * minuteMs);
    assert.deepEqual(world.sink.read('new'), { key: '1' });
    await world.stop();
  });

  test('a newcomer does not take the target of one whose document cannot be read', async () => {
    const world = worldOf({ a: '1', b: '2' });
    await world.start(externalSecret('a', { keys: ['a'], targetName: 'x', refreshIntervalMs: minuteMs }));
    const torn = new AgentError('SpecInvalid', 'not YAML', { at: { file: 'a.yaml' } });
    await world.accept(specSet([externalSecret('b', { keys: ['b'], targetName: 'x' })], [torn]));
    await world.clock.advance(10 * minuteMs);
    assert.deepEqual(world.sink.read('x'), { a: '1' });
    assert.ok(world.loop.view().problems.some(({ at }) => at.object === 'ExternalSecret/b'));
    await world.stop();
  });
});

describe('stores that change while they are read', () => {
  test('a client is closed only when the last read through it has ended', async () => {
    const world = worldOf({ a: '1', b: '2' });
    const slow = gate(world, 'a');
    await world.start(externalSecret('a', { keys: ['a'] }), externalSecret('b', { keys: ['b'] }));
    await world.accept(
      specSet([externalSecret('a', { keys: ['a'] }), externalSecret('b', { keys: ['b'] })], [], 2),
    );
    await world.clock.advance(1_000);
    slow.open();
    await world.clock.advance(1_000);
    assert.deepEqual(world.store.closedDuring, [0]);
    await world.stop();
  });
});

describe('time and demand', () => {
  test('a storm of refreshes does not put the refresh off', async () => {
    const world = worldOf({ key: '1' });
    await world.start(externalSecret('db'));
    await world.clock.advance(10_000);
    const before = world.store.calls.length;
    for (let i = 0; i < 100; i++) {
      world.loop.refresh();
      await world.clock.advance(100);
    }
    const calls = world.store.calls.length - before;
    assert.ok(calls >= 9 && calls <= 11, `${calls} refreshes in ten seconds`);
    await world.stop();
  });

  test('a refresh on demand does not put off what is due sooner', async () => {
    const world = worldOf({ key: '1', soon: '2' });
    await world.start(externalSecret('soon', { keys: ['soon'], refreshIntervalMs: 1_000 }));
    world.loop.refresh();
    await world.clock.advance(0);
    const before = world.store.calls.length;
    const dueMs = world.state('soon').nextRefreshMs! - world.clock.now();
    world.loop.refresh();
    assert.ok(world.state('soon').nextRefreshMs! - world.clock.now() <= dueMs);
    await world.clock.advance(dueMs + 1);
    assert.ok(world.store.calls.length > before);
    await world.stop();
  });

  for (const jumpMs of [-24 * hourMs, 24 * hourMs, -365 * 24 * hourMs]) {
    test(`a wall clock that is set by ${jumpMs / hourMs} h during a sync moves no schedule`, async () => {
      const world = worldOf({ key: '1' });
      const slow = gate(world, 'key');
      await world.start(externalSecret('db', { refreshIntervalMs: 10 * minuteMs }));
      world.clock.setWall(jumpMs);
      slow.open();
      await world.clock.advance(1_000);
      assert.equal(world.store.calls.length, 1);
      await world.clock.advance(4 * minuteMs);
      assert.equal(world.store.calls.length, 1);
      await world.clock.advance(6 * minuteMs);
      assert.equal(world.store.calls.length, 2);
      await world.stop();
    });
  }
});

describe('the end', () => {
  test('a kill right after all is delivered finds that kept', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'esa-kept-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const clock = new ManualClock();
    const options = { folder, podUid: 'u', clock, log: silentLog };
    const world = new World({ clock, kept: new Kept(options) });
    world.store.values.set('key', '1');
    await world.start(externalSecret('db'), externalSecret('web'));
    assert.equal(world.loop.view().started, true);
    const next = new Kept(options);
    for (const name of ['db', 'web']) assert.equal(next.target(name)?.specHash, world.state(name).specHash);
    await world.stop();
  });

  test('a stop while specs are taken in is no failure', async () => {
    const world = worldOf({ key: '1' });
    await world.stop();
    await world.accept(specSet([externalSecret('db'), externalSecret('web')]));
    assert.deepEqual([...world.loop.view().targets.keys()], ['db', 'web']);
  });
});
