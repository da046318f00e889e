import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  appImage,
  clusterMissing,
  containerOf,
  isRunning,
  type KubeObject,
  type Namespace,
} from '../peers/cluster.ts';
import { until } from '../peers/process.ts';
import { type AppPod, appPod, filesFolder, killAgent, restricted, watching } from './pods.ts';
import { asks, Webhook } from './webhook.ts';
import { type Door, World } from './world.ts';

const agent = 'external-secrets-agent';
const user = { runAsUser: 1001, runAsGroup: 1001 };
const syncedMs = 20_000;

interface Stage {
  readonly namespace: Namespace;
  readonly door: Door;
}

describe('an injected agent in a real pod', { skip: clusterMissing(), concurrency: 4 }, () => {
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

  /** A restricted namespace with specs of the target `db`. */
  const stage = async (key: string): Promise<Stage> => {
    await world.vault.put(`secret/${key}`, { password: 'one' });
    const door = await world.door();
    const namespace = await world.namespace();
    await namespace.configMap('specs', door.specs('db', { key }));
    return { namespace, door };
  };

  const podOf = (options: Partial<AppPod> = {}, annotations = {}): object => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', ...asks('specs', annotations) },
    spec: appPod({ script: watching('db'), app: user, ...options }),
  });

  const running = (namespace: Namespace, name = 'web'): Promise<KubeObject> =>
    namespace.pod(name, (pod) => isRunning(pod, 'app'));

  const said = async (namespace: Namespace, line: string, withinMs = syncedMs): Promise<void> => {
    const log = () => namespace.logs('web', 'app');
    await until(async () => (await log()).split('\n').includes(line), withinMs, 200);
  };

  it('a Deployment with one label has its files before its first container starts', async () => {
    const { namespace } = await stage('deployment');
    const early = {
      name: 'migrate',
      image: appImage(),
      command: ['/bin/sh', '-c', `cat ${filesFolder}/db/password`],
      securityContext: { ...restricted, runAsNonRoot: true, ...user },
    };
    const spec = appPod({ script: watching('db'), app: user, pod: { initContainers: [early] } });
    const { labels, annotations } = asks('specs');
    const template = { metadata: { labels: { ...labels, app: 'web' }, annotations }, spec };
    await namespace.apply({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template },
    });
    await namespace.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s']);
    const pods = await namespace.list('pod', 'app=web');
    assert.equal(pods.length, 2);
    for (const { metadata } of pods) {
      assert.equal(await namespace.logs(metadata.name, 'migrate'), 'one');
      assert.match(await namespace.logs(metadata.name, 'app'), /^first one$/m);
    }
    await world.vault.put('secret/deployment', { password: 'two' });
    for (const { metadata } of pods) {
      await until(async () => /^now two$/m.test(await namespace.logs(metadata.name, 'app')), syncedMs, 200);
    }
  });

  it('the agent of a Job ends within two seconds of its main container, and the Job is complete', async () => {
    const { namespace } = await stage('job');
    const spec = appPod({
      script: `cat ${filesFolder}/db/password`,
      app: user,
      pod: { restartPolicy: 'Never' },
    });
    await namespace.apply({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'once' },
      spec: { backoffLimit: 0, template: { metadata: asks('specs'), spec } },
    });
    await until(
      async () => (await namespace.get('job', 'once')).status?.completionTime !== undefined,
      60_000,
      100,
    );
    const [one] = await namespace.list('pod', 'job-name=once');
    assert.equal(await namespace.logs(one.metadata.name, 'app'), 'one');
    const endOf = (name: string) => Date.parse(containerOf(one, name).state.terminated.finishedAt);
    assert.ok(endOf(agent) - endOf('app') <= 2_000, `${endOf(agent) - endOf('app')} ms`);
    assert.equal(containerOf(one, agent).state.terminated.exitCode, 0);
  });

  it('mode: init delivers once and is gone', async () => {
    const { namespace } = await stage('init');
    await namespace.apply(podOf({}, { mode: 'init' }));
    const pod = await running(namespace);
    assert.equal(containerOf(pod, agent).state.terminated?.exitCode, 0);
    await said(namespace, 'first one');
  });

  it('native: off delivers by an init container and keeps fresh by a sidecar', async () => {
    const { namespace } = await stage('pair');
    await namespace.apply(podOf({}, { native: 'off' }));
    await running(namespace);
    await said(namespace, 'first one');
    await world.vault.put('secret/pair', { password: 'two' });
    await said(namespace, 'now two');
  });

  it('killed, the agent comes back and the app does not notice', async () => {
    const { namespace } = await stage('killed');
    await namespace.apply(podOf({ pod: { shareProcessNamespace: true } }));
    await running(namespace);
    await said(namespace, 'first one');
    await namespace.exec('web', 'app', '/bin/sh', '-c', killAgent);
    const back = await namespace.pod('web', (pod) => {
      const { restartCount, started } = containerOf(pod, agent);
      return restartCount === 1 && started === true;
    });
    assert.equal(containerOf(back, 'app').restartCount, 0);
    await world.vault.put('secret/killed', { password: 'two' });
    await said(namespace, 'now two');
    assert.doesNotMatch(await namespace.logs('web', 'app'), /lost/);
  });

  it('Vault down at the start holds the app, and kubectl describe says why', async () => {
    const { namespace, door } = await stage('held');
    door.shut();
    await namespace.apply(podOf());
    await until(
      async () => /Startup probe failed.*Unavailable/.test(await namespace.describe('web')),
      30_000,
      500,
    );
    assert.equal(containerOf(await namespace.get('pod', 'web'), 'app').started, false);
    door.open();
    await running(namespace);
    await said(namespace, 'first one');
  });

  for (const fsGroup of [undefined, 2000]) {
    it(`the app's own token keeps its mode${fsGroup === undefined ? '' : ', with an fsGroup too'}`, async () => {
      const { namespace } = await stage(`token${fsGroup ?? ''}`);
      const file = '/var/run/secrets/kubernetes.io/serviceaccount/token';
      const pod = { automountServiceAccountToken: true, restartPolicy: 'Never' };
      const spec = appPod({
        script: `stat -Lc '%a %u %g' ${file}; head -c1 ${file} >/dev/null && echo readable`,
        app: user,
        pod,
        ...(fsGroup !== undefined && { fsGroup }),
      });
      const plain = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'plain' }, spec };
      const injected = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'injected', ...asks('specs') },
        spec,
      };
      await namespace.apply(plain, injected);
      const told: string[] = [];
      for (const name of ['plain', 'injected']) {
        await namespace.pod(name, (seen) => containerOf(seen, 'app').state?.terminated !== undefined);
        told.push(await namespace.logs(name, 'app'));
      }
      assert.match(told[0]!, /readable/);
      assert.equal(told[1], told[0]);
    });
  }

  it('sync: true gates the app behind the Secret that its envFrom names', async () => {
    const { namespace, door } = await stage('env');
    door.shut();
    await namespace.allow({
      apiGroups: [''],
      resources: ['secrets'],
      resourceNames: ['db'],
      verbs: ['get', 'create', 'patch'],
    });
    const spec = appPod({
      script: `echo "env $password"; trap 'exit 0' TERM; while :; do sleep 0.2; done`,
      app: user,
    });
    const containers = spec.containers.map((each) => ({ ...each, envFrom: [{ secretRef: { name: 'db' } }] }));
    const metadata = { name: 'web', ...asks('specs', { sync: 'true' }) };
    await namespace.apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...spec, containers } });
    await until(async () => /Startup probe failed/.test(await namespace.describe('web')), 30_000, 500);
    await assert.rejects(namespace.get('secret', 'db'), /NotFound/);
    door.open();
    const pod = await running(namespace);
    await said(namespace, 'env one');
    assert.equal(containerOf(pod, 'app').restartCount, 0);
  });

  it('without an agent to be had the pod is refused, and others are not', async () => {
    const { namespace } = await stage('refused');
    const wrong = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', ...asks('specs', { confg: 'x' }) },
    };
    const spec = appPod({ script: 'exit 0', app: user });
    await assert.rejects(namespace.apply({ ...wrong, spec }), /confg/);
    await namespace.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'plain' }, spec });
    assert.equal((await namespace.get('pod', 'plain')).spec.initContainers, undefined);
  });
});
