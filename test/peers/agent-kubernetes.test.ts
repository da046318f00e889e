import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { Sidecar, type SidecarOptions } from '../agent/sidecar.ts';
import { Cluster, namespace } from '../kube/cluster.ts';
import { apiServerPrograms } from './apiserver.ts';
import { missing, until } from './process.ts';

const store = (value: string): string => `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: fake}
spec: {provider: {fake: {data: [{key: password, value: ${value}}]}}}
`;

const externalSecret = (name: string, more = ''): string => `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  refreshInterval: 1s
  secretStoreRef: {name: fake}
  data: [{secretKey: password, remoteRef: {key: password}}]
${more}
`;

const templated = (name: string): string =>
  externalSecret(
    name,
    `  target: {template: {templateFrom: [{configMap: {name: ${name}, items: [{key: greeting}]}}]}}`,
  );

describe('a real agent and a real API server', { skip: missing('kubernetes', apiServerPrograms) }, () => {
  let cluster: Cluster;
  let agent: Sidecar;
  before(async () => {
    cluster = await Cluster.start();
  });
  afterEach(async () => await agent.remove());
  after(async () => await cluster.stop());

  /** An agent whose KUBECONFIG is the pod's service account, by a token file. */
  const prepare = async (specs: Record<string, string>, options: SidecarOptions = {}): Promise<Sidecar> => {
    const env = { POD_NAMESPACE: namespace, ...options.env };
    const folders = await Sidecar.prepare(specs);
    const [kubeconfig, token] = [folders.path('kubeconfig'), folders.path('token')];
    await writeFile(folders.path('ca.crt'), cluster.api.ca);
    await writeFile(token, cluster.token);
    const content = {
      'current-context': 'pod',
      clusters: [{ name: 'c', cluster: { server: cluster.api.url, 'certificate-authority': 'ca.crt' } }],
      contexts: [{ name: 'pod', context: { cluster: 'c', user: 'pod' } }],
      users: [{ name: 'pod', user: { tokenFile: 'token' } }],
    };
    await writeFile(kubeconfig, JSON.stringify(content));
    return await Sidecar.at(folders.root, { ...options, env: { ...env, KUBECONFIG: kubeconfig } });
  };
  const allow = async (resource: string, name: string, verbs: readonly string[]): Promise<void> =>
    await cluster.allow({ apiGroups: [''], resources: [resource], resourceNames: [name], verbs });
  const remedy = (resource: string, name: string, ...verbs: string[]): string =>
    `bind ServiceAccount web to a Role in namespace apps with the rule - {apiGroups: [\\"\\"], ` +
    `resources: [\\"${resource}\\"], resourceNames: [\\"${name}\\"], verbs: [${verbs.map((verb) => `\\"${verb}\\"`).join(', ')}]}`;

  test('--sync-secret: files and Secret, kept fresh by a token that is replaced', {
    timeout: 60_000,
  }, async () => {
    await allow('secrets', 'db', ['get', 'create', 'patch']);
    const args = ['--sync-secret', '--owner', 'apps/v1/Deployment/web/u-1'];
    agent = await prepare({ 'store.yaml': store('first'), 'db.yaml': externalSecret('db') }, { args });
    await agent.start();
    await until(async () => (await cluster.data('db'))?.['password'] === 'first');
    assert.equal(await agent.text('db', 'password'), 'first');
    assert.equal((await agent.get('/startupz')).status, 200);
    assert.equal((await cluster.secret('db'))?.metadata.ownerReferences?.[0]?.uid, 'u-1');

    // The old token ends, and the kubelet is late with the new one.
    await writeFile(agent.path('token'), 'expired');
    await agent.spec('store.yaml', store('second'));
    await until(async () => (await agent.text('db', 'password')) === 'second');
    await until(async () => (await agent.target('db'))['code'] === 'AuthFailed');
    assert.equal((await cluster.data('db'))?.['password'], 'first');
    await writeFile(agent.path('token'), cluster.token);
    await until(async () => (await cluster.data('db'))?.['password'] === 'second', 40_000);
    await until(async () => (await agent.target('db'))['code'] === undefined);
  });

  test('without rights: files at once, and the log says which rule to paste', {
    timeout: 60_000,
  }, async () => {
    agent = await prepare(
      { 'store.yaml': store('v'), 'denied.yaml': externalSecret('denied') },
      { args: ['--sync-secret'] },
    );
    await agent.start();
    await until(async () => (await agent.text('denied', 'password')) === 'v');
    await until(async () => (await agent.target('denied'))['code'] === 'Denied');
    assert.ok(agent.output.includes(remedy('secrets', 'denied', 'get', 'patch', 'create')), agent.output);
    assert.equal((await agent.get('/startupz')).status, 503);
    await allow('secrets', 'denied', ['get', 'create', 'patch']);
    await until(async () => (await cluster.data('denied'))?.['password'] === 'v', 30_000);
    await until(async () => (await agent.get('/startupz')).status === 200);
  });

  test('--once ends with the Secret written, or with 69', { timeout: 60_000 }, async () => {
    const specs = { 'store.yaml': store('v'), 'once.yaml': externalSecret('once') };
    agent = await prepare(specs, { args: ['--sync-secret', '--timeout', '5s'] });
    assert.equal(await agent.once(), 69);
    assert.equal(await agent.text('once', 'password'), 'v');
    await allow('secrets', 'once', ['get', 'create', 'patch']);
    assert.equal(await agent.once(), 0);
    assert.equal((await cluster.data('once'))?.['password'], 'v');
  });

  test('an API server that hangs holds up many files as long as one, and no end', {
    timeout: 60_000,
  }, async () => {
    const hanging = createServer(() => {});
    await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
    try {
      const names = Array.from({ length: 10 }, (_, i) => `many-${i}`);
      const specs = names.map((name) => [`${name}.yaml`, externalSecret(name)] as const);
      agent = await prepare(
        { 'store.yaml': store('v'), ...Object.fromEntries(specs) },
        { args: ['--sync-secret'] },
      );
      const content = {
        'current-context': 'pod',
        clusters: [
          { name: 'c', cluster: { server: `http://127.0.0.1:${(hanging.address() as AddressInfo).port}` } },
        ],
        contexts: [{ name: 'pod', context: { cluster: 'c', user: 'pod' } }],
        users: [{ name: 'pod', user: { token: 'x' } }],
      };
      await writeFile(agent.path('kubeconfig'), JSON.stringify(content));
      const startMs = performance.now();
      await agent.start();
      for (const name of names) await until(async () => (await agent.text(name, 'password')) === 'v');
      // Two looks of 2 s, where one after the other would be twenty.
      assert.ok(performance.now() - startMs < 15_000);
      const stopMs = performance.now();
      await agent.stop();
      assert.ok(performance.now() - stopMs < 2_000);
    } finally {
      hanging.close();
    }
  });

  test('templateFrom finds a ConfigMap of the namespace, once a Role lets it', {
    timeout: 60_000,
  }, async () => {
    const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
    const data = { greeting: 'hello {{ .password }}' };
    await cluster.api.create(configMaps, { metadata: { name: 'from' }, data });
    agent = await prepare({ 'store.yaml': store('v'), 'from.yaml': templated('from') });
    await agent.start();
    await until(async () => (await agent.target('from'))['code'] === 'Denied');
    assert.ok(agent.output.includes(remedy('configmaps', 'from', 'get')), agent.output);
    await allow('configmaps', 'from', ['get']);
    await until(async () => (await agent.text('from', 'greeting')) === 'hello v', 30_000);
  });

  test('a mounted document comes before the namespace', { timeout: 60_000 }, async () => {
    const document = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\ndata: {greeting: "own {{ .password }}"}\n`;
    agent = await prepare({
      'store.yaml': store('v'),
      'own.yaml': templated('own'),
      'document.yaml': document,
    });
    // Whoever asked would be told that the token is wrong.
    await writeFile(agent.path('token'), 'wrong');
    await agent.start();
    await until(async () => (await agent.text('own', 'greeting')) === 'own v');
  });
});
