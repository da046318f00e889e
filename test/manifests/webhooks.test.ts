import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { agentOf, type PodParts, pod, prefix } from '../inject/pods.ts';
import { startInjector, type TestInjector } from '../inject/webhooks.ts';
import { type ApiServer, apiServerPrograms, startApiServer } from '../peers/apiserver.ts';
import { missing, until } from '../peers/process.ts';
import { documentsOf, type Loose, looseCrd, pathOf } from './documents.ts';

const finalizers = ['example.com/held'];
const merge = { contentType: 'application/merge-patch+json' };

/** The configurations as they are shipped, but for the Service, which only a kube-proxy would lead to. */
describe('the webhooks as they are installed', { skip: missing('kubernetes', apiServerPrograms) }, () => {
  let api: ApiServer;
  let injector: TestInjector;

  before(async () => {
    [api, injector] = await Promise.all([startApiServer(), startInjector()]);
    await api.create('/api/v1/namespaces', { metadata: { name: 'apps' } });
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await api.create(crds, looseCrd('SecretStore', 'Namespaced'));
    await api.create(crds, looseCrd('ExternalSecret', 'Namespaced'));
    await until(async () => (await post(externalSecret('probe'), '?dryRun=All')).status === 201, 20_000);
    // Older than the webhooks, and wrong.
    for (const each of [externalSecret('old', { wrong: 1 }), specs('old', 'kind: Nonsense')]) {
      each.metadata.finalizers = finalizers;
      assert.equal((await post(each)).status, 201);
    }
    for (const document of documentsOf('kustomize/base/injector.yaml').filter(isConfiguration)) {
      await api.create(pathOf(document), { ...document, webhooks: document.webhooks.map(byUrl) });
    }
    await until(async () => agentOf((await admit('probe')).json)?.restartPolicy === 'Always', 20_000);
    await until(async () => (await post(specs('probe', 'x'), '?dryRun=All')).status === 403, 20_000);
    await until(
      async () => (await post(externalSecret('probe', { wrong: 1 }), '?dryRun=All')).status === 403,
      20_000,
    );
  });
  after(async () => {
    await Promise.allSettled([api?.stop(), injector?.close()]);
  });

  const byUrl = (webhook: Loose): Loose => ({
    ...webhook,
    clientConfig: {
      url: `https://127.0.0.1:${injector.port}${webhook.clientConfig.service.path}`,
      caBundle: Buffer.from(injector.ca.cert).toString('base64'),
    },
  });
  const post = (object: Loose, query = '') =>
    api.call('POST', `${pathOf(object, 'apps')}${query}`, { body: object });
  const admit = async (name: string, parts: PodParts = {}, namespace = 'apps') => {
    const spec = { serviceAccountName: 'app', ...parts.spec };
    const object = pod({ ...parts, spec, metadata: { namespace, ...parts.metadata } });
    object.metadata.name = name;
    return await api.call('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, { body: object });
  };

  test('a pod that asks by label or by annotation has its agent, another has none', async () => {
    assert.ok(agentOf((await admit('label')).json));
    const annotations = { [`${prefix}inject`]: 'true', [`${prefix}config`]: 'specs' };
    assert.ok(agentOf((await admit('annotation', { metadata: { labels: {}, annotations } })).json));
    for (const metadata of [{ labels: {}, annotations: {} }, { labels: {} }]) {
      const { status, json } = await admit('plain', { metadata });
      assert.deepEqual([status, agentOf(json)], [201, undefined]);
    }
  });

  test('nothing of the cluster itself is touched', async () => {
    const { status, json } = await admit('system', {}, 'kube-system');
    assert.deepEqual([status, agentOf(json)], [201, undefined]);
  });

  test('a mirror pod that is labelled comes as it is', async () => {
    const made = pod({ spec: { serviceAccountName: 'app', nodeName: 'node' } });
    made.metadata.annotations['kubernetes.io/config.mirror'] = 'abc';
    const { status, json } = await post(made, '?dryRun=All');
    assert.deepEqual([status, agentOf(json)], [201, undefined], json.message);
  });

  test('an ephemeral container comes to an injected pod as to any other', async () => {
    const object = pod({ spec: { serviceAccountName: 'app' } });
    assert.equal((await post(object)).status, 201);
    const path = '/api/v1/namespaces/apps/pods/app/ephemeralcontainers';
    const container = { name: 'debug', image: 'busybox', targetContainerName: 'app' };
    const body = { spec: { ephemeralContainers: [container] } };
    const { status, json } = await api.call('PATCH', path, {
      body,
      contentType: 'application/strategic-merge-patch+json',
    });
    assert.equal(status, 200, json.message);
    assert.equal(json.spec.ephemeralContainers[0].volumeMounts, undefined);
    assert.equal((await api.call('DELETE', '/api/v1/namespaces/apps/pods/app')).status, 200);
  });

  test('wrong objects and ConfigMaps are refused in the words of check', async () => {
    const bad = await post(externalSecret('new', { refreshIntervall: '1h' }));
    assert.match(
      bad.json.message,
      /denied the request: ExternalSecret\/new: spec\.refreshIntervall: SpecInvalid/,
    );
    const map = await post(specs('new', 'kind: ExternalSekret'));
    assert.match(map.json.message, /denied the request: a\.yaml:1:\d+: .*ExternalSekret/);
    const theirs = { provider: { gcpsm: { projectID: 'p' } } };
    assert.equal((await post(store('theirs', theirs))).status, 201, 'only a warning');
    assert.equal((await post(store('foreign', { controller: 'other', provider: 1 }))).status, 201);
  });

  test('what was wrong before the webhook came can be labelled and deleted, not made wrong in another way', async () => {
    for (const old of [externalSecret('old', { wrong: 1 }), specs('old', 'kind: Nonsense')]) {
      const path = `${pathOf(old, 'apps')}/old`;
      const patch = async (body: object) => (await api.call('PATCH', path, { body, ...merge })).status;
      assert.equal(await patch({ metadata: { labels: { a: 'b' } } }), 200);
      assert.equal(await patch({ spec: { wrong: 2 }, data: { 'a.yaml': 'kind: Other' } }), 403);
      assert.equal((await api.call('DELETE', path)).status, 200);
      assert.equal(await patch({ metadata: { finalizers: null } }), 200);
      assert.equal((await api.call('GET', path)).status, 404);
    }
  });

  describe('beside limits of a namespace', () => {
    const limits = '/api/v1/namespaces/apps/limitranges';
    const quotas = '/api/v1/namespaces/apps/resourcequotas';

    test('defaults of a LimitRange are added to the agent, and it is complete', async () => {
      const limit = { type: 'Container', default: { cpu: '300m' }, max: { memory: '1Gi' } };
      await api.create(limits, { metadata: { name: 'defaults' }, spec: { limits: [limit] } });
      await until(async () => agentOf((await admit('limited')).json).resources.limits.cpu === '300m', 20_000);
      const { json } = await admit('limited');
      const { resourceVersion: _v, uid: _u, creationTimestamp: _c, ...metadata } = json.metadata;
      const body = { ...json, metadata };
      const again = await api.call('POST', '/api/v1/namespaces/apps/pods?dryRun=All', { body });
      assert.deepEqual(again.json.spec, json.spec);
      assert.equal((await api.call('DELETE', `${limits}/defaults`)).status, 200);
    });

    test('a quota that wants a limit of each container names the agent, and resources gives it', async () => {
      const resources = { limits: { cpu: '100m' }, requests: { cpu: '10m' } };
      const container = { resources };
      // Without its controller nobody counts what is used.
      const hard = { 'limits.cpu': '4' };
      await api.create(quotas, { metadata: { name: 'cpu' }, spec: { hard } });
      await api.call('PATCH', `${quotas}/cpu/status`, {
        body: { status: { hard, used: { 'limits.cpu': '0' } } },
        ...merge,
      });
      await until(async () => (await admit('quota', { container })).status === 403, 20_000);
      assert.match(
        (await admit('quota', { container })).json.message,
        /must specify limits\.cpu for: external-secrets-agent/,
      );
      const annotations = { config: 'specs', resources: 'cpu=10m,memory=64Mi,cpu.limit=500m' };
      const { status, json } = await admit('quota', { container, annotations });
      assert.equal(status, 201, json.message);
      assert.equal((await api.call('DELETE', `${quotas}/cpu`)).status, 200);
    });
  });
});

function isConfiguration({ kind }: Loose): boolean {
  return /WebhookConfiguration$/.test(kind);
}

function externalSecret(name: string, more: object = {}): Loose {
  const data = [{ secretKey: 'a', remoteRef: { key: 'b' } }];
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name },
    spec: { secretStoreRef: { name: 'elsewhere' }, data, ...more },
  };
}

function store(name: string, spec: object): Loose {
  return { apiVersion: 'external-secrets.io/v1', kind: 'SecretStore', metadata: { name }, spec };
}

function specs(name: string, text: string): Loose {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: { [`${prefix}specs`]: 'true' } },
    data: { 'a.yaml': text },
  };
}
