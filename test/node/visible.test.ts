import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { agentImage, clusterMissing, containerOf, isRunning, type Namespace } from '../peers/cluster.ts';
import { until } from '../peers/process.ts';
import { appPod, filesFolder, restricted, sidecarPod, watching } from './pods.ts';
import { asks, prefix, Webhook } from './webhook.ts';
import { World } from './world.ts';

const main = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
const user = { runAsUser: 1001, runAsGroup: 1001 };

/** `status` as a person on this host runs it. */
async function status(...args: readonly string[]): Promise<string> {
  const done = promisify(execFile)(process.execPath, [main, 'status', ...args]);
  return (await done.catch((error: { stdout: string }) => error)).stdout;
}

describe('what kubectl and a laptop see of agents in real pods', {
  skip: clusterMissing(),
  concurrency: 3,
}, () => {
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

  const running = (namespace: Namespace, name: string) => namespace.pod(name, (pod) => isRunning(pod, 'app'));

  it('status -n asks injected and labelled agents through the API server', async () => {
    await world.vault.put('secret/asked', { password: 'one' });
    const [good, bad] = [await world.door(), await world.door()];
    const namespace = await world.namespace();
    await namespace.configMap('good', good.specs('db', { key: 'asked' }));
    await namespace.configMap('bad', bad.specs('cache', { key: 'asked' }));
    const byHand = sidecarPod({ specs: 'bad', script: watching('cache'), app: user, agent: user });
    const labels = { [`${prefix}injected`]: 'true' };
    await namespace.apply(
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'by-hand', labels }, spec: byHand },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'injected', ...asks('good') },
        spec: appPod({ script: watching('db'), app: user }),
      },
    );
    await running(namespace, 'by-hand');
    await running(namespace, 'injected');
    bad.shut();
    await until(async () => /Unavailable/.test(await status('-n', namespace.name)), 20_000, 500);
    const table = await status('-n', namespace.name);
    assert.ok(table.indexOf('by-hand') < table.indexOf('injected'), table);
    assert.match(table, /injected .*db/);
    assert.doesNotMatch(table, /one/);
  });

  it('with the right to, an agent tells on its pod what happened', async () => {
    await world.vault.put('secret/told', { password: 'one' });
    const door = await world.door();
    const namespace = await world.namespace();
    await namespace.configMap('specs', door.specs('db', { key: 'told' }));
    await namespace.allow({ apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] });
    const metadata = { name: 'web', ...asks('specs', { events: 'true' }) };
    const spec = appPod({ script: watching('db'), app: user });
    await namespace.apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
    await running(namespace, 'web');
    await until(async () => /Synced/.test(await namespace.describe('web')), 20_000, 500);
    await world.vault.put('secret/told', { password: 'two' });
    await until(async () => /Rotated/.test(await namespace.describe('web')), 20_000, 500);
    door.shut();
    await until(
      async () => /Unavailable .*ExternalSecret db: .*\(check/.test(await namespace.describe('web')),
      20_000,
      500,
    );
  });

  it('run --once that fails leaves its reason as the message of its container', async () => {
    const door = await world.door();
    const namespace = await world.namespace();
    await namespace.configMap('specs', door.specs('db', { key: 'absent' }));
    const { containers: _, ...spec } = appPod({ script: '', pod: { restartPolicy: 'Never' } });
    const once = {
      name: 'once',
      image: agentImage(),
      args: ['run', '--once', '--timeout=5s', '--state=/state'],
      securityContext: { ...restricted, runAsNonRoot: true, readOnlyRootFilesystem: true, ...user },
      volumeMounts: [
        { name: 'specs', mountPath: '/etc/external-secrets/specs' },
        { name: 'files', mountPath: filesFolder },
        { name: 'state', mountPath: '/state' },
        { name: 'tokens', mountPath: '/var/run/secrets/external-secrets-agent/tokens' },
      ],
    };
    const volumes = [
      { name: 'specs', configMap: { name: 'specs' } },
      { name: 'files', emptyDir: { medium: 'Memory' } },
      { name: 'state', emptyDir: { medium: 'Memory' } },
      {
        name: 'tokens',
        projected: { sources: [{ serviceAccountToken: { audience: 'vault', path: 'vault' } }] },
      },
    ];
    const metadata = { name: 'job' };
    await namespace.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { ...spec, containers: [once], volumes },
    });
    const pod = await namespace.pod(
      'job',
      (each) => containerOf(each, 'once').state?.terminated !== undefined,
    );
    const { exitCode, message } = containerOf(pod, 'once').state.terminated;
    assert.equal(exitCode, 69);
    assert.match(message, /ExternalSecret\/db: .*NotFound: .*no such secret/);
  });
});
