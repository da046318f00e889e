import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { clusterMissing, isRunning, type Namespace } from '../peers/cluster.ts';
import { until } from '../peers/process.ts';
import { appPod, filesFolder, pod, type SidecarPod, sidecarPod, watching } from './pods.ts';
import { asks, Webhook } from './webhook.ts';
import { World } from './world.ts';

const unprivileged = { runAsUser: 1001, runAsGroup: 1001 };
const random = { runAsUser: 1_000_730_000, runAsGroup: 0 };

interface Row {
  readonly name: string;
  readonly pod: Pick<SidecarPod, 'app' | 'agent' | 'fsGroup'>;
  /** The mode of a file, its group, and the mode of the target's folder, as the app sees them. */
  readonly seen: string;
  /** The same with an injected agent, which runs as its readers where it can. */
  readonly injected: string;
}

/** By hand the agent runs as the image's own user unless the platform gives all containers one. */
const rows: readonly Row[] = [
  {
    name: 'root with all capabilities dropped',
    pod: { app: { runAsUser: 0, runAsGroup: 0 } },
    seen: '444 65532 755',
    injected: '444 65532 755',
  },
  { name: '1001', pod: { app: unprivileged }, seen: '444 65532 755', injected: '440 1001 750' },
  {
    name: '1001 with fsGroup',
    pod: { app: unprivileged, fsGroup: 2000 },
    seen: '440 2000 2750',
    injected: '440 2000 2750',
  },
  {
    name: 'a random uid with fsGroup',
    pod: { app: random, agent: random, fsGroup: 1_000_730_000 },
    seen: '440 1000730000 2750',
    injected: '440 1000730000 2750',
  },
];

describe('who reads the files', { skip: clusterMissing(), concurrency: 4 }, () => {
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

  /** The pod `web` in a namespace of its own, with its specs. */
  const start = async (key: string, row: Row, how: 'by hand' | 'injected'): Promise<Namespace> => {
    await world.vault.put(`secret/${key}`, { password: 'one' });
    const door = await world.door();
    const namespace = await world.namespace(row.pod.app?.runAsUser === 0 ? 'baseline' : 'restricted');
    await namespace.configMap('specs', door.specs('db', { key }));
    const options = { script: watching('db'), ...row.pod };
    const injected = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', ...asks('specs') },
      spec: appPod(options),
    };
    await namespace.apply(
      how === 'injected' ? injected : pod('web', sidecarPod({ specs: 'specs', ...options })),
    );
    return namespace;
  };

  /** Two rotations, the modes after each, and never a moment without the file. */
  const rotate = async (namespace: Namespace, key: string, modes: string): Promise<void> => {
    await namespace.pod('web', (each) => isRunning(each, 'app'));
    const log = () => namespace.logs('web', 'app');
    const said = async (line: string) => (await log()).split('\n').includes(line);
    await until(() => said('first one'), 20_000, 200);
    for (const value of ['two', 'three']) {
      await world.vault.put(`secret/${key}`, { password: value });
      await until(() => said(`now ${value}`), 20_000, 200);
      const folder = `${filesFolder}/db`;
      const tell = `echo $(stat -Lc '%a %g' ${folder}/password) $(stat -Lc %a ${folder}/..data)`;
      assert.equal((await namespace.exec('web', 'app', '/bin/sh', '-c', tell)).trim(), modes);
    }
    assert.doesNotMatch(await log(), /lost/);
  };

  for (const [i, row] of rows.entries()) {
    it(`${row.name}, through two rotations`, async () => {
      await rotate(await start(`by-hand${i}`, row, 'by hand'), `by-hand${i}`, row.seen);
    });
    it(`${row.name}, through two rotations by an injected agent`, async () => {
      await rotate(await start(`injected${i}`, row, 'injected'), `injected${i}`, row.injected);
    });
  }
});
