import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { type ApiServer, apiServerPrograms, startApiServer, tokenKubeconfig } from '../peers/apiserver.ts';
import { missing, until } from '../peers/process.ts';
import { Sidecar } from './sidecar.ts';

const canary = 'canary-e4f0aa';

function specs(value: string, key = 'k'): string {
  return `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: demo}
spec: {provider: {fake: {data: [{key: k, value: ${value}}]}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db}
spec: {refreshInterval: 1s, secretStoreRef: {name: demo}, data: [{secretKey: a, remoteRef: {key: ${key}}}]}
`;
}

interface Event {
  readonly reason: string;
  readonly type: string;
  readonly message: string;
  readonly count: number;
  readonly involvedObject: object;
}

describe('Events on the pod, of a real agent on a real API server', {
  skip: missing('kubernetes', apiServerPrograms),
}, () => {
  let api: ApiServer;
  let agent: Sidecar;

  before(async () => {
    api = await startApiServer();
    await api.serviceAccount('shop', 'app');
    agent = await Sidecar.prepare({ 'specs.yaml': specs(canary) });
    await agent.remove();
  });
  afterEach(() => agent?.stop('SIGKILL'));
  after(async () => {
    await agent?.remove();
    await api?.stop();
  });

  const start = async (): Promise<Sidecar> => {
    const prepared = await Sidecar.prepare({ 'specs.yaml': specs(canary) });
    const kubeconfig = join(prepared.root, 'kubeconfig');
    await writeFile(kubeconfig, tokenKubeconfig(api, await api.token('shop', 'app')));
    const env = { KUBECONFIG: kubeconfig, POD_NAME: 'web-1', POD_UID: 'uid-1', POD_NAMESPACE: 'shop' };
    agent = await Sidecar.at(prepared.root, { env, args: ['--events'] });
    await agent.start();
    return agent;
  };
  const events = async (): Promise<readonly Event[]> =>
    (await api.call('GET', '/api/v1/namespaces/shop/events')).json.items;
  const reasons = async () => (await events()).map(({ type, reason }) => `${type} ${reason}`);

  test('without the right, one line tells the rule, and the secret is delivered', async () => {
    const running = await start();
    await until(async () => /no Event could be written/.test(running.output), 10_000);
    assert.match(running.output, /resources: \[\\"events\\"\], verbs: \[\\"create\\", \\"patch\\"\]/);
    assert.equal((await running.get('/readyz')).status, 200);
    assert.equal((await events()).length, 0);
    await running.remove();
  });

  test('Synced at first, Rotated with a new value, a Warning with code and remedy, and Synced again', async () => {
    await api.allow({ namespace: 'shop', name: 'app' }, [
      { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
    ]);
    const running = await start();
    await until(async () => (await reasons()).includes('Normal Synced'), 10_000);
    await running.spec('specs.yaml', specs(`${canary}-2`));
    await until(async () => (await reasons()).includes('Normal Rotated'), 10_000);
    await running.spec('specs.yaml', specs(`${canary}-2`, 'gone'));
    await until(async () => (await reasons()).includes('Warning NotFound'), 10_000);
    const failed = (await events()).find(({ reason }) => reason === 'NotFound');
    assert.match(
      failed!.message,
      /^ExternalSecret db: the fake store has no gone .*\(create gone in the store/,
    );
    assert.deepEqual(failed!.involvedObject, {
      apiVersion: 'v1',
      kind: 'Pod',
      name: 'web-1',
      namespace: 'shop',
      uid: 'uid-1',
    });
    await until(
      async () => (await events()).some(({ reason, count }) => reason === 'NotFound' && count > 1),
      20_000,
    );
    await running.spec('specs.yaml', 'kind: ExternalSecret\n');
    await until(async () => (await reasons()).includes('Warning SpecInvalid'), 10_000);
    await running.spec('specs.yaml', specs(`${canary}-3`));
    await until(
      async () => (await events()).some((each) => each.reason === 'Rotated' && each.count === 2),
      20_000,
    );
    const all = await events();
    assert.equal(all.filter(({ reason }) => reason === 'NotFound').length, 1, 'one Event, with a count');
    assert.doesNotMatch(JSON.stringify(all), new RegExp(canary));
    await running.remove();
  });

  test('what the last moments were like is still written at the end of --once', async () => {
    const running = await start();
    await running.stop();
    await running.spec('specs.yaml', specs(canary, 'nowhere'));
    assert.equal(await running.once('--timeout', '3s'), 69);
    assert.ok((await events()).some(({ message }) => message.includes('no nowhere')));
  });

  test('a pod that does not say who it is cannot have them', async () => {
    const nobody = await Sidecar.at(agent.root, { args: ['--events'] });
    assert.equal(await nobody.once(), 78);
    assert.match(nobody.output, /--events needs to know its pod: POD_NAME, POD_NAMESPACE and POD_UID/);
  });
});
