import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { Sidecar } from '../agent/sidecar.ts';
import { Cluster, namespace, pod } from '../kube/cluster.ts';
import { apiServerPrograms, tokenKubeconfig } from './apiserver.ts';
import { Audit } from './audit.ts';
import { missing, until } from './process.ts';

/** Everything that the pod asks, whatever it is. */
const auditRules = `
  - level: Metadata
    users: ["system:serviceaccount:${namespace}:${pod.name}"]
  - level: None
`;

const store = (value: string): string => `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: fake}
spec: {provider: {fake: {data: [{key: password, value: ${value}}]}}}
`;

const externalSecret = (more = ''): string => `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db}
spec:
  refreshInterval: 1s
  secretStoreRef: {name: fake}
  data: [{secretKey: password, remoteRef: {key: password}}]
${more}
`;

const fromConfigMap = '  target: {template: {templateFrom: [{configMap: {name: from, items: [{key: a}]}}]}}';

describe('what an agent asks the API server, by its audit log', {
  skip: missing('kubernetes', apiServerPrograms),
}, () => {
  let cluster: Cluster;
  let audit: Audit;
  before(async () => {
    audit = await Audit.prepare(auditRules);
    cluster = await Cluster.start({ args: audit.args });
    // Nobody who may do everything is kept from asking.
    await cluster.api.bind('cluster-admin', pod);
    const configMap = { metadata: { name: 'from' }, data: { a: '{{ .password }}' } };
    await cluster.api.create(`/api/v1/namespaces/${namespace}/configmaps`, configMap);
  });
  after(async () => {
    await cluster.stop();
    await audit.remove();
  });

  const prepare = async (args: readonly string[], spec = externalSecret()): Promise<Sidecar> => {
    const { root } = await Sidecar.prepare({ 'store.yaml': store('first'), 'db.yaml': spec });
    const kubeconfig = `${root}/kubeconfig`;
    await writeFile(kubeconfig, tokenKubeconfig(cluster.api, cluster.token));
    const env = { KUBECONFIG: kubeconfig, POD_NAMESPACE: namespace, POD_NAME: 'web-0', POD_UID: 'u' };
    return await Sidecar.at(root, { env, args });
  };
  /** `get secrets`, each once, sorted. */
  const asked = async (since: number): Promise<readonly string[]> => {
    const events = (await audit.events()).slice(since);
    const words = events.map(({ verb, objectRef: { resource, subresource } = {}, requestURI }) =>
      [verb, [resource ?? requestURI, subresource].filter(Boolean).join('/')].join(' '),
    );
    return [...new Set(words)].sort();
  };

  test('with no optional feature on: nothing, from the first sync to the end', {
    timeout: 60_000,
  }, async () => {
    const agent = await prepare([]);
    await agent.start();
    await until(async () => (await agent.text('db', 'password')) === 'first');
    await agent.spec('store.yaml', store('second'));
    await until(async () => (await agent.text('db', 'password')) === 'second');
    await agent.spec('db.yaml', externalSecret().replace('{key: password}', '{key: gone}'));
    await until(async () => (await agent.target('db'))['code'] === 'NotFound');
    await agent.spec('db.yaml', 'kind: ExternalSecret\n');
    await until(() => agent.output.includes('SpecInvalid'));
    await agent.spec('db.yaml', externalSecret());
    agent.signal('SIGHUP');
    await until(async () => (await agent.target('db'))['code'] === undefined);
    await rm(agent.path('specs', 'db.yaml'));
    await agent.get('/metrics');
    await agent.stop();
    assert.equal(await agent.once(), 0);
    await agent.remove();
    assert.deepEqual(await asked(0), []);
  });

  const features: readonly (readonly [what: string, args: readonly string[], requests: readonly string[]])[] =
    [
      ['--sync-secret', ['--sync-secret'], ['get secrets', 'patch secrets']],
      ['--events', ['--events'], ['create events']],
      // The cluster has no such kind: whoever looks is told so.
      ['--write-status', ['--write-status'], ['get externalsecrets']],
    ];
  for (const [what, args, requests] of features) {
    test(`${what}: what its Role names, and nothing else`, { timeout: 60_000 }, async () => {
      const since = (await audit.events()).length;
      const agent = await prepare(args);
      await agent.start();
      await until(async () => (await agent.text('db', 'password')) === 'first');
      await until(async () => (await asked(since)).length >= requests.length);
      await agent.stop();
      await agent.remove();
      assert.deepEqual(await asked(since), requests);
    });
  }

  test('a reference that is not mounted: that one object', { timeout: 60_000 }, async () => {
    const since = (await audit.events()).length;
    const agent = await prepare([], externalSecret(fromConfigMap));
    await agent.start();
    await until(async () => (await agent.text('db', 'a')) === 'first');
    await agent.stop();
    await agent.remove();
    assert.deepEqual(await asked(since), ['get configmaps']);
    assert.ok((await audit.events()).slice(since).every(({ objectRef }) => objectRef?.name === 'from'));
  });
});
