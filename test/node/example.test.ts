import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseAllDocuments, stringify } from 'yaml';
import { agentImage, appImage, clusterMissing, containerOf, type KubeObject } from '../peers/cluster.ts';
import { watching } from './pods.ts';
import { type Door, World } from './world.ts';

const path = join(import.meta.dirname, '..', '..', 'manifests', 'examples', 'plain-sidecar', 'app.yaml');

/** The example as it stands, but for what a reader has to fill in: images, the address of Vault, and its CA. */
function filledIn(door: Door): KubeObject[] {
  const documents: KubeObject[] = parseAllDocuments(readFileSync(path, 'utf8')).map((one) => one.toJS());
  const configMap = documents.find(({ kind }) => kind === 'ConfigMap');
  const specs = parseAllDocuments(configMap.data['db.yaml']).map((one) => one.toJS());
  Object.assign(specs[0].spec.provider.vault, { server: door.url, caBundle: door.caBundle });
  configMap.data['db.yaml'] = specs.map((one) => stringify(one)).join('---\n');
  const { spec } = documents.find(({ kind }) => kind === 'Deployment').spec.template;
  spec.initContainers[0].image = agentImage();
  Object.assign(spec.containers[0], { image: appImage(), command: ['/bin/sh', '-c', watching('db')] });
  return documents;
}

describe('the example of a sidecar by hand', { skip: clusterMissing() }, () => {
  let world: World;

  before(async () => {
    world = await World.start();
  });
  after(async () => {
    await world?.stop();
  });

  it('runs as it stands in a restricted namespace, files first', async () => {
    await world.vault.put('secret/app/db', { password: 'one' });
    const [door, namespace] = [await world.door(), await world.namespace()];
    await namespace.apply(...filledIn(door));
    await namespace.kubectl(['rollout', 'status', 'deployment/app', '--timeout=60s']);
    const pods = await namespace.list('pod', 'app=app');
    assert.equal(pods.length, 2);
    for (const pod of pods) {
      assert.match(await namespace.logs(pod.metadata.name, 'app'), /^first one$/m);
      assert.equal(containerOf(pod, 'app').restartCount, 0);
    }
  });
});
