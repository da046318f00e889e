import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { AgentError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { type Kube, openKubeAt } from '../../src/kube/client.ts';
import { PodEvents } from '../../src/observe/events.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { type ApiServer, apiServerPrograms, startApiServer } from '../peers/apiserver.ts';
import { missing, until } from '../peers/process.ts';
import { agentState } from './states.ts';

describe('Events are few', { skip: missing('kubernetes', apiServerPrograms) }, () => {
  let api: ApiServer;
  let kube: Kube;

  before(async () => {
    api = await startApiServer();
    for (const name of ['one', 'two', 'three', 'four']) await api.serviceAccount(name, 'app');
    const { cert, key } = api.admin;
    kube = openKubeAt({ server: api.url, ca: async () => api.ca, cert, key }, systemClock);
  });
  after(async () => {
    await kube?.close();
    await api?.stop();
  });

  const open = (namespace: string, clock = new ManualClock()) => {
    const pod = { namespace, name: 'web', uid: 'uid' };
    const events = new PodEvents({
      kube: async () => kube,
      pod,
      clock,
      log: silentLog,
      view: () => agentState([]),
    });
    return { events, clock };
  };
  const listed = async (
    namespace: string,
  ): Promise<readonly { message: string; count: number; name: string }[]> => {
    const { json } = await api.call('GET', `/api/v1/namespaces/${namespace}/events`);
    return json.items.map((item: { message: string; count: number; metadata: { name: string } }) => ({
      message: item.message,
      count: item.count,
      name: item.metadata.name,
    }));
  };
  const fault = (message: string) => new AgentError('Unavailable', message);
  const counts = async (namespace: string) => (await listed(namespace)).map(({ count }) => count);

  test('the same is one Event, written at 1, 2, 4, 8 … times', async () => {
    const { events } = open('one');
    for (let i = 1; i <= 11; i++) {
      events.refused([fault('down')]);
      // The count is as of the writing: each is let through before the next is said.
      await until(async () => (await counts('one'))[0] === 2 ** Math.floor(Math.log2(i)), 5_000);
    }
    assert.deepEqual(await counts('one'), [8]);
  });

  test('different ones come in a burst, and then one in half a minute', async () => {
    const { events, clock } = open('two');
    for (let i = 0; i < 60; i++) events.refused([fault(`down ${i}`)]);
    await until(async () => (await listed('two')).length === 20, 5_000);
    await clock.advance(61_000);
    for (let i = 60; i < 70; i++) events.refused([fault(`down ${i}`)]);
    await until(async () => (await listed('two')).length === 22, 5_000);
  });

  test('one that has expired is made anew', async () => {
    const { events, clock } = open('three');
    events.refused([fault('down')]);
    await until(async () => (await listed('three')).length === 1, 5_000);
    const [first] = await listed('three');
    await api.call('DELETE', `/api/v1/namespaces/three/events/${first!.name}`);
    await clock.advance(31 * 60_000);
    for (let i = 0; i < 2; i++) events.refused([fault('down')]);
    await until(async () => (await listed('three')).length === 1, 5_000);
    assert.notEqual((await listed('three'))[0]!.name, first!.name);
  });

  test('a message is cut to what the API server takes', async () => {
    const { events } = open('four');
    events.refused([fault('ü'.repeat(2_000))]);
    await until(async () => (await listed('four')).length === 1, 5_000);
    assert.match((await listed('four'))[0]!.message, /^Unavailable: ü+…$/);
  });

  test('an API server that hangs or refuses holds nothing up', async () => {
    const clock = new ManualClock();
    const logged: string[] = [];
    const log = { ...silentLog, warn: (_: object, message: string) => void logged.push(message) };
    const denied = openKubeAt(
      { server: api.url, ca: async () => api.ca, token: async () => Secret.of('nobody') },
      systemClock,
    );
    const pod = { namespace: 'one', name: 'web', uid: 'uid' };
    const events = new PodEvents({ kube: async () => denied, pod, clock, log, view: () => agentState([]) });
    events.refused([fault('first')]);
    await until(() => logged.length === 1, 5_000);
    for (let i = 0; i < 10; i++) events.refused([fault(`again ${i}`)]);
    assert.deepEqual(logged, ['no Event could be written']);
    await denied.close();
  });
});
