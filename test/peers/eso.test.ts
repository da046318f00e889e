import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Metadata } from '../../src/kube/resource.ts';
import { Sidecar } from '../agent/sidecar.ts';
import { Cluster, namespace } from '../kube/cluster.ts';
import { apiServerPrograms, tokenKubeconfig } from './apiserver.ts';
import { esoPrograms, startEso } from './eso.ts';
import { missing, type Peer, until } from './process.ts';

const group = `/apis/external-secrets.io/v1/namespaces/${namespace}`;
const ours = 'agent.external-secrets.io/';
const esos = 'reconcile.external-secrets.io/';

const store = (name: string, value: string, controller?: string): object => ({
  apiVersion: 'external-secrets.io/v1',
  kind: 'SecretStore',
  metadata: { name },
  spec: { ...(controller && { controller }), provider: { fake: { data: [{ key: 'password', value }] } } },
});

const externalSecret = (name: string, more: { target?: object; annotations?: object } = {}): object => ({
  apiVersion: 'external-secrets.io/v1',
  kind: 'ExternalSecret',
  metadata: { name, annotations: more.annotations ?? {} },
  spec: {
    refreshInterval: '1s',
    secretStoreRef: { name },
    target: more.target ?? {},
    data: [{ secretKey: 'password', remoteRef: { key: 'password' } }],
  },
});

/** Managers of its status. */
const writersOf = ({ metadata }: { metadata: Metadata }): readonly string[] =>
  (metadata.managedFields ?? []).flatMap(({ manager, subresource }) =>
    subresource === 'status' && manager !== undefined ? [manager] : [],
  );

describe('beside External Secrets Operator itself', {
  skip: missing('kubernetes', apiServerPrograms) || missing('eso', esoPrograms),
}, () => {
  let cluster: Cluster;
  let eso: Peer;
  let agent: Sidecar | undefined;
  before(async () => {
    cluster = await Cluster.start();
    await cluster.allow({ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'create', 'patch'] });
    const apiGroups = ['external-secrets.io'];
    await cluster.allow({ apiGroups, resources: ['externalsecrets'], verbs: ['get'] });
    await cluster.allow({ apiGroups, resources: ['externalsecrets/status'], verbs: ['patch'] });
    eso = await startEso(cluster.api);
  });
  afterEach(async () => await agent?.remove());
  after(async () => {
    await eso?.stop();
    await cluster?.stop();
  });

  /** The agent of a pod, with --sync-secret. */
  const start = async (...documents: object[]): Promise<Sidecar> => {
    const specs = documents.map((each) => JSON.stringify(each)).join('\n---\n');
    const { root } = await Sidecar.prepare({ 'specs.yaml': specs });
    await writeFile(`${root}/kubeconfig`, tokenKubeconfig(cluster.api, cluster.token));
    const env = { KUBECONFIG: `${root}/kubeconfig`, POD_NAMESPACE: namespace };
    agent = await Sidecar.at(root, { env, args: ['--sync-secret', '--write-status'] });
    await agent.start();
    return agent;
  };
  const apply = async (kind: string, object: object): Promise<void> =>
    void (await cluster.api.create(`${group}/${kind}`, object));
  const live = async (kind: string, name: string) =>
    (await cluster.api.call('GET', `${group}/${kind}/${name}`)).json;
  const password = async (name: string) => (await cluster.data(name))?.['password'];
  /** Labels, annotations and owners, as one text. */
  const marks = async (name: string) => {
    const { labels, annotations, ownerReferences } = (await cluster.secret(name))?.metadata ?? {};
    return JSON.stringify([labels, annotations, ownerReferences]);
  };
  const synced = (sidecar: Sidecar, name: string) =>
    until(async () => (await sidecar.target(name))['state'] === 'synced', 30_000);
  /** Both go round every second: three of them change nothing. */
  const stays = async (name: string): Promise<void> => {
    const version = async () => (await cluster.secret(name))?.metadata.resourceVersion;
    const before = await version();
    const refreshed = async () => (await agent?.target(name))?.['lastSuccess'];
    for (let round = 0; round < 3; round++) {
      const seen = await refreshed();
      await until(async () => (await refreshed()) !== seen, 10_000);
    }
    assert.equal(await version(), before);
  };

  test('a store with controller external-secrets-agent is ours, and ESO leaves it alone', {
    timeout: 60_000,
  }, async () => {
    const documents = [store('mine', 'v', 'external-secrets-agent'), externalSecret('mine')] as const;
    await apply('secretstores', documents[0]);
    await apply('externalsecrets', documents[1]);
    // One that ESO does take shows that it had its turn.
    await apply('secretstores', store('theirs', 'v'));
    await apply('externalsecrets', externalSecret('theirs'));
    await until(async () => (await password('theirs')) === 'v', 30_000);
    const running = await start(...documents);
    await synced(running, 'mine');
    await stays('mine');
    assert.equal((await live('secretstores', 'mine')).status, undefined);
    const { status } = await live('externalsecrets', 'mine');
    assert.deepEqual(writersOf(await live('externalsecrets', 'mine')), [`${ours}mine`]);
    assert.equal(status.conditions[0].reason, 'SecretSynced');
    assert.equal(status.binding.name, 'mine');
    assert.ok(!(await marks('mine')).includes(esos));
  });

  test('a store of another class is refused by name', { timeout: 60_000 }, async () => {
    const running = await start(store('other', 'v', 'other'), externalSecret('other'));
    await until(() => /SpecInvalid.*controller/.test(running.output), 10_000);
    assert.equal(await password('other'), undefined);
  });

  test('one YAML for both: the Secret stays ESO’s, and the files are ours', {
    timeout: 60_000,
  }, async () => {
    const documents = [store('both', 'v'), externalSecret('both')] as const;
    await apply('secretstores', documents[0]);
    await apply('externalsecrets', documents[1]);
    await until(async () => (await password('both')) === 'v', 30_000);
    const before = await marks('both');
    const running = await start(...documents);
    await until(async () => (await running.target('both'))['code'] === 'Denied', 20_000);
    assert.match(running.output, /adopt: eso/);
    assert.equal(await running.text('both', 'password'), 'v');
    assert.equal(await marks('both'), before);
    // The agent is refused, and ESO is not: where ESO writes the status, ESO's word stays.
    await until(() => /belong to external-secrets/.test(running.output), 20_000);
    const object = await live('externalsecrets', 'both');
    assert.ok(!writersOf(object).includes(`${ours}both`));
    assert.equal(object.status.conditions[0].reason, 'SecretSynced');
  });

  test('to the agent and back, as docs/migration.md has it, and never without a Secret', {
    timeout: 120_000,
  }, async () => {
    await apply('secretstores', store('moved', 'of-eso'));
    await apply('externalsecrets', externalSecret('moved'));
    await until(async () => (await password('moved')) === 'of-eso', 30_000);
    const { uid } = (await cluster.secret('moved'))!.metadata;

    // ESO gives the Secret up.
    const path = `${group}/externalsecrets/moved`;
    const orphan = { spec: { target: { creationPolicy: 'Orphan' } } };
    await cluster.api.call('PATCH', path, { body: orphan, contentType: 'application/merge-patch+json' });
    await until(async () => (await cluster.secret('moved'))?.metadata.ownerReferences === undefined, 30_000);
    await cluster.api.call('DELETE', path);
    await until(async () => (await cluster.api.call('GET', path)).status === 404, 30_000);

    // The agent takes it over.
    const annotations = { [`${ours}adopt`]: 'eso' };
    const running = await start(store('moved', 'of-agent'), externalSecret('moved', { annotations }));
    await until(async () => (await password('moved')) === 'of-agent', 40_000);
    await synced(running, 'moved');
    assert.ok(!(await marks('moved')).includes(esos), await marks('moved'));
    assert.ok((await marks('moved')).includes(ours));
    await stays('moved');

    // And ESO again, with the annotation of the agent still there.
    await running.stop();
    await apply('externalsecrets', externalSecret('moved', { annotations }));
    await until(async () => (await password('moved')) === 'of-eso', 30_000);
    const ready = async () =>
      (await live('externalsecrets', 'moved')).status?.conditions?.find(
        ({ type }: { type: string }) => type === 'Ready',
      );
    await until(async () => (await ready())?.status === 'True', 30_000);
    const secret = (await cluster.secret('moved'))!;
    assert.equal(
      secret.metadata.ownerReferences?.find(({ controller }) => controller)?.kind,
      'ExternalSecret',
    );
    assert.equal(secret.metadata.uid, uid, 'it was one Secret all the time');
  });
});
