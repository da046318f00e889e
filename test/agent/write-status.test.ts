import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { objectHash } from '../../src/observe/external-secret-status.ts';
import { type ApiServer, apiServerPrograms, startApiServer, tokenKubeconfig } from '../peers/apiserver.ts';
import { missing, until } from '../peers/process.ts';
import { Sidecar } from './sidecar.ts';

const objects = '/apis/external-secrets.io/v1/namespaces/shop/externalsecrets';

function specs(key: string): string {
  return `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: demo}
spec: {provider: {fake: {data: [{key: k, value: canary-90ab}]}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db}
spec: {refreshInterval: 1s, secretStoreRef: {name: demo}, data: [{secretKey: a, remoteRef: {key: ${key}}}]}
`;
}

/** As small as a CRD can be that has a status: ESO's own is not needed for what is written here. */
const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'externalsecrets.external-secrets.io' },
  spec: {
    group: 'external-secrets.io',
    scope: 'Namespaced',
    names: {
      plural: 'externalsecrets',
      singular: 'externalsecret',
      kind: 'ExternalSecret',
      listKind: 'ExternalSecretList',
    },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

test('the hash of labels and annotations is ESO\u2019s', () => {
  assert.equal(objectHash('<nil>'), 'c461202a18e99215f121936fb2452e03843828e448a00a53f285a6fc');
  assert.equal(objectHash('hello there'), 'f78681ec611ebaeea0689bff6c7812a83ff98a7faba986d9af76c999');
});

describe('the status of the ExternalSecret object', {
  skip: missing('kubernetes', apiServerPrograms),
}, () => {
  let api: ApiServer;
  let agent: Sidecar;

  before(async () => {
    api = await startApiServer();
    await api.serviceAccount('shop', 'app');
  });
  afterEach(() => agent?.remove());
  after(() => api?.stop());

  const start = async (): Promise<Sidecar> => {
    const prepared = await Sidecar.prepare({ 'specs.yaml': specs('k') });
    const kubeconfig = join(prepared.root, 'kubeconfig');
    await writeFile(kubeconfig, tokenKubeconfig(api, await api.token('shop', 'app')));
    const env = { KUBECONFIG: kubeconfig, POD_NAMESPACE: 'shop' };
    agent = await Sidecar.at(prepared.root, { env, args: ['--write-status'] });
    await agent.start();
    return agent;
  };
  const live = async () => (await api.call('GET', `${objects}/db`)).json;
  const delivers = async () => (await agent.get('/readyz')).status === 200;

  test('where the CRD or the right is missing it is one line, and the secret is delivered', async () => {
    await start();
    await until(() => /status of the ExternalSecret could not be written/.test(agent.output), 10_000);
    assert.match(agent.output, /externalsecrets/);
    assert.ok(await delivers());
    await agent.remove();
    await api.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd);
    await until(async () => (await api.call('GET', objects)).status === 200, 20_000);
    await api.create(objects, {
      apiVersion: 'external-secrets.io/v1',
      kind: 'ExternalSecret',
      metadata: { name: 'db', labels: { app: 'web' } },
      spec: {},
    });
    await start();
    await until(
      () =>
        /resources: \[\\"externalsecrets\\"\], resourceNames: \[\\"db\\"\], verbs: \[\\"get\\"\]/.test(
          agent.output,
        ),
      10_000,
    );
    assert.ok(await delivers());
  });

  test('has ESO\u2019s conditions; the time of a transition is kept, and so is the last success', async () => {
    await api.allow({ namespace: 'shop', name: 'app' }, [
      { apiGroups: ['external-secrets.io'], resources: ['externalsecrets'], verbs: ['get'] },
      { apiGroups: ['external-secrets.io'], resources: ['externalsecrets/status'], verbs: ['patch'] },
    ]);
    await start();
    await until(async () => (await live()).status?.conditions !== undefined, 10_000);
    const synced = await live();
    const [ready] = synced.status.conditions;
    const { lastTransitionTime, ...rest } = ready;
    assert.deepEqual(rest, {
      type: 'Ready',
      status: 'True',
      reason: 'SecretSynced',
      message: 'secret synced',
    });
    assert.match(lastTransitionTime, /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const version = objectHash('{annotations:map[] labels:map[app:web]}');
    assert.equal(synced.status.syncedResourceVersion, `${synced.metadata.generation}-${version}`);
    assert.ok(Date.parse(synced.status.refreshTime) <= Date.now());
    const managers = synced.metadata.managedFields.map(({ manager }: { manager: string }) => manager);
    assert.ok(managers.includes('agent.external-secrets.io/db'));

    // It refreshes every second, and says nothing new: the object stays as it is.
    await until(async () => /"lastSuccess":/.test((await agent.get('/status')).text), 5_000);
    const refreshed = JSON.parse((await agent.get('/status')).text).targets[0].lastSuccess;
    await until(
      async () => JSON.parse((await agent.get('/status')).text).targets[0].lastSuccess !== refreshed,
      10_000,
    );
    assert.equal((await live()).metadata.resourceVersion, synced.metadata.resourceVersion);

    await agent.spec('specs.yaml', specs('gone'));
    await until(async () => (await live()).status.conditions[0].status === 'False', 10_000);
    const failed = (await live()).status;
    assert.equal(failed.conditions[0].reason, 'SecretSyncedError');
    assert.equal(failed.conditions[0].message, 'could not get secret data from provider');
    assert.equal(failed.refreshTime, synced.status.refreshTime);
    assert.equal(failed.syncedResourceVersion, synced.status.syncedResourceVersion);
    assert.doesNotMatch(JSON.stringify(failed), /canary|gone/);
  });

  test('that another manager writes is left to it', async () => {
    const body = {
      status: { conditions: [{ type: 'Ready', status: 'True', reason: 'SecretSynced', message: 'of ESO' }] },
    };
    const contentType = 'application/merge-patch+json';
    const patched = await api.call('PATCH', `${objects}/db/status?fieldManager=external-secrets`, {
      body,
      contentType,
    });
    assert.equal(patched.status, 200);
    await start();
    await until(() => /belong to external-secrets/.test(agent.output), 10_000);
    assert.equal((await live()).status.conditions[0].message, 'of ESO');
    assert.ok(await delivers());
  });
});
