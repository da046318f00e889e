import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cli } from '../../agent/cli.ts';
import { injectedLabel } from '../../src/spec/contract.ts';
import { type ApiServer, apiServerPrograms, startApiServer, tokenKubeconfig } from '../peers/apiserver.ts';
import { freePort, missing, until } from '../peers/process.ts';
import { testHost } from './host.ts';
import { Sidecar } from './sidecar.ts';

const canary = 'canary-77ab10';
const specs = `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: demo}
spec: {provider: {fake: {data: [{key: k, value: ${canary}}]}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: good}
spec: {secretStoreRef: {name: demo}, data: [{secretKey: a, remoteRef: {key: k}}]}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: bad}
spec: {secretStoreRef: {name: demo}, data: [{secretKey: a, remoteRef: {key: nope}}]}
`;

// The API server's proxy goes to no loopback address.
const address = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
const skip =
  missing('kubernetes', apiServerPrograms) || (address === undefined && 'this host has loopback only');

describe('status of many pods, through a real API server', { skip }, () => {
  let api: ApiServer;
  let agent: Sidecar;
  let kubeconfig: string;

  before(async () => {
    api = await startApiServer();
    await api.serviceAccount('shop', 'viewer');
    await api.serviceAccount('pay', 'nobody');
    agent = await Sidecar.prepare({ 'specs.yaml': specs }, { address: '0.0.0.0' });
    await agent.start();
    await until(async () => /NotFound/.test((await agent.get('/status')).text), 10_000);
    kubeconfig = agent.path('viewer.kubeconfig');
    await writeFile(kubeconfig, await kubeconfigOf('shop', 'viewer'));
    await pod('shop', 'web-1', { port: String(agent.port), ip: address });
    await pod('shop', 'web-2', { port: String(await freePort()), ip: address });
    await pod('shop', 'starting', { phase: 'Pending' });
    await pod('shop', 'quiet', { port: 'off', ip: address });
    await pod('pay', 'job', { phase: 'Succeeded', ip: address });
    await pod('pay', 'other', { ip: address, label: 'none' });
  });
  after(async () => {
    await agent?.remove();
    await api?.stop();
  });

  const kubeconfigOf = async (namespace: string, name: string) =>
    tokenKubeconfig(api, await api.token(namespace, name), namespace);

  const pod = async (
    namespace: string,
    name: string,
    {
      port,
      ip,
      phase = 'Running',
      label = injectedLabel,
    }: { port?: string; ip?: string | undefined; phase?: string; label?: string },
  ) => {
    const annotations = port === undefined ? {} : { 'agent.external-secrets.io/port': port };
    const container = { name: 'app', image: 'none' };
    const path = `/api/v1/namespaces/${namespace}/pods`;
    await api.create(path, {
      metadata: { name, labels: { [label]: 'true' }, annotations },
      spec: { containers: [container] },
    });
    const status = ip === undefined ? { phase } : { phase, podIP: ip, podIPs: [{ ip }] };
    const contentType = 'application/merge-patch+json';
    const patched = await api.call('PATCH', `${path}/${name}/status`, { body: { status }, contentType });
    assert.equal(patched.status, 200, JSON.stringify(patched.json));
  };

  const status = async (args: readonly string[], config = kubeconfig) => {
    const host = testHost({ KUBECONFIG: config });
    const code = await cli(['status', ...args], host);
    assert.doesNotMatch(host.out() + host.err(), new RegExp(canary));
    return { code, out: host.out(), err: host.err() };
  };

  test('asks with the rights of whoever asks: a denial names the rule', async () => {
    const listing = await status(['-n', 'shop']);
    assert.equal(listing.code, 69);
    assert.match(listing.err, /resources: \["pods"\], verbs: \["list"\]/);
    await api.allow({ namespace: 'shop', name: 'viewer' }, [
      { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
    ]);
    // The authorizer sees a Role a moment after it was made.
    await until(async () => /unreachable/.test((await status(['-n', 'shop'])).out), 5_000);
    const asking = await status(['-n', 'shop']);
    assert.equal(asking.code, 69);
    assert.match(asking.out, /unreachable +shop +web-1 .*Denied/);
    assert.match(asking.out, /→ .*resources: \["pods\/proxy"\], verbs: \["get"\]/);
  });

  test('one table, worst first, with a reason for each pod that gave no answer', async () => {
    await api.allow({ namespace: 'shop', name: 'viewer' }, [
      { apiGroups: [''], resources: ['pods/proxy'], verbs: ['get'] },
    ]);
    await until(async () => /web-1 +bad/.test((await status(['-n', 'shop'])).out), 5_000);
    const { code, out } = await status(['--namespace', 'shop']);
    assert.equal(code, 69, 'web-2 does not answer');
    const rows = out.split('\n').map((line) => line.split(/ {2,}/));
    assert.deepEqual(rows[0], ['STATE', 'NAMESPACE', 'POD', 'NAME', 'AGE', 'NEXT', 'ERROR']);
    assert.deepEqual(
      rows.slice(1, 6).map(([state, , name, target]) => [state, name, target]),
      [
        ['failed', 'web-1', 'bad'],
        ['unreachable', 'web-2', '-'],
        ['synced', 'web-1', 'good'],
        ['idle', 'quiet', '-'],
        ['idle', 'starting', '-'],
      ],
    );
    assert.equal(rows[1]?.at(-1), 'NotFound');
    assert.match(out, /no agent answers on port \d+ \(5\d\d\)/);
    assert.match(out, /4 pods: 1 failed, 1 unreachable, 1 synced, 2 idle/);
  });

  test('-A sees every namespace, pods that ended too, and --json is for programs', async () => {
    const { code, out } = await status(['-A', '--json'], api.kubeconfig);
    assert.equal(code, 69);
    const pods = JSON.parse(out) as { namespace: string; pod: string; reason?: string; status?: object }[];
    assert.deepEqual(pods.map((each) => `${each.namespace}/${each.pod}`).sort(), [
      'pay/job',
      'shop/quiet',
      'shop/starting',
      'shop/web-1',
      'shop/web-2',
    ]);
    assert.equal(pods.find((each) => each.pod === 'job')?.reason, 'the pod has ended: Succeeded');
  });

  test('says by what agents are found when there is none', async () => {
    const { code, err } = await status(['-n', 'default'], api.kubeconfig);
    assert.equal(code, 69);
    assert.match(err, /no pod in namespace default has the label agent\.external-secrets\.io\/injected=true/);
    const nowhere = await status(['-A'], join(agent.root, 'missing'));
    assert.equal(nowhere.code, 78);
    assert.match(nowhere.err, /no kubeconfig at/);
  });
});

test('pods that hang do not make those beside them seem to', async () => {
  // No real API server has pods that hang on request: this one lists and proxies, and knows nothing else.
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://api');
    if (pathname.includes('/pods/hung')) return;
    const names = Array.from({ length: 16 }, (_, i) => `${i < 12 ? 'hung' : 'well'}-${i}`);
    const items = names.map((name) => ({
      metadata: { namespace: 'shop', name },
      status: { phase: 'Running' },
    }));
    const status = { now: new Date().toISOString(), targets: [], problems: [] };
    response.end(JSON.stringify(pathname.endsWith('/pods') ? { items } : status));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = await mkdtemp(join(tmpdir(), 'fleet-'));
  try {
    const kubeconfig = join(folder, 'kubeconfig');
    const { port } = server.address() as AddressInfo;
    const config = {
      clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: 'u', user: { token: 't' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    await writeFile(kubeconfig, JSON.stringify(config));
    const host = testHost({ KUBECONFIG: kubeconfig });
    assert.equal(await cli(['status', '-A'], host), 69);
    assert.match(host.out(), /16 pods: 12 unreachable, 4 idle/);
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
});
