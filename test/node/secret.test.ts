import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { clusterMissing, containerOf, isRunning } from '../peers/cluster.ts';
import { until } from '../peers/process.ts';
import { appPod, filesFolder } from './pods.ts';
import { asks, Webhook } from './webhook.ts';
import { World } from './world.ts';

const user = { runAsUser: 1001, runAsGroup: 1001 };

/** Says what it has of the Secret in its environment, and of the files. */
const script = `
echo "env $PASSWORD"
echo "file $(cat ${filesFolder}/db/password)"
trap 'exit 0' TERM
while :; do sleep 0.2; done`;

describe('a pod that asks for a Kubernetes Secret', { skip: clusterMissing() }, () => {
  let world: World;
  let webhook: Webhook;

  before(async () => {
    world = await World.start();
    webhook = await Webhook.start(world);
  });
  after(async () => {
    await webhook?.stop();
    await world?.stop();
  });

  it('has it before its app starts, kept as the store has it, by its own token and three verbs', async () => {
    await world.vault.put('secret/db', { password: 'one' });
    const door = await world.door();
    const namespace = await world.namespace();
    await namespace.configMap('specs', door.specs('db'));
    const resourceNames = ['db'];
    const verbs = ['get', 'patch', 'create'];
    await namespace.allow({ apiGroups: [''], resources: ['secrets'], resourceNames, verbs });
    const { containers, ...rest } = appPod({ script, app: user });
    const valueFrom = { secretKeyRef: { name: 'db', key: 'password', optional: true } };
    const env = [{ name: 'PASSWORD', valueFrom }];
    const spec = { ...rest, containers: containers.map((container) => ({ ...container, env })) };
    const metadata = { name: 'web', ...asks('specs', { sync: 'true' }) };
    await namespace.apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
    await namespace.pod('web', (pod) => isRunning(pod, 'app'));
    const log = () => namespace.logs('web', 'app');
    await until(async () => (await log()).includes('file '), 20_000, 200);
    assert.equal(await log(), 'env one\nfile one\n');

    const value = async () => {
      const secret = await namespace.get('secret', 'db').catch(() => undefined);
      return secret && Buffer.from(secret.data.password, 'base64').toString();
    };
    await world.vault.put('secret/db', { password: 'two' });
    await until(async () => (await value()) === 'two', 30_000, 200);
    const patch = JSON.stringify({ data: { password: Buffer.from('hacked').toString('base64') } });
    await namespace.kubectl(['patch', 'secret', 'db', '--type=merge', '-p', patch]);
    await until(async () => (await value()) === 'two', 30_000, 200);
    await namespace.kubectl(['delete', 'secret', 'db']);
    await until(async () => (await value()) === 'two', 30_000, 200);
    const agent = containerOf(await namespace.get('pod', 'web'), 'external-secrets-agent');
    assert.equal(agent.restartCount, 0);
  });
});
