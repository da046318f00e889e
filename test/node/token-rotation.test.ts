import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { clusterMissing, isRunning, type Namespace } from '../peers/cluster.ts';
import { until } from '../peers/process.ts';
import { pod, sidecarPod, watching } from './pods.ts';
import { World } from './world.ts';

/** The shortest that the API server gives; the kubelet replaces it at 80 % of that. */
const tokenSeconds = 600;

const slow = process.env['ESA_TEST_SLOW'] === '1' ? false : 'takes eleven minutes: set ESA_TEST_SLOW=1';

describe('the kubelet rotates the token of a pod', { skip: clusterMissing() || slow }, () => {
  let world: World;

  before(async () => {
    world = await World.start();
  });
  after(async () => {
    await world?.stop();
  });

  const expiryOf = async (namespace: Namespace): Promise<number> => {
    const file = '/var/run/secrets/external-secrets-agent/tokens/vault';
    const read = `process.stdout.write(require('fs').readFileSync('${file}', 'utf8').split('.')[1])`;
    const claims = await namespace.exec('web', 'agent', '/usr/local/bin/node', '-e', read);
    return JSON.parse(Buffer.from(claims, 'base64url').toString()).exp * 1000;
  };

  it('and the agent logs in with the new one when the first has expired', async (t) => {
    await world.vault.put('secret/db', { password: 'one' });
    const door = await world.door();
    const namespace = await world.namespace();
    await namespace.configMap('specs', door.specs('db'));
    const user = { runAsUser: 1_000_730_000 };
    const spec = sidecarPod({ specs: 'specs', script: watching('db'), app: user, agent: user, tokenSeconds });
    await namespace.apply(pod('web', spec));
    await namespace.pod('web', (each) => isRunning(each, 'app'));
    const first = await expiryOf(namespace);
    await delay(first - Date.now() + 15_000);
    const second = await expiryOf(namespace);
    assert.ok(second > Date.now() && second > first, 'the kubelet wrote a new token');

    const logins = () => door.proxy.count(/auth\/kubernetes\/login/);
    const before = logins();
    t.diagnostic(`${before} logins while the first token was good`);
    const { data } = await world.vault.api('LIST', 'auth/token/accessors');
    for (const accessor of data.keys) {
      const { data: token } = await world.vault.api('POST', 'auth/token/lookup-accessor', { accessor });
      if (token.policies.includes('reader')) {
        await world.vault.api('POST', 'auth/token/revoke-accessor', { accessor });
      }
    }
    await world.vault.put('secret/db', { password: 'two' });
    const log = () => namespace.logs('web', 'app');
    await until(async () => (await log()).includes('now two'), 20_000, 500);
    assert.equal(logins(), before + 1);
    assert.doesNotMatch(await log(), /lost/);
  });
});
