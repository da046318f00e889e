import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { silentLog } from '../../src/base/log.ts';
import { fieldManagerOf } from '../../src/kube/field-owner.ts';
import type { OwnerReference } from '../../src/kube/resource.ts';
import { openKubernetesSecret } from '../../src/sinks/kubernetes-secret.ts';
import { contentHash } from '../../src/sinks/kubernetes-secret-object.ts';
import { parseOwner } from '../../src/sinks/kubernetes-secret-owner.ts';
import type { ExternalSecret, Template } from '../../src/spec/spec.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { Cluster, Counted, drive, namespace } from '../kube/cluster.ts';
import { externalSecret, type SpecOptions, World } from '../loop/world.ts';
import { apiServerPrograms } from '../peers/apiserver.ts';
import { missing } from '../peers/process.ts';

const managed = 'agent.external-secrets.io/managed';

/** A loop whose one store holds `key`, with files in memory and Secrets in the cluster. */
class Replica {
  readonly world: World;
  readonly counted: Counted;
  readonly spec: ExternalSecret;

  constructor(
    cluster: Cluster,
    spec: ExternalSecret,
    options: { value?: string; clock?: ManualClock; seed?: number; owner?: OwnerReference } = {},
  ) {
    this.spec = spec;
    this.counted = new Counted(cluster.asPod());
    const kube = async () => this.counted.kube;
    const { owner, clock = new ManualClock({ seed: options.seed ?? 1 }) } = options;
    this.world = new World({
      clock,
      also: () => [openKubernetesSecret({ kube, namespace, owner, clock, log: silentLog })],
    });
    this.value = options.value ?? 'v1';
  }

  set value(value: string) {
    this.world.store.values.set('key', value);
  }

  get state() {
    return this.world.state(this.spec.name);
  }

  async until(done: () => boolean | Promise<boolean>): Promise<void> {
    await drive(this.world.clock, [this.counted], done);
  }

  /** Starts it, and waits for the first outcome. */
  async start(): Promise<this> {
    await this.world.start(this.spec);
    await this.until(() => this.#attempts > 0);
    return this;
  }

  /** Until this round has come to its end. */
  async settled(): Promise<void> {
    const ended = this.#attempts;
    await this.until(() => this.#attempts > ended);
  }

  /** Synced anew, by somebody who asks for it. */
  async refresh(): Promise<void> {
    this.world.loop.refresh();
    await this.settled();
  }

  get #attempts(): number {
    return this.world.events.filter(({ kind }) => kind === 'attempt').length;
  }

  async stop(): Promise<void> {
    await this.world.stop();
    await this.counted.kube.close();
  }
}

describe('Kubernetes Secrets', { skip: missing('kubernetes', apiServerPrograms) }, () => {
  let cluster: Cluster;
  const replicas: Replica[] = [];
  before(async () => {
    cluster = await Cluster.start();
    const verbs = ['get', 'patch', 'create', 'delete'];
    await cluster.allow({ apiGroups: [''], resources: ['secrets'], verbs });
  });
  after(async () => {
    for (const replica of replicas) await replica.stop();
    await cluster.stop();
  });

  const start = async (
    name: string,
    options: SpecOptions = {},
    more: ConstructorParameters<typeof Replica>[2] = {},
  ): Promise<Replica> => {
    const replica = new Replica(cluster, externalSecret(name, { keys: ['key'], ...options }), more);
    replicas.push(replica);
    return await replica.start();
  };
  const versionOf = async (name: string) => (await cluster.secret(name))?.metadata.resourceVersion;

  test('nothing is written while nothing differs', async () => {
    const replica = await start('quiet');
    const before = await versionOf('quiet');
    await replica.refresh();
    await replica.refresh();
    assert.equal(await versionOf('quiet'), before);
    assert.deepEqual(
      replica.counted.calls.filter((call) => !call.startsWith('get')),
      ['apply quiet'],
    );
  });

  describe('tampering is repaired, with a value fetched for it', () => {
    const edits: Record<string, object> = {
      'a value is changed': { data: { key: 'aGFja2Vk' } },
      'a key is added': { data: { other: 'aGFja2Vk' } },
      'a key is removed': { data: { key: null } },
      'the label is removed': { metadata: { labels: { [managed]: null } } },
      'the hash is changed': { metadata: { annotations: { [contentHash]: 'x' } } },
    };
    Object.entries(edits).forEach(([what, patch], i) => {
      test(what, async () => {
        const name = `tampered-${i}`;
        const replica = await start(name);
        await cluster.edit(name, patch);
        const reads = replica.world.store.calls.length;
        await replica.refresh();
        assert.equal(replica.state.condition.status, 'True');
        assert.deepEqual(await cluster.data(name), { key: 'v1' });
        assert.equal((await cluster.secret(name))?.metadata.labels?.[managed], 'true');
        assert.equal(replica.world.store.calls.length, reads + 1);
        const whole = await versionOf(name);
        await replica.refresh();
        assert.equal(await versionOf(name), whole);
      });
    });

    test('the Secret is deleted', async () => {
      const replica = await start('deleted');
      await cluster.api.call('DELETE', `/api/v1/namespaces/${namespace}/secrets/deleted`);
      await replica.refresh();
      assert.deepEqual(await cluster.data('deleted'), { key: 'v1' });
    });
  });

  describe('a replica that is late', () => {
    test('waits its turn, sees a newer value and fetches again', async () => {
      const late = await start('late', {}, { value: 'v0' });
      const other = await start('late', {}, { value: 'v0', seed: 2 });
      // It fetches v1 and sleeps before it writes, while the other goes on to v1 and v2.
      late.value = 'v1';
      late.world.loop.refresh();
      await drive(late.world.clock, [late.counted], () => late.world.sink.read('late')?.['key'] === 'v1');
      for (const value of ['v1', 'v2']) {
        other.value = value;
        await other.refresh();
      }
      assert.deepEqual(await cluster.data('late'), { key: 'v2' });
      const whole = await versionOf('late');
      late.value = 'v2';
      await late.until(
        () => late.world.sink.read('late')?.['key'] === 'v2' && late.state.error === undefined,
      );
      await late.refresh();
      assert.equal(await versionOf('late'), whole);
    });

    test('loses at the last moment too: between its look and its write', async () => {
      const late = await start('beaten', {}, { value: 'v0' });
      const other = await start('beaten', {}, { value: 'v0', seed: 2 });
      const { kube } = late.counted;
      const apply = kube.apply.bind(kube);
      let beaten = 0;
      kube.apply = async (...args) => {
        if (beaten++ === 0) {
          other.value = 'v2';
          await other.refresh();
          late.value = 'v2';
        }
        return await apply(...args);
      };
      late.value = 'v1';
      await late.refresh();
      await late.until(() => late.world.sink.read('beaten')?.['key'] === 'v2');
      assert.equal(beaten, 1);
      assert.deepEqual(await cluster.data('beaten'), { key: 'v2' });
      assert.equal(late.state.error, undefined);
    });

    test('does not create what another has created since', async () => {
      const spec = externalSecret('created', { keys: ['key'] });
      const late = new Replica(cluster, spec, { value: 'v1' });
      replicas.push(late);
      const { kube } = late.counted;
      const apply = kube.apply.bind(kube);
      let tries = 0;
      kube.apply = async (...args) => {
        if (tries++ === 0) {
          await start('created', {}, { value: 'v2', seed: 2 });
          late.value = 'v2';
        }
        return await apply(...args);
      };
      await late.start();
      await late.until(() => late.state.condition.status === 'True');
      assert.equal(tries, 1);
      assert.deepEqual(await cluster.data('created'), { key: 'v2' });
    });

    test('does not delete what another has written since', async () => {
      const options: SpecOptions = { deletionPolicy: 'Delete' };
      const late = await start('kept', options);
      const other = await start('kept', options, { seed: 2 });
      const { kube } = late.counted;
      const remove = kube.delete.bind(kube);
      let tries = 0;
      kube.delete = async (...args) => {
        if (tries++ === 0) {
          other.value = 'v2';
          await other.refresh();
          late.value = 'v2';
        }
        return await remove(...args);
      };
      late.world.store.values.delete('key');
      await late.refresh();
      await late.until(() => tries === 1);
      await late.until(() => late.world.sink.read('kept')?.['key'] === 'v2');
      assert.deepEqual(await cluster.data('kept'), { key: 'v2' });
    });
  });

  test('who always loses says so, and goes on trying', async () => {
    const replica = await start('contended', {}, { value: 'v1' });
    const { kube } = replica.counted;
    const apply = kube.apply.bind(kube);
    let edits = 0;
    kube.apply = async (...args) => {
      if (edits < 5)
        await cluster.edit('contended', { metadata: { annotations: { edit: String(++edits) } } });
      return await apply(...args);
    };
    replica.value = 'v2';
    replica.world.loop.refresh();
    await replica.until(() => replica.state.error !== undefined);
    assert.equal(replica.state.error?.message, 'Secret contended changes faster than it can be written');
    assert.equal(replica.state.error?.code, 'PublishFailed');
    await replica.until(() => replica.state.error === undefined);
    assert.equal(edits, 5);
    assert.deepEqual(await cluster.data('contended'), { key: 'v2' });
  });

  test('a proven absence is confirmed three times, by a pod that never delivered the key as well', async () => {
    const first = await start('absent', { deletionPolicy: 'Delete' });
    await first.stop();
    replicas.splice(replicas.indexOf(first), 1);
    const fresh = new Replica(cluster, first.spec, { seed: 2 });
    replicas.push(fresh);
    fresh.world.store.values.delete('key');
    const began = fresh.world.clock.now();
    await fresh.start();
    assert.deepEqual(await cluster.data('absent'), { key: 'v1' });
    await fresh.until(() => fresh.state.condition.reason === 'SecretDeleted');
    assert.ok(fresh.world.clock.now() - began >= 60_000);
    assert.equal(await cluster.data('absent'), undefined);
  });

  describe("a Secret of ESO's", () => {
    const labels = {
      'reconcile.external-secrets.io/managed': 'true',
      'reconcile.external-secrets.io/created-by': 'abc',
    };
    const annotations = { 'reconcile.external-secrets.io/data-hash': 'def' };
    const esos = (name: string) => ({
      metadata: {
        labels,
        annotations,
        ownerReferences: [
          {
            apiVersion: 'external-secrets.io/v1',
            kind: 'ExternalSecret',
            name,
            uid: 'e-1',
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
    });

    test('is taken over when the annotation says so, and all marks of ESO go', async () => {
      await cluster.make('adopted', { key: 'eso', stale: 'eso' }, esos('adopted'));
      const replica = await start('adopted', { options: { adopt: 'eso' } });
      assert.equal(replica.state.condition.status, 'True');
      assert.deepEqual(await cluster.data('adopted'), { key: 'v1' });
      const { metadata } = (await cluster.secret('adopted'))!;
      assert.deepEqual(metadata.labels, { [managed]: 'true' });
      assert.ok(!Object.keys(metadata.annotations ?? {}).some((key) => key.startsWith('reconcile.')));
      assert.equal(metadata.ownerReferences, undefined);
      const whole = metadata.resourceVersion;
      await replica.refresh();
      assert.equal(await versionOf('adopted'), whole);
    });

    test('keeps the ExternalSecret as its owner, which no longer controls it', async () => {
      await cluster.make('adopted-uid', { key: 'eso' }, esos('adopted-uid'));
      await start('adopted-uid', { options: { adopt: 'eso' }, uid: 'e-1' });
      const { metadata } = (await cluster.secret('adopted-uid'))!;
      const apiVersion = 'external-secrets.io/v1';
      assert.deepEqual(metadata.ownerReferences, [
        { apiVersion, kind: 'ExternalSecret', name: 'adopted-uid', uid: 'e-1' },
      ]);
    });

    test('of another ExternalSecret is left alone all the same', async () => {
      await cluster.make('anothers', { key: 'eso' }, esos('another'));
      const replica = await start('anothers', { options: { adopt: 'eso' } });
      assert.equal(replica.state.condition.message, 'target is owned by another ExternalSecret');
      assert.equal(replica.state.error?.message, 'Secret anothers belongs to ExternalSecret another');
      assert.deepEqual(await cluster.data('anothers'), { key: 'eso' });
    });

    test('is refused with the annotation to set', async () => {
      await cluster.make('refused', { key: 'eso' }, esos('refused'));
      const replica = await start('refused');
      assert.equal(replica.state.error?.code, 'Denied');
      assert.match(replica.state.error?.remedy ?? '', /agent\.external-secrets\.io\/adopt: eso/);
    });
  });

  test('the Secret of another ExternalSecret of ours is left alone', async () => {
    await start('one', { targetName: 'shared' });
    const other = await start('two', { targetName: 'shared' }, { value: 'theirs' });
    assert.equal(other.state.condition.message, 'target is owned by another ExternalSecret');
    assert.deepEqual(await cluster.data('shared'), { key: 'v1' });
  });

  test('files are delivered even where the Secret cannot be: over 1 MiB', async () => {
    const value = 'x'.repeat(1024 * 1024 + 1);
    const replica = await start('large', {}, { value });
    assert.equal(replica.world.sink.read('large')?.['key']?.length, value.length);
    const { error, condition } = replica.state;
    assert.equal(condition.message, 'could not update secret');
    assert.equal(error?.code, 'PublishFailed');
    assert.equal(error?.message, 'Secret large would hold 1048577 bytes, and the API server takes 1048576');
    assert.match(error?.remedy ?? '', /split the ExternalSecret/);
    assert.deepEqual(
      replica.counted.calls.filter((call) => !call.startsWith('get')),
      [],
    );
  });

  test('exactly 1 MiB is taken by the API server', async () => {
    const replica = await start('full', {}, { value: 'x'.repeat(1024 * 1024) });
    assert.equal(replica.state.condition.status, 'True', replica.state.error?.message);
  });

  test('spec.target.immutable: made immutable, and its values stay', async () => {
    const target = { immutable: true };
    const replica = await start('fixed', { target });
    assert.equal((await cluster.secret('fixed'))?.immutable, true);
    replica.value = 'v2';
    await replica.refresh();
    assert.equal(replica.state.condition.message, 'secret synced');
    assert.deepEqual(await cluster.data('fixed'), { key: 'v1' });
    assert.equal(replica.world.sink.read('fixed')?.['key'], 'v2');
    await cluster.make('fixed-later', { key: 'hand' });
    const owner = parseOwner('apps/v1/Deployment/web/u-web');
    const later = await start('fixed-later', { target }, { owner });
    const fixed = (await cluster.secret('fixed-later'))!;
    assert.equal(fixed.immutable, true);
    assert.deepEqual(fixed.metadata.ownerReferences, [owner], 'who owns it is kept right all the same');
    assert.equal(fixed.metadata.labels?.[managed], 'true');
    assert.deepEqual(await cluster.data('fixed-later'), { key: 'hand' });
    await later.refresh();
    assert.equal(await versionOf('fixed-later'), fixed.metadata.resourceVersion);
    const orphan = { ...target, creationPolicy: 'Orphan' as const };
    await start('fixed-later', { target: orphan }, { owner, seed: 2 });
    assert.equal((await cluster.secret('fixed-later'))?.metadata.ownerReferences, undefined);
  });

  const at = {};
  const template = (more: Partial<Template>): Template => ({
    at,
    type: '',
    mergePolicy: 'Merge',
    labels: new Map(),
    annotations: new Map(),
    finalizers: [],
    data: new Map(),
    templateFrom: [],
    ...more,
  });

  test('type, labels, annotations and finalizers of the template', async () => {
    const finalizers = ['example.com/hold'];
    const { metadata, type } = await withTemplate('dressed', {
      type: 'example.com/db',
      labels: new Map([['app', { text: 'db', at: {} }]]),
      annotations: new Map([['note', { text: '{{ .key }}!', at: {} }]]),
      finalizers,
    });
    assert.equal(type, 'example.com/db');
    assert.deepEqual(metadata.labels, { app: 'db', [managed]: 'true' });
    assert.equal(metadata.annotations?.['note'], 'v1!');
    assert.deepEqual(metadata.finalizers, finalizers);
    // Finalizers are only added, labels go with the template, the type stays when the template has none.
    const bare = await withTemplate('dressed', {});
    assert.deepEqual(bare.metadata.finalizers, finalizers);
    assert.deepEqual(bare.metadata.labels, { [managed]: 'true' });
    assert.equal(bare.type, 'example.com/db');
    const replica = await start('dressed', { target: { template: template({ type: 'example.com/other' }) } });
    assert.equal(
      replica.state.error?.message,
      'Secret dressed is of type example.com/db, which cannot become example.com/other',
    );
    await cluster.edit('dressed', { metadata: { finalizers: null } });
  });

  const withTemplate = async (name: string, more: Partial<Template>) => {
    const replica = await start(name, { target: { template: template(more) }, revision: Math.random() });
    assert.equal(replica.state.condition.status, 'True', replica.state.error?.message);
    return (await cluster.secret(name))!;
  };

  test('a finalizer of another manager is left to it: we do not apply it as well', async () => {
    await cluster.make('guarded', { key: 'old' }, { metadata: { finalizers: ['example.com/guard'] } });
    await start('guarded');
    const { metadata } = (await cluster.secret('guarded'))!;
    assert.deepEqual(metadata.finalizers, ['example.com/guard']);
    const ours = metadata.managedFields?.find(({ manager }) => manager === fieldManagerOf('guarded'));
    assert.doesNotMatch(JSON.stringify(ours), /finalizers/);
  });

  test('a random template is one value for all replicas, however often it is rendered', async () => {
    const text = '{{ randAlphaNum 20 }}';
    const target = { template: template({ data: new Map([['random', { text, at }]]) }) };
    const first = await start('random', { target });
    const whole = await versionOf('random');
    const second = await start('random', { target }, { seed: 2 });
    await first.refresh();
    await second.refresh();
    assert.equal(await versionOf('random'), whole);
    const { random } = (await cluster.data('random'))!;
    assert.equal(first.world.sink.read('random')?.['random'], random);
  });

  test('without a template labels and annotations of the ExternalSecret are copied, but for book-keeping', async () => {
    const spec = {
      ...externalSecret('copied', { keys: ['key'] }),
      labels: new Map([['team', 'a']]),
      annotations: new Map([
        ['note', 'b'],
        ['agent.external-secrets.io/format', 'env'],
        ['reconcile.external-secrets.io/data-hash', 'x'],
      ]),
    };
    const replica = new Replica(cluster, spec);
    replicas.push(replica);
    await replica.start();
    const { labels, annotations } = (await cluster.secret('copied'))!.metadata;
    assert.deepEqual(labels, { team: 'a', [managed]: 'true' });
    assert.deepEqual(Object.keys(annotations ?? {}).sort(), [
      'agent.external-secrets.io/content-hash',
      'agent.external-secrets.io/data-hash',
      'note',
    ]);
  });

  describe('owners', () => {
    const web = parseOwner('apps/v1/Deployment/web/u-web');
    const job = parseOwner('batch/v1/CronJob/job/u-job');

    test('join: a Secret of two Deployments is kept until both are gone', async () => {
      const first = await start('owned', {}, { owner: web });
      const second = await start('owned', {}, { owner: job, seed: 2 });
      assert.deepEqual((await cluster.secret('owned'))?.metadata.ownerReferences, [web, job]);
      const whole = await versionOf('owned');
      await first.refresh();
      await second.refresh();
      assert.equal(await versionOf('owned'), whole);
    });

    test('go with a policy that is Owner no more', async () => {
      await start('left', {}, { owner: web });
      await start('left', { target: { creationPolicy: 'Orphan' } }, { owner: web, seed: 2 });
      const { metadata } = (await cluster.secret('left'))!;
      assert.equal(metadata.ownerReferences, undefined);
      assert.deepEqual(await cluster.data('left'), { key: 'v1' });
    });

    test('a core kind has no group, and half an owner is none', () => {
      assert.deepEqual(parseOwner('v1/Pod/web-0/u'), {
        apiVersion: 'v1',
        kind: 'Pod',
        name: 'web-0',
        uid: 'u',
      });
      for (const text of ['web', 'Deployment/web/u', 'apps//Deployment/web/u', 'a/b/c/d/e/f', 'v1/Pod//u'])
        assert.throws(() => parseOwner(text), { code: 'SpecInvalid' });
    });
  });

  test('the longest name of an ExternalSecret is a field manager still', async () => {
    const name = `${'a'.repeat(62)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;
    assert.ok(fieldManagerOf(name).length <= 128);
    const replica = await start(name);
    assert.equal(replica.state.condition.status, 'True', replica.state.error?.message);
    replica.value = 'v2';
    await replica.refresh();
    assert.deepEqual(await cluster.data(name), { key: 'v2' });
  });
});
