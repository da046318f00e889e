import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { Kept } from '../../src/loop/kept.ts';
import { externalSecret, MemorySink, ScriptedStore, specSet, World } from './world.ts';

const hourMs = 3_600_000;
const down = new AgentError('Unavailable', 'connection refused');
const denied = new AgentError('Denied', 'permission denied');

test('what the store holds is published, and again when it rotates', async () => {
  const world = new World();
  world.store.values.set('key', 'one');
  await world.start(externalSecret('db', { refreshIntervalMs: 60_000 }));
  assert.deepEqual(world.sink.read('db'), { key: 'one' });
  assert.equal(world.state('db').condition.reason, 'SecretSynced');
  assert.equal(world.loop.view().started, true);
  world.store.values.set('key', 'two');
  await world.clock.advance(60_000);
  assert.deepEqual(world.sink.read('db'), { key: 'two' });
  await world.stop();
});

test('an unchanged value is neither rendered nor written again', async () => {
  const world = new World();
  world.store.values.set('key', 'one');
  await world.start(externalSecret('db', { refreshIntervalMs: 60_000 }));
  await world.clock.advance(10 * 60_000);
  assert.ok(world.store.calls.length >= 10);
  assert.equal(world.sink.publications, 1);
  await world.stop();
});

test('thirty entries over three remote keys are three reads', async () => {
  const world = new World();
  for (const key of ['a', 'b', 'c']) world.store.values.set(key, key);
  const specs = Array.from({ length: 10 }, (_, i) => externalSecret(`es${i}`, { keys: ['a', 'b', 'c'] }));
  await world.start(...specs);
  assert.deepEqual(world.store.calls.map((call) => call.keys).sort(), [['a'], ['b'], ['c']]);
  assert.equal(world.sink.publications, 10);
  await world.clock.advance(hourMs);
  const refreshes = world.store.calls.slice(3);
  assert.equal(refreshes.length, 3, 'what shares reads is refreshed together');
  await world.stop();
});

test('a provider that batches is asked once', async () => {
  const world = new World({ batches: true });
  for (const key of ['a', 'b', 'c']) world.store.values.set(key, key);
  await world.start(
    ...Array.from({ length: 10 }, (_, i) => externalSecret(`es${i}`, { keys: ['a', 'b', 'c'] })),
  );
  assert.deepEqual(
    world.store.calls.map((call) => call.keys),
    [['a', 'b', 'c']],
  );
  await world.stop();
});

test('an outage of ten intervals leaves the files, and recovery comes within the cap', async () => {
  const world = new World();
  world.store.values.set('key', 'one');
  await world.start(externalSecret('db', { refreshIntervalMs: 60_000 }));
  world.store.fault = down;
  await world.clock.advance(10 * 60_000);
  assert.deepEqual(world.sink.read('db'), { key: 'one' });
  assert.equal(world.state('db').condition.status, 'False');
  assert.equal(world.state('db').error?.code, 'Unavailable');
  assert.equal(world.loop.view().started, true);
  assert.equal(world.loop.view().breakers.get('SecretStore/store'), 'open');
  world.store.fault = undefined;
  world.store.values.set('key', 'two');
  await world.clock.advance(61_000);
  assert.deepEqual(world.sink.read('db'), { key: 'two' });
  assert.equal(world.state('db').error, undefined);
  await world.stop();
});

test('an open breaker lets one probe through every 30 to 60 s', async () => {
  const world = new World();
  world.store.fault = down;
  await world.start(...Array.from({ length: 50 }, (_, i) => externalSecret(`es${i}`, { keys: [`k${i}`] })));
  await world.clock.advance(120_000);
  const before = world.store.calls.length;
  await world.clock.advance(600_000);
  const probes = world.store.calls.length - before;
  assert.ok(probes >= 9 && probes <= 21, `${probes} probes in ten minutes`);
  await world.stop();
});

test('a permanently bad key costs six retries, then its interval', async () => {
  const world = new World();
  world.store.values.set('good', 'one');
  world.store.values.set('bad', 'one');
  await world.start(externalSecret('bad', { keys: ['bad'] }), externalSecret('good', { keys: ['good'] }));
  world.store.faults.set('bad', denied);
  await world.clock.advance(24 * hourMs);
  const calls = world.store.calls.filter((call) => call.keys[0] === 'bad');
  assert.ok(calls.length <= 1 + 27 + 6, `${calls.length} calls in a day at an hour's interval`);
  assert.deepEqual(world.sink.read('bad'), { bad: 'one' });
  assert.equal(world.state('good').error, undefined);
  await world.stop();
});

test('a permission granted late starts the pod within five minutes', async () => {
  const world = new World();
  world.store.values.set('key', 'one');
  world.store.fault = denied;
  await world.start(externalSecret('db'));
  await world.clock.advance(10 * 60_000);
  assert.equal(world.loop.view().started, false);
  world.store.fault = undefined;
  await world.clock.advance(5 * 60_000 + 1);
  assert.equal(world.loop.view().started, true);
  await world.stop();
});

test('what a spec refers to heals without the spec: a bad certificate that is replaced', async () => {
  const world = new World();
  world.store.values.set('key', 'one');
  await world.start(externalSecret('db'));
  world.store.fault = new AgentError('SpecInvalid', 'the certificate of caProvider cannot be read');
  await world.clock.advance(hourMs);
  const calls = world.store.calls.length;
  assert.equal(world.state('db').error?.code, 'SpecInvalid');
  assert.ok(calls <= 3, `${calls} calls in an hour: no retry but the interval`);
  world.store.fault = undefined;
  world.store.values.set('key', 'two');
  await world.clock.advance(hourMs);
  assert.deepEqual(world.sink.read('db'), { key: 'two' });
  assert.equal(world.state('db').error, undefined);
  await world.stop();
});

test('an edit has what fails tried again, though its own spec is the same', async () => {
  const world = new World();
  world.store.fault = new AgentError('AuthFailed', 'the secret id is wrong');
  await world.start(externalSecret('db'));
  await world.clock.advance(15 * 60_000);
  const { nextRefreshMs } = world.state('db');
  assert.ok(nextRefreshMs! - world.clock.now() > 2 * 60_000, 'deep in its backoff');
  // A credential among the documents is corrected: nothing of the ExternalSecret and its store changes.
  world.store.fault = undefined;
  world.store.values.set('key', 'one');
  await world.accept(specSet([externalSecret('db')]));
  // The breaker lets a probe through once a minute at least.
  await world.clock.advance(62_000);
  assert.deepEqual(world.sink.read('db'), { key: 'one' });
  await world.stop();
});

test('a store that hangs holds up nobody else, and is given up after its deadline', async () => {
  const world = new World({
    providers: (clock) => {
      const hanging = new ScriptedStore(clock);
      hanging.hanging.add('key');
      return { stuck: hanging.provider };
    },
  });
  world.store.values.set('key', 'one');
  await world.start(externalSecret('stuck', { storeName: 'stuck' }), externalSecret('db'));
  assert.deepEqual(world.sink.read('db'), { key: 'one' });
  assert.equal(world.state('stuck').error, undefined);
  await world.clock.advance(45_000);
  assert.equal(world.state('stuck').error?.code, 'Unavailable');
  await world.stop();
});

test('interval 0 fetches once for a given spec, and again for a changed one', async () => {
  const world = new World();
  world.store.values.set('key', 'one');
  await world.start(externalSecret('db', { refreshIntervalMs: 0 }));
  await world.clock.advance(48 * hourMs);
  assert.equal(world.store.calls.length, 1);
  await world.accept(specSet([externalSecret('db', { refreshIntervalMs: 0, revision: 2 })]));
  await world.clock.advance(0);
  assert.equal(world.store.calls.length, 2);
  await world.stop();
});

test('CreatedOnce never syncs again, OnChange only when the spec changes', async () => {
  for (const [refreshPolicy, calls] of [
    ['CreatedOnce', 1],
    ['OnChange', 2],
  ] as const) {
    const world = new World();
    world.store.values.set('key', 'one');
    await world.start(externalSecret('db', { refreshPolicy }));
    await world.clock.advance(48 * hourMs);
    await world.accept(specSet([externalSecret('db', { refreshPolicy, revision: 2 })]));
    await world.clock.advance(hourMs);
    assert.equal(world.store.calls.length, calls, refreshPolicy);
    await world.stop();
  }
});

test('a refresh on demand comes at once, and at most once a second', async () => {
  const world = new World();
  world.store.values.set('key', 'one');
  await world.start(externalSecret('db'), externalSecret('other', { keys: ['key2'] }));
  await world.clock.advance(10_000);
  assert.equal(world.loop.refresh('db'), 1);
  await world.clock.advance(0);
  const calls = world.store.calls.length;
  for (let i = 0; i < 100; i++) world.loop.refresh();
  await world.clock.advance(900);
  assert.equal(world.store.calls.length, calls, 'coalesced');
  assert.equal(world.loop.refresh('nobody'), 0);
  await world.stop();
});

test('a broken new spec leaves the one that runs alone; a removed one goes after a minute', async () => {
  const world = new World();
  world.store.values.set('key', 'one');
  await world.start(externalSecret('db', { refreshIntervalMs: 10_000 }), externalSecret('web'));
  const problem = new AgentError('SpecInvalid', 'unknown field', { at: { object: 'ExternalSecret/db' } });
  await world.accept(specSet([externalSecret('web')], [problem]));
  world.store.values.set('key', 'two');
  await world.clock.advance(120_000);
  assert.deepEqual(world.sink.read('db'), { key: 'two' });
  assert.equal(world.loop.view().problems.length, 1);
  await world.accept(specSet([externalSecret('web')]));
  await world.clock.advance(59_000);
  assert.deepEqual(world.sink.read('db'), { key: 'two' });
  await world.clock.advance(2_000);
  assert.equal(world.sink.read('db'), undefined);
  assert.equal(world.loop.view().targets.has('db'), false);
  assert.ok(world.events.some((event) => event.kind === 'removed' && event.name === 'db'));
  await world.stop();
});

test('an ExternalSecret that comes back within the minute keeps its folder', async () => {
  const world = new World();
  world.store.values.set('key', 'one');
  await world.start(externalSecret('db'));
  await world.accept(specSet([]));
  await world.clock.advance(30_000);
  await world.accept(specSet([externalSecret('db')]));
  await world.clock.advance(120_000);
  assert.deepEqual(world.sink.read('db'), { key: 'one' });
  await world.stop();
});

test('a new target name moves the folder', async () => {
  const world = new World();
  world.store.values.set('key', 'one');
  await world.start(externalSecret('db', { targetName: 'old' }));
  await world.accept(specSet([externalSecret('db', { targetName: 'new' })]));
  await world.clock.advance(0);
  assert.deepEqual([world.sink.read('old'), world.sink.read('new')], [{ key: 'one' }, { key: 'one' }]);
  await world.clock.advance(61_000);
  assert.equal(world.sink.read('old'), undefined);
  await world.stop();
});

test('started latches: later targets, outages and bad specs never unset it', async () => {
  const world = new World();
  world.store.values.set('key', 'one');
  await world.start(externalSecret('db'), externalSecret('maybe', { keys: ['nothing'], optional: true }));
  assert.equal(world.loop.view().started, true, 'an optional target holds nothing');
  world.store.fault = down;
  await world.accept(specSet([externalSecret('db'), externalSecret('late', { keys: ['late'] })]));
  await world.clock.advance(hourMs);
  assert.equal(world.loop.view().started, true);
  await world.stop();
});

test('an invalid document holds the start under block, not under ignore', async () => {
  for (const [onError, started] of [
    ['block', false],
    ['ignore', true],
  ] as const) {
    const world = new World({ onError });
    world.store.values.set('key', 'one');
    await world.accept(specSet([externalSecret('db')], [new AgentError('SpecInvalid', 'bad')]));
    const stop = new AbortController();
    const running = world.loop.run(() => false, stop.signal);
    await world.clock.advance(0);
    assert.equal(world.loop.view().started, started, onError);
    assert.deepEqual(world.sink.read('db'), { key: 'one' }, 'the good one is delivered all the same');
    stop.abort();
    await running;
  }
});

test('a failed first sync does not hold the start under ignore', async () => {
  const world = new World({ onError: 'ignore' });
  world.store.fault = down;
  await world.start(externalSecret('db'));
  assert.equal(world.loop.view().started, true);
  await world.stop();
});

test('deletionPolicy Delete takes keys away after three proofs, thirty seconds apart', async () => {
  const world = new World();
  world.store.values.set('a', '1').set('b', '2');
  await world.start(
    externalSecret('db', { keys: ['a', 'b'], deletionPolicy: 'Delete', refreshIntervalMs: 300_000 }),
  );
  world.store.values.delete('b');
  world.loop.refresh();
  await world.clock.advance(2_000);
  assert.deepEqual(world.sink.read('db'), { a: '1', b: '2' });
  await world.clock.advance(35_000);
  assert.deepEqual(world.sink.read('db'), { a: '1', b: '2' });
  await world.clock.advance(35_000);
  assert.deepEqual(world.sink.read('db'), { a: '1' });
  world.store.values.delete('a');
  await world.clock.advance(300_000 + 70_000);
  assert.equal(world.sink.read('db'), undefined);
  assert.equal(world.state('db').condition.reason, 'SecretDeleted');
  await world.stop();
});

for (const [deletionPolicy, last] of [
  ['Delete', undefined],
  ['Merge', {}],
] as const) {
  test(`what find no longer finds is a proof like any other, under ${deletionPolicy}`, async () => {
    const world = new World();
    world.store.values.set('a', '1').set('b', '2');
    await world.start(externalSecret('db', { find: true, deletionPolicy, refreshIntervalMs: 300_000 }));
    assert.deepEqual(world.sink.read('db'), { a: '1', b: '2' });
    const gone = async (key: string): Promise<void> => {
      world.store.values.delete(key);
      const held = world.sink.read('db');
      world.loop.refresh();
      await world.clock.advance(40_000);
      assert.deepEqual(world.sink.read('db'), held);
      await world.clock.advance(35_000);
    };
    await gone('b');
    assert.deepEqual(world.sink.read('db'), { a: '1' });
    // It comes back after one look that did not find it: nothing was lost.
    world.store.values.delete('a');
    world.loop.refresh();
    await world.clock.advance(2_000);
    world.store.values.set('a', '1');
    await world.clock.advance(300_000);
    assert.deepEqual(world.sink.read('db'), { a: '1' });
    await gone('a');
    assert.deepEqual(world.sink.read('db'), last);
    await world.stop();
  });
}

test('another life that finds nothing takes nothing away at once, nor does another spec', async () => {
  const sink = new MemorySink();
  const first = new World({ sink });
  first.store.values.set('a', '1');
  const options = { find: true, deletionPolicy: 'Delete', refreshIntervalMs: 300_000 } as const;
  await first.start(externalSecret('db', options));
  await first.stop();
  const next = new World({ sink, seed: 2 });
  await next.start(externalSecret('db', { ...options, revision: 2 }));
  await next.clock.advance(40_000);
  assert.deepEqual(sink.read('db'), { a: '1' });
  await next.clock.advance(35_000);
  assert.equal(sink.read('db'), undefined);
  await next.stop();
});

test('nothing found under Retain is told, and what was delivered stays', async () => {
  const world = new World();
  await world.start(externalSecret('db', { find: true, refreshIntervalMs: 60_000 }));
  const retained = 'secret retained due to DeletionPolicy=Retain';
  assert.equal(world.state('db').condition.message, retained);
  assert.equal(world.sink.read('db'), undefined, 'nor is anything made of it');
  world.store.values.set('a', '1');
  await world.clock.advance(120_000);
  world.store.values.delete('a');
  await world.clock.advance(120_000);
  assert.deepEqual(world.sink.read('db'), { a: '1' });
  assert.equal(world.state('db').condition.message, retained);
  await world.stop();
});

test('an error, or Retain, never takes a key away', async () => {
  for (const [deletionPolicy, fault] of [
    ['Delete', denied],
    ['Delete', down],
    ['Retain', undefined],
  ] as const) {
    const world = new World();
    world.store.values.set('a', '1').set('b', '2');
    await world.start(externalSecret('db', { keys: ['a', 'b'], deletionPolicy, refreshIntervalMs: 60_000 }));
    if (fault === undefined) world.store.values.delete('b');
    else world.store.faults.set('b', fault);
    await world.clock.advance(hourMs);
    assert.deepEqual(world.sink.read('db'), { a: '1', b: '2' });
    assert.equal(world.state('db').condition.reason, 'SecretSyncedError');
    await world.stop();
  }
});

test('a key that never was delivered is left out at once under Delete', async () => {
  const world = new World();
  world.store.values.set('a', '1');
  await world.start(externalSecret('db', { keys: ['a', 'b'], deletionPolicy: 'Delete' }));
  assert.deepEqual(world.sink.read('db'), { a: '1' });
  await world.stop();
});

test('outside its syncWindows a periodic refresh waits; the first sync and a refresh on demand do not', async () => {
  const world = new World();
  world.store.values.set('key', 'one');
  // The manual clock starts at midnight UTC.
  const syncWindows = { kind: 'deny', windows: [{ schedule: '0 0 * * *', durationMs: 6 * hourMs }] } as const;
  await world.start(externalSecret('db', { syncWindows, refreshIntervalMs: 600_000 }));
  assert.equal(world.store.calls.length, 1);
  await world.clock.advance(5 * hourMs);
  assert.equal(world.store.calls.length, 1);
  world.loop.refresh();
  await world.clock.advance(0);
  assert.equal(world.store.calls.length, 2);
  await world.clock.advance(2 * hourMs);
  assert.ok(world.store.calls.length > 4);
  await world.stop();
});

test('the next life serves what the last one left, and verifies it', async () => {
  const first = new World();
  const kept = new Kept({ folder: undefined, podUid: 'u', log: silentLog });
  first.store.values.set('key', 'one');
  await first.start(externalSecret('db'));
  await first.stop();
  kept.setTarget('db', { specHash: first.state('db').specHash, syncedMs: 5 });

  const next = new World({ sink: first.sink, kept });
  next.store.fault = down;
  await next.start(externalSecret('db'));
  assert.equal(next.loop.view().started, true);
  assert.equal(next.state('db').lastSuccessMs, 5);
  assert.deepEqual(next.sink.read('db'), { key: 'one' });
  assert.ok(next.store.calls.length > 0);
  await next.stop();
});

test('the next life does not take a target of another spec for delivered', async () => {
  const first = new World();
  first.store.values.set('key', 'one');
  await first.start(externalSecret('db'));
  await first.stop();
  const kept = new Kept({ folder: undefined, podUid: 'u', log: silentLog });
  kept.setTarget('db', { specHash: 'another', syncedMs: 5 });
  const next = new World({ sink: first.sink, kept });
  next.store.fault = down;
  await next.start(externalSecret('db'));
  assert.equal(next.loop.view().started, false);
  await next.stop();
});

test('a sink that fails leaves the target failed, and is retried', async () => {
  const world = new World();
  world.store.values.set('key', 'one');
  world.sink.fault = new AgentError('PublishFailed', 'no space left');
  await world.start(externalSecret('db'));
  assert.equal(world.state('db').error?.code, 'PublishFailed');
  assert.equal(world.loop.view().started, false);
  world.sink.fault = undefined;
  await world.clock.advance(2_000);
  assert.equal(world.loop.view().started, true);
  await world.stop();
});

test('once: it ends when every target is synced or has no retry left', async () => {
  const world = new World();
  world.store.values.set('good', '1');
  await world.accept(
    specSet([externalSecret('good', { keys: ['good'] }), externalSecret('bad', { keys: ['bad'] })]),
  );
  let ended = false;
  const running = world.loop
    .run((loop) => loop.settled, new AbortController().signal)
    .then(() => {
      ended = true;
    });
  await world.clock.advance(20_000);
  assert.equal(ended, false, 'the bad one has retries left');
  await world.clock.advance(60_000);
  assert.equal(ended, true);
  await running;
  assert.equal(world.state('bad').error?.code, 'NotFound');
});

test('200 agents started together: no second holds more than 5 % of their first refreshes', async () => {
  const perSecond = new Map<number, number>();
  for (let seed = 1; seed <= 200; seed++) {
    const world = new World({ seed: seed * 7919 });
    world.store.values.set('key', 'one');
    await world.start(externalSecret('db'));
    const dueMs = world.state('db').nextRefreshMs! - world.clock.now();
    assert.ok(dueMs >= hourMs / 2 && dueMs <= hourMs);
    const second = Math.floor(dueMs / 1000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    await world.stop();
  }
  assert.ok(Math.max(...perSecond.values()) <= 10, `${Math.max(...perSecond.values())} in one second`);
});
