import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AgentError } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { externalSecret, World } from './world.ts';

const names = Array.from({ length: 60 }, (_, i) => `k${i}`);
const specs = names.map((key) => externalSecret(key, { keys: [key] }));

describe('a store with many keys', () => {
  test('that hangs is given up in the first round, and its breaker opens', async () => {
    const world = new World();
    for (const key of names) world.store.hanging.add(key);
    await world.start(...specs);
    await world.clock.advance(limits.readMs);
    assert.equal(world.store.calls.length, limits.requestsInFlight);
    for (const key of names) assert.equal(world.state(key).error?.code, 'Unavailable');
    await world.clock.advance(limits.readMs + 1_000);
    assert.equal(world.loop.view().breakers.get('SecretStore/store'), 'open');
    const before = world.store.calls.length;
    await world.clock.advance(10 * 60_000);
    assert.ok(world.store.calls.length - before <= 21, 'one probe every 30 to 60 s');
    world.store.hanging.clear();
    for (const key of names) world.store.values.set(key, 'v');
    await world.clock.advance(102_000);
    for (const key of names) assert.equal(world.state(key).error, undefined);
    await world.stop();
  });

  test('that refuses the login is asked for it a few times, not once for each key', async () => {
    const world = new World();
    world.store.fault = new AgentError('AuthFailed', 'the role does not admit this pod');
    await world.start(...specs);
    assert.ok(world.store.calls.length <= limits.requestsInFlight, `${world.store.calls.length} calls`);
    for (const key of names) assert.equal(world.state(key).error?.code, 'AuthFailed');
    await world.stop();
  });

  test('of which one answers late is not given up', async () => {
    const world = new World();
    for (const key of names) world.store.values.set(key, 'v');
    for (const key of names.slice(0, 3)) world.store.hanging.add(key);
    await world.start(...specs);
    await world.clock.advance(limits.readMs);
    for (const key of names.slice(3)) assert.deepEqual(world.sink.read(key), { [key]: 'v' });
    await world.stop();
  });
});
