import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { clusterMissing, containerOf, isRunning, type Namespace } from '../peers/cluster.ts';
import { until } from '../peers/process.ts';
import { filesFolder, killAgent, pod, sidecarPod, watching } from './pods.ts';
import { type Door, World } from './world.ts';

/** What no image knows beforehand, as OpenShift gives it. */
const randomUid = { runAsUser: 1_000_730_000, runAsGroup: 0 };
const syncedMs = 20_000;

interface Stage {
  readonly namespace: Namespace;
  readonly door: Door;
  /** The app's whole log. */
  log(): Promise<string>;
}

describe('a hand-written sidecar in a real pod', { skip: clusterMissing(), concurrency: 4 }, () => {
  let world: World;

  before(async () => {
    world = await World.start();
  });
  after(async () => {
    await world?.stop();
  });

  /** A restricted namespace with the pod `web` of an app and an agent of a random uid. */
  const stage = async (
    key: string,
    options: { shut?: boolean; pod?: object; flags?: string[] } = {},
  ): Promise<Stage> => {
    await world.vault.put(`secret/${key}`, { password: 'one' });
    const door = await world.door();
    if (options.shut) door.shut();
    const namespace = await world.namespace();
    await namespace.configMap('specs', door.specs('db', { key }));
    const spec = sidecarPod({
      specs: 'specs',
      script: watching('db'),
      app: randomUid,
      agent: randomUid,
      ...options,
    });
    await namespace.apply(pod('web', spec));
    return { namespace, door, log: () => namespace.logs('web', 'app') };
  };

  const logs = async ({ log }: Stage, line: string, withinMs = syncedMs): Promise<void> => {
    await until(async () => (await log()).split('\n').includes(line), withinMs, 200);
  };

  const running = (seen: Stage) => seen.namespace.pod('web', (each) => isRunning(each, 'app'));

  it('has the files in place before the app starts, with no right to anything', async () => {
    const seen = await stage('first');
    await running(seen);
    await logs(seen, 'first one');
    const read = `process.stdout.write(require('fs').existsSync('/var/run/secrets/kubernetes.io') + '')`;
    const node = '/usr/local/bin/node';
    assert.equal(
      await seen.namespace.exec('web', 'agent', node, '-e', read),
      'false',
      'no token of the API server',
    );
    const uid = await seen.namespace.exec('web', 'agent', node, '-p', 'process.getuid()');
    assert.equal(uid.trim(), String(randomUid.runAsUser));
    const write = `try { require('fs').writeFileSync('/app/x', '') } catch (error) { console.log(error.code) }`;
    assert.equal((await seen.namespace.exec('web', 'agent', node, '-e', write)).trim(), 'EROFS');
    await world.vault.put('secret/first', { password: 'two' });
    await logs(seen, 'now two');
    assert.doesNotMatch(await seen.log(), /lost/);
  });

  it('takes an edit of its ConfigMap without a restart', async () => {
    const seen = await stage('before-edit');
    await running(seen);
    await world.vault.put('secret/after-edit', { password: 'edited' });
    await seen.namespace.configMap('specs', seen.door.specs('db', { key: 'after-edit' }));
    // The kubelet's own period, and the cache of ConfigMaps beneath it.
    await logs(seen, 'now edited', 120_000);
    const status = containerOf(await seen.namespace.get('pod', 'web'), 'agent');
    assert.equal(status.restartCount, 0);
    assert.doesNotMatch(await seen.log(), /lost/);
  });

  it('a broken edit of its ConfigMap leaves the old specs at work', async () => {
    const seen = await stage('broken-edit');
    await running(seen);
    await seen.namespace.configMap('specs', 'kind: Nonsense\n');
    const log = () => seen.namespace.logs('web', 'agent');
    await until(async () => (await log()).includes('SpecInvalid'), 120_000, 500);
    await world.vault.put('secret/broken-edit', { password: 'still' });
    await logs(seen, 'now still');
  });

  it('ends within two seconds of the app when the pod is deleted', async () => {
    const seen = await stage('ending', { pod: {} });
    await running(seen);
    const patch = { metadata: { finalizers: ['external-secrets-agent.test/seen'] } };
    await seen.namespace.kubectl(['patch', 'pod', 'web', '--type=merge', '-p', JSON.stringify(patch)]);
    const began = performance.now();
    await seen.namespace.kubectl(['delete', 'pod', 'web', '--wait=false']);
    const ended = (name: string) => (each: object) => containerOf(each, name).state?.terminated !== undefined;
    const last = await seen.namespace.pod(
      'web',
      (each) => ended('app')(each) && ended('agent')(each),
      20_000,
    );
    const tookMs = performance.now() - began;
    await seen.namespace.kubectl([
      'patch',
      'pod',
      'web',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":null}}',
    ]);
    const { exitCode, finishedAt } = containerOf(last, 'agent').state.terminated;
    assert.equal(exitCode, 0);
    const appEnded = Date.parse(containerOf(last, 'app').state.terminated.finishedAt);
    // Kubernetes tells whole seconds.
    assert.ok(
      Date.parse(finishedAt) - appEnded <= 2_000,
      `${finishedAt} after ${new Date(appEnded).toISOString()}`,
    );
    assert.ok(tookMs < 8_000, `${tookMs} ms, status of the kubelet and all`);
    assert.equal(seen.door.proxy.count(/revoke-self/), 1, 'it gave its Vault token back');
  });

  it('killed while Vault is down, it comes back and serves; the app does not notice', async () => {
    const seen = await stage('killed', { pod: { shareProcessNamespace: true } });
    await running(seen);
    await logs(seen, 'first one');
    seen.door.shut();
    await seen.namespace.exec('web', 'app', '/bin/sh', '-c', killAgent);
    await seen.namespace.pod('web', (each) => {
      const { restartCount, started } = containerOf(each, 'agent');
      return restartCount === 1 && started === true;
    });
    const status = async () => {
      const main = ['/usr/local/bin/node', '/app/main.cjs', 'status', '--json'];
      return await seen.namespace.exec('web', 'agent', ...main).catch((error) => String(error.stdout));
    };
    await until(async () => (await status()).includes('Unavailable'), syncedMs, 500);
    await world.vault.put('secret/killed', { password: 'two' });
    seen.door.open();
    await logs(seen, 'now two', 70_000);
    const app = containerOf(await seen.namespace.get('pod', 'web'), 'app');
    assert.equal(app.restartCount, 0);
    assert.doesNotMatch(await seen.log(), /lost/);
  });

  it('Vault down at the start holds the app, and kubectl describe says why', async () => {
    const seen = await stage('held', { shut: true });
    await until(async () => /Startup probe failed/.test(await seen.namespace.describe('web')), 30_000, 500);
    await until(async () => /Unavailable/.test(await seen.namespace.describe('web')), 30_000, 500);
    const held = await seen.namespace.get('pod', 'web');
    assert.equal(containerOf(held, 'app').started, false);
    assert.equal(containerOf(held, 'agent').restartCount, 0);
    seen.door.open();
    await running(seen);
    await logs(seen, 'first one');
  });

  it('a Job is complete within two seconds of its main container', async () => {
    await world.vault.put('secret/job', { password: 'one' });
    const door = await world.door();
    const namespace = await world.namespace();
    await namespace.configMap('specs', door.specs('db', { key: 'job' }));
    const script = `cat ${filesFolder}/db/password`;
    const spec = sidecarPod({
      specs: 'specs',
      script,
      pod: { restartPolicy: 'Never' },
      app: randomUid,
      agent: randomUid,
    });
    await namespace.apply({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'once' },
      spec: { backoffLimit: 0, template: { metadata: { labels: { app: 'once' } }, spec } },
    });
    await until(
      async () => (await namespace.get('job', 'once')).status?.completionTime !== undefined,
      60_000,
      100,
    );
    const [one] = await namespace.list('pod', 'app=once');
    const { exitCode, finishedAt } = containerOf(one, 'app').state.terminated;
    assert.equal(exitCode, 0);
    assert.equal(await namespace.logs(one.metadata.name, 'app'), 'one');
    const agentEnded = Date.parse(containerOf(one, 'agent').state.terminated.finishedAt);
    assert.ok(
      agentEnded - Date.parse(finishedAt) <= 2_000,
      `${finishedAt}, ${new Date(agentEnded).toISOString()}`,
    );
    assert.equal(containerOf(one, 'agent').state.terminated.exitCode, 0);
  });
});
