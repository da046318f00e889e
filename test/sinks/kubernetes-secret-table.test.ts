import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AgentError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Kube } from '../../src/kube/client.ts';
import { PodEvents } from '../../src/observe/events.ts';
import { openKubernetesSecret } from '../../src/sinks/kubernetes-secret.ts';
import { contentHash, dataHash, managedLabel } from '../../src/sinks/kubernetes-secret-object.ts';
import type { ExternalSecret } from '../../src/spec/spec.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { Cluster, Counted, drive, namespace } from '../kube/cluster.ts';
import { externalSecret, World } from '../loop/world.ts';
import { apiServerPrograms } from '../peers/apiserver.ts';
import { missing } from '../peers/process.ts';
import { expected, held, policies, type Row, rows } from './policy-rows.ts';

const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd-1' };

describe('a Secret after a sync, as ESO would leave it', {
  skip: missing('kubernetes', apiServerPrograms),
}, () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start();
    const verbs = ['get', 'patch', 'create', 'delete'];
    await cluster.allow({ apiGroups: [''], resources: ['secrets'], verbs });
    await cluster.allow({ apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] });
  });
  after(async () => cluster.stop());

  for (const [creation, deletion] of policies) {
    test(`creationPolicy ${creation}, deletionPolicy ${deletion}`, async () => {
      const own = rows.filter((row) => row.creation === creation && row.deletion === deletion);
      const kube = cluster.asPod();
      for (const group of chunks(own, 10)) await Promise.all(group.map((row) => check(cluster, row, kube)));
      await kube.close();
    });
  }
});

async function check(cluster: Cluster, row: Row, kube: Kube): Promise<void> {
  const spec = externalSecret(row.name, {
    keys: ['key'],
    deletionPolicy: row.deletion,
    target: { creationPolicy: row.creation },
  });
  await prepare(cluster, row, spec);
  const before = await cluster.secret(row.name);
  const counted = new Counted(kube);
  const events = eventsOf(row, kube, () => world);
  const world: World = new World({
    also: (clock) => [
      openKubernetesSecret({ kube: async () => counted.kube, namespace, owner, clock, log: silentLog }),
    ],
    observe: (event) => events.record(event),
  });
  answer(world, row.answer);
  await world.start(spec);
  await drive(world.clock, [counted], () => world.state(row.name).condition.status !== 'Unknown');
  const { status, reason, message } = world.state(row.name).condition;
  await world.stop();
  await events.close();
  assert.deepEqual(await eventsOn(cluster, row), [expectedEvent(row)], row.name);
  assert.deepEqual({ data: await cluster.data(row.name), status, reason, message }, expected(row), row.name);
  if (row.creation === 'None') assert.deepEqual(counted.calls, []);
  if (status === 'False' || row.creation === 'None')
    assert.deepEqual(await cluster.secret(row.name), before, `${row.name}: nothing of it is touched`);
  await checkMarks(cluster, row);
}

/** As `--events` has it, on a pod that has the name of the row. */
function eventsOf({ name }: Row, kube: Kube, world: () => World): PodEvents {
  return new PodEvents({
    kube: async () => kube,
    pod: { namespace, name, uid: name },
    clock: new ManualClock({ seed: 1 }),
    log: silentLog,
    view: () => world().loop.view(),
  });
}

async function eventsOn({ api }: Cluster, { name }: Row): Promise<string[]> {
  const selector = encodeURIComponent(`involvedObject.name=${name}`);
  const { json } = await api.call('GET', `/api/v1/namespaces/${namespace}/events?fieldSelector=${selector}`);
  const events: { type: string; reason: string; message: string }[] = json.items;
  for (const { message } of events) assert.ok(message.startsWith(`ExternalSecret ${name}`), message);
  return events.map(({ type, reason }) => `${type} ${reason}`);
}

/** ESO has one reason for every failure, UpdateFailed: ours is the code, as everywhere. */
function expectedEvent(row: Row): string {
  const { status, reason, message } = expected(row);
  if (status === 'True') return `Normal ${reason.replace('Secret', '')}`;
  if (message !== 'could not get secret data from provider') return 'Warning Denied';
  const codes = {
    value: '',
    absent: 'NotFound',
    denied: 'Denied',
    error: 'Unavailable',
    timeout: 'Unavailable',
  };
  return `Warning ${codes[row.answer]}`;
}

/** Where the Secret was written it has the declared owner under Owner and none of ours otherwise, and our marks. */
async function checkMarks(cluster: Cluster, row: Row): Promise<void> {
  const outcome = expected(row);
  if (outcome.reason !== 'SecretSynced' || outcome.data === undefined || row.creation === 'None') return;
  const { labels, annotations = {}, ownerReferences = [] } = (await cluster.secret(row.name))!.metadata;
  const ours = ownerReferences.filter(({ uid }) => uid === owner.uid);
  assert.deepEqual(ours, row.creation === 'Owner' ? [owner] : [], row.name);
  assert.equal(ownerReferences.length - ours.length, row.state === 'foreign' ? 1 : 0, row.name);
  assert.equal(labels?.[managedLabel], 'true', row.name);
  assert.deepEqual(Object.keys(annotations).sort(), [contentHash, dataHash].sort(), row.name);
}

function answer(world: World, kind: Row['answer']): void {
  const { store } = world;
  if (kind === 'value') store.values.set('key', 'new');
  if (kind === 'denied') store.fault = new AgentError('Denied', 'no');
  if (kind === 'error') store.fault = new AgentError('Unavailable', 'the store answers 500');
  if (kind === 'timeout') store.hanging.add('key');
}

async function prepare(cluster: Cluster, row: Row, spec: ExternalSecret): Promise<void> {
  const data = held[row.state];
  if (data === undefined) return;
  const controller = { controller: true, name: row.name };
  switch (row.state) {
    case 'ours':
      return await prepareOurs(cluster, row, spec);
    case 'foreign': {
      const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', uid: 's-1', ...controller }];
      return void (await cluster.make(row.name, data, { metadata: { ownerReferences } }));
    }
    case 'eso': {
      const labels = { 'reconcile.external-secrets.io/managed': 'true' };
      const apiVersion = 'external-secrets.io/v1';
      const ownerReferences = [{ apiVersion, kind: 'ExternalSecret', uid: 'e-1', ...controller }];
      return void (await cluster.make(row.name, data, { metadata: { labels, ownerReferences } }));
    }
    default:
      await cluster.make(row.name, data, row.state === 'immutable' ? { immutable: true } : {});
  }
}

/** By another pod, which the store gave the value `old`. */
async function prepareOurs(cluster: Cluster, row: Row, spec: ExternalSecret): Promise<void> {
  if (row.creation === 'None') return void (await cluster.make(row.name, held.ours!));
  if (row.creation === 'Merge' || row.creation === 'CreateOrMerge')
    await cluster.make(row.name, { extra: 'hand' });
  const counted = new Counted(cluster.asPod());
  const world = new World({
    clock: new ManualClock({ seed: 9 }),
    also: (clock) => [
      openKubernetesSecret({ kube: async () => counted.kube, namespace, owner, clock, log: silentLog }),
    ],
  });
  world.store.values.set('key', 'old');
  await world.start(spec);
  await drive(world.clock, [counted], () => world.state(row.name).condition.status === 'True');
  await world.stop();
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  const count = Math.ceil(list.length / size);
  return Array.from({ length: count }, (_, i) => list.slice(i * size, (i + 1) * size));
}
