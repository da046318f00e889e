import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Sidecar } from '../agent/sidecar.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { freePort, missing, until } from './process.ts';
import { startVault, type Vault } from './vault.ts';

/** A Vault store that logs in by appRole, with its credentials in a Secret document beside it. */
export function appRoleStore(server: string, login: { roleId: string; secretId: string }): string {
  return `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault}
spec:
  provider:
    vault:
      server: ${server}
      path: secret
      auth:
        appRole: {path: approle, roleId: ${login.roleId}, secretRef: {name: approle, key: secretId}}
---
apiVersion: v1
kind: Secret
metadata: {name: approle}
stringData: {secretId: ${login.secretId}}
---
`;
}

export function externalSecret(name: string, entries: string, refreshInterval = '1s', more = ''): string {
  return `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}}
spec:
  refreshInterval: ${refreshInterval}
  secretStoreRef: {name: vault}
  ${more}
${entries}
---
`;
}

const one = (key: string, property: string): string =>
  `  data: [{secretKey: ${property}, remoteRef: {key: ${key}, property: ${property}}}]`;

describe('the agent beside a real Vault', { skip: missing('vault', ['vault']) }, () => {
  let vault: Vault;
  let proxy: FaultProxy;
  let login: { roleId: string; secretId: string };
  let agent: Sidecar | undefined;

  before(async () => {
    vault = await startVault();
    proxy = await startFaultProxy(vault.url);
    await vault.policy('reader', 'path "secret/*" { capabilities = ["read", "list"] }');
    await vault.api('POST', 'sys/auth/approle', { type: 'approle' });
    await vault.api('POST', 'auth/approle/role/app', { token_policies: 'reader', token_ttl: '60s' });
    const { data: role } = await vault.api('GET', 'auth/approle/role/app/role-id');
    const { data: secret } = await vault.api('POST', 'auth/approle/role/app/secret-id', {});
    login = { roleId: role.role_id, secretId: secret.secret_id };
  });
  after(async () => {
    await agent?.remove();
    await proxy?.close();
    await vault?.stop();
  });

  const start = async (specs: string, env: Record<string, string> = {}): Promise<Sidecar> => {
    await agent?.remove();
    proxy.heal();
    agent = await Sidecar.prepare({ 'all.yaml': appRoleStore(proxy.url, login) + specs }, { env });
    await agent.start();
    return agent;
  };

  it('a rotation reaches the file within one interval', async () => {
    await vault.put('secret/db', { password: 'one' });
    const sidecar = await start(externalSecret('db', one('db', 'password')));
    await until(async () => (await sidecar.text('db', 'password')) === 'one');
    assert.equal((await sidecar.get('/readyz')).status, 200);
    await vault.put('secret/db', { password: 'two' });
    // The interval, and the time of a read and a flip.
    await until(async () => (await sidecar.text('db', 'password')) === 'two', 1_500);
  });

  it('an outage of ten intervals leaves files, liveness and readiness; recovery comes within the cap', async () => {
    await vault.put('secret/db', { password: 'before' });
    const sidecar = await start(externalSecret('db', one('db', 'password')));
    await until(async () => (await sidecar.text('db', 'password')) === 'before');
    const seen = proxy.seen.length;
    proxy.fail({ on: /.*/, fault: { kind: 'reset' } });
    await vault.put('secret/db', { password: 'after' });
    const end = performance.now() + 10_000;
    while (performance.now() < end) {
      assert.equal(await sidecar.text('db', 'password'), 'before');
      assert.equal((await sidecar.get('/livez')).status, 200);
      assert.equal((await sidecar.get('/readyz')).status, 200);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    assert.equal((await sidecar.target('db'))['state'], 'stale');
    assert.ok((await sidecar.metric('external_secrets_agent_stale_seconds{name="db"'))! > 8);
    assert.ok(proxy.seen.length - seen < 12, 'backoff, not a storm');
    proxy.heal();
    await until(async () => (await sidecar.text('db', 'password')) === 'after', 62_000);
  });

  it('a container restart that finds Vault down serves what was delivered', async () => {
    await vault.put('secret/db', { password: 'kept' });
    const sidecar = await start(externalSecret('db', one('db', 'password'), '1h'));
    await until(async () => (await sidecar.get('/readyz')).status === 200);
    await sidecar.stop('SIGKILL');
    proxy.fail({ on: /.*/, fault: { kind: 'reset' } });
    await sidecar.start();
    await until(async () => (await sidecar.get('/readyz')).status === 200, 2_000);
    assert.equal(await sidecar.text('db', 'password'), 'kept');
    await until(async () => (await sidecar.target('db'))['state'] === 'stale');
    proxy.heal();
    await until(async () => (await sidecar.target('db'))['state'] === 'synced', 5_000);
  });

  it('one bad entry stops nobody else, and says what is there instead', async () => {
    await vault.put('secret/db', { password: 'p', user: 'u' });
    const sidecar = await start(
      externalSecret('good', one('db', 'password')) +
        externalSecret('typo', one('db', 'pasword')) +
        externalSecret('absent', one('nothing/here', 'password')),
    );
    await until(async () => (await sidecar.text('good', 'password')) === 'p');
    await until(async () => (await sidecar.target('absent'))['code'] === 'NotFound');
    assert.equal((await sidecar.target('typo'))['code'], 'PropertyMissing');
    assert.equal((await sidecar.get('/startupz')).status, 503);
    assert.doesNotMatch((await sidecar.get('/status')).text, /pasword|user/, 'codes only over TCP');
    assert.match(sidecar.output, /there is no property pasword: the keys are \\"password\\", \\"user\\"/);
  });

  it('a deleted version is NotFound and leaves the file', async () => {
    await vault.put('secret/gone', { password: 'p' });
    const sidecar = await start(externalSecret('gone', one('gone', 'password')));
    await until(async () => (await sidecar.text('gone', 'password')) === 'p');
    await vault.api('DELETE', 'secret/data/gone');
    await until(async () => (await sidecar.target('gone'))['code'] === 'NotFound');
    assert.equal(await sidecar.text('gone', 'password'), 'p');
  });

  it('a revoked token is replaced by one new login', async () => {
    await vault.put('secret/db', { password: 'one' });
    const sidecar = await start(externalSecret('db', one('db', 'password')));
    await until(async () => (await sidecar.text('db', 'password')) === 'one');
    const logins = () => proxy.count(/auth\/approle\/login/);
    const before = logins();
    const { data } = await vault.api('LIST', 'auth/token/accessors');
    for (const accessor of data.keys) {
      const info = await vault.api('POST', 'auth/token/lookup-accessor', { accessor });
      if (info.data.policies.includes('reader'))
        await vault.api('POST', 'auth/token/revoke-accessor', { accessor });
    }
    await vault.put('secret/db', { password: 'two' });
    await until(async () => (await sidecar.text('db', 'password')) === 'two');
    assert.equal(logins(), before + 1);
  });

  it('thirty entries over three keys are three reads and one login', async () => {
    for (const key of ['a', 'b', 'c']) await vault.put(`secret/${key}`, { x: key, y: key });
    const entries = ['a', 'b', 'c'].flatMap((key) =>
      Array.from(
        { length: 10 },
        (_, i) => `  - {secretKey: ${key}${i}, remoteRef: {key: ${key}, property: x}}`,
      ),
    );
    const seen = proxy.seen.length;
    const sidecar = await start(externalSecret('many', `  data:\n${entries.join('\n')}`, '1h'));
    await until(async () => (await sidecar.keys('many')).length === 30);
    const requests = proxy.seen.slice(seen).map((request) => request.action);
    assert.equal(requests.filter((action) => action.includes('/v1/secret/data/')).length, 3);
    assert.equal(requests.filter((action) => action.includes('/login')).length, 1);
  });

  it('SIGTERM ends it within two seconds and gives its token back', async () => {
    await vault.put('secret/db', { password: 'one' });
    const sidecar = await start(externalSecret('db', one('db', 'password'), '1h'));
    await until(async () => (await sidecar.text('db', 'password')) === 'one');
    const before = proxy.count(/revoke-self/);
    const { tookMs, exitCode } = await sidecar.stop();
    assert.equal(exitCode, 0);
    assert.ok(tookMs < 2_000, `${tookMs} ms`);
    assert.equal(proxy.count(/revoke-self/), before + 1);
  });

  it('SIGHUP and the control socket refresh now', async () => {
    await vault.put('secret/db', { password: 'one' });
    const sidecar = await start(externalSecret('db', one('db', 'password'), '1h'));
    await until(async () => (await sidecar.text('db', 'password')) === 'one');
    await vault.put('secret/db', { password: 'two' });
    sidecar.signal('SIGHUP');
    await until(async () => (await sidecar.text('db', 'password')) === 'two', 2_000);
  });

  it('run --once delivers what it can and says so by its exit code', async () => {
    await vault.put('secret/db', { password: 'one' });
    const good = externalSecret('good', one('db', 'password'));
    const specs = { 'all.yaml': appRoleStore(proxy.url, login) + good };
    const sidecar = await Sidecar.prepare(specs);
    try {
      assert.equal(await sidecar.once(), 0);
      assert.equal(await sidecar.text('good', 'password'), 'one');
      await sidecar.spec('bad.yaml', externalSecret('bad', one('db', 'nope')));
      assert.equal(await sidecar.once('--timeout', '3s'), 69);
      await sidecar.spec('bad.yaml', 'kind: Nonsense\n');
      assert.equal(await sidecar.once('--timeout', '3s'), 78);
      assert.equal(await sidecar.once('--only', 'nobody'), 64);
    } finally {
      await sidecar.remove();
    }
  });

  it('a store that refuses connections is Unavailable, and holds the start', async () => {
    const port = await freePort();
    const specs =
      appRoleStore(`http://127.0.0.1:${port}`, login) + externalSecret('db', one('db', 'password'));
    const sidecar = await Sidecar.prepare({ 'all.yaml': specs });
    try {
      await sidecar.start();
      await until(async () => (await sidecar.target('db'))['code'] === 'Unavailable');
      assert.equal((await sidecar.get('/startupz')).status, 503);
      assert.equal((await sidecar.get('/livez')).status, 200);
    } finally {
      await sidecar.remove();
    }
  });
});
