import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Code } from '../../src/base/errors.ts';
import { type IdentitySource, openIdentity } from '../../src/identity/identity.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { type ApiServer, apiServerPrograms, startApiServer } from '../peers/apiserver.ts';
import { authority } from '../peers/certificates.ts';
import { type FaultProxy, startFaultProxy } from '../peers/fault-proxy.ts';
import { missing, until } from '../peers/process.ts';
import { startVault, type Vault } from '../peers/vault.ts';
import { failure, get, inspectAll, never, openStore, tree } from './vault-world.ts';

const skip = missing('vault', ['vault']) || missing('kubernetes', apiServerPrograms);

suite('vault logins, for real', { skip }, () => {
  let vault: Vault;
  let cluster: ApiServer;
  let proxy: FaultProxy;
  let folder: string;
  let pod: IdentitySource;

  const bound = { bound_service_account_names: 'app', bound_service_account_namespaces: 'shop' };
  const role = (path: string, settings: object) =>
    vault.api('POST', path, { token_policies: 'read', token_ttl: '60s', ...settings });

  before(async () => {
    [vault, cluster] = await Promise.all([startVault(), startApiServer()]);
    proxy = await startFaultProxy(vault.url);
    folder = await mkdtemp(join(tmpdir(), 'esa-tokens-'));
    await vault.put('secret/app', { v: 'good' });
    await vault.policy('read', 'path "secret/data/*" { capabilities = ["read"] }');
    await cluster.serviceAccount('shop', 'app');
    await cluster.serviceAccount('vault', 'reviewer');
    await cluster.bind('system:auth-delegator', { namespace: 'vault', name: 'reviewer' });
    for (const [path, type] of [
      ['kubernetes', 'kubernetes'],
      ['clusters/one', 'kubernetes'],
      ['jwt', 'jwt'],
      ['approle', 'approle'],
      ['userpass', 'userpass'],
      ['raw', 'jwt'],
    ]) {
      await vault.api('POST', `sys/auth/${path}`, { type });
    }
    const reviewer = await cluster.token('vault', 'reviewer');
    for (const path of ['kubernetes', 'clusters/one']) {
      await vault.api('POST', `auth/${path}/config`, {
        kubernetes_host: cluster.url,
        kubernetes_ca_cert: cluster.ca,
        token_reviewer_jwt: reviewer,
        disable_local_ca_jwt: true,
      });
      await role(`auth/${path}/role/app`, { ...bound, audience: 'vault' });
    }
    await vault.api('POST', 'auth/jwt/config', {
      jwt_validation_pubkeys: [cluster.tokenPublicKey],
      bound_issuer: cluster.issuer,
    });
    const jwtRole = { role_type: 'jwt', user_claim: 'sub', bound_audiences: 'vault' };
    await role('auth/jwt/role/app', { ...jwtRole, bound_subject: 'system:serviceaccount:shop:app' });
    await role('auth/approle/role/app', { role_id: 'shop-app' });
    await role('auth/userpass/users/shop', { password: 'PASSWORD-CANARY' });
    await writeToken('vault', await cluster.token('shop', 'app', { audiences: ['vault'] }));
    pod = await openIdentity({
      mode: 'pod',
      env: {},
      tokensDir: folder,
      serviceAccountDir: join(folder, 'none'),
    });
  });
  after(async () => {
    await Promise.all([proxy.close(), vault.stop(), cluster.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  const writeToken = (audience: string, token: string) => writeFile(join(folder, audience), token);
  const store = (auth: object, rest: Partial<Parameters<typeof openStore>[0]> = {}) =>
    openStore({ spec: { server: proxy.url, path: 'secret', auth }, identity: pod, ...rest });
  const kubernetes = (settings: object = {}) => ({ kubernetes: { role: 'app', ...settings } });
  const jwt = (settings: object = {}) => ({
    jwt: { role: 'app', kubernetesServiceAccountToken: { serviceAccountRef: { name: 'app' } }, ...settings },
  });
  const newSecretId = async () =>
    (await vault.api('POST', 'auth/approle/role/app/secret-id', {})).data.secret_id;

  suite('each method', () => {
    test('the pod knows its namespace and account from its token', () => {
      assert.deepEqual([pod.namespace, pod.serviceAccount], ['shop', 'app']);
    });

    test('kubernetes: TokenReview of the projected token; own account by name; another mount', async () => {
      for (const settings of [{}, { serviceAccountRef: { name: 'app' } }, { mountPath: 'clusters/one' }]) {
        assert.equal(await tree(await store(kubernetes(settings)), 'app'), '{"v":"good"}');
      }
    });

    test('kubernetes and jwt with a token out of a Secret', async () => {
      const token = await cluster.token('shop', 'app', { audiences: ['vault'] });
      const secrets = { given: { token, other: token } };
      assert.equal(
        await tree(await store(kubernetes({ secretRef: { name: 'given' } }), { secrets }), 'app'),
        '{"v":"good"}',
      );
      const own = { kubernetesServiceAccountToken: undefined, secretRef: { name: 'given', key: 'other' } };
      assert.equal(await tree(await store(jwt(own), { secrets }), 'app'), '{"v":"good"}');
    });

    test('jwt: static keys', async () => {
      assert.equal(await tree(await store(jwt()), 'app'), '{"v":"good"}');
    });

    test('appRole: id in the spec, trimmed, or in a Secret', async () => {
      const secrets = { role: { id: 'shop-app', secret: await newSecretId() } };
      const secretRef = { name: 'role', key: 'secret' };
      for (const id of [{ roleId: ' shop-app ' }, { roleRef: { name: 'role', key: 'id' } }]) {
        const open = await store({ appRole: { ...id, secretRef } }, { secrets });
        assert.equal(await tree(open, 'app'), '{"v":"good"}');
        assert.match(open.logged.join(), /stored credentials/);
      }
    });

    test('userPass', async () => {
      const secrets = { user: { password: 'PASSWORD-CANARY' } };
      const open = await store(
        { userPass: { username: 'shop', secretRef: { name: 'user', key: 'password' } } },
        { secrets },
      );
      assert.equal(await tree(open, 'app'), '{"v":"good"}');
    });

    test('the first in ESO\u2019s order counts', async () => {
      const open = await store({
        ...jwt(),
        ...kubernetes({ role: 'nope' }),
        tokenSecretRef: { name: 'root', key: 'token' },
      });
      await tree(open, 'app');
      assert.deepEqual(open.calls, ['ReadSecretData success']);
    });

    test('local: the developer\u2019s token, whatever the store says', async () => {
      const env = { VAULT_TOKEN: 'root' };
      const local = await openIdentity({ mode: 'local', env, tokensDir: folder });
      const open = await store(kubernetes({ role: 'nope' }), { identity: local });
      assert.equal(await tree(open, 'app'), '{"v":"good"}');
      assert.equal((await open.client.whoami!(never)).method, 'local');
      const home = join(folder, 'home');
      await mkdir(home);
      const without = await openIdentity({ mode: 'local', env: { HOME: home }, tokensDir: folder });
      const error = await failure(get(await store(kubernetes(), { identity: without }), 'app'), 'AuthFailed');
      assert.equal(error.remedy, 'run vault login, or set VAULT_TOKEN');
      await writeFile(join(home, '.vault-token'), 'root\n');
      assert.equal(await tree(await store(kubernetes(), { identity: without }), 'app'), '{"v":"good"}');
    });

    test('auth.namespace is for the login, namespace for the reads', async () => {
      proxy.forget();
      const open = await openStore({
        spec: {
          server: proxy.url,
          path: 'secret',
          namespace: 'data-ns',
          auth: { namespace: 'auth-ns', ...kubernetes() },
        },
        identity: pod,
      });
      // Namespaces are an Enterprise feature: the server answers as if it had none such.
      await get(open, 'app').catch(() => undefined);
      assert.deepEqual(proxy.seen[0]!.headers['x-vault-namespace'], 'auth-ns');
      await open.client.close!({ revoke: true });
      assert.ok(
        proxy.seen
          .filter(({ path }) => path.includes('/data/'))
          .every(({ headers }) => headers['x-vault-namespace'] === 'data-ns'),
      );
    });
  });

  suite('refusals name the change that lets it in', () => {
    const refused = async (auth: object, code: Code, message: string, remedy: RegExp | string) => {
      const open = await store(auth, { secrets: { wrong: { value: 'WRONG-CANARY' } } });
      const error = await failure(
        get(open, 'app'),
        code,
        `Vault at 127.0.0.1:${proxy.port} refuses the ${message}`,
      );
      if (typeof remedy === 'string') assert.equal(error.remedy, remedy);
      else assert.match(error.remedy!, remedy);
      assert.deepEqual(error.at, { store: 'SecretStore/vault' });
      const token = (await pod.token('vault')).text();
      assert.doesNotMatch(
        inspectAll(error) + open.logged.join(),
        new RegExp(`CANARY|${token.split('.')[2]}`),
      );
    };

    test('kubernetes', async () => {
      await role('auth/kubernetes/role/audience', { ...bound, audience: 'other' });
      await role('auth/kubernetes/role/account', {
        ...bound,
        bound_service_account_names: 'x',
        audience: 'vault',
      });
      await role('auth/kubernetes/role/namespace', {
        ...bound,
        bound_service_account_namespaces: 'x',
        audience: 'vault',
      });
      const login = 'kubernetes login at auth/kubernetes';
      await refused(
        kubernetes({ role: 'nope' }),
        'AuthFailed',
        `${login}: it has no role nope`,
        'create it: vault write auth/kubernetes/role/nope bound_service_account_names=app bound_service_account_namespaces=shop audience=vault token_policies=POLICY; or correct the role in the store',
      );
      await refused(
        kubernetes({ role: 'audience' }),
        'AuthFailed',
        `${login}: its role audience expects another audience than the token's, which is vault`,
        /^vault write auth\/kubernetes\/role\/audience audience=vault, or name the role's audience/,
      );
      await refused(
        kubernetes({ role: 'account' }),
        'Denied',
        `${login}: its role account does not allow service account app`,
        'vault write auth/kubernetes/role/account bound_service_account_names=app',
      );
      await refused(
        kubernetes({ role: 'namespace' }),
        'Denied',
        `${login}: its role namespace does not allow namespace shop`,
        'vault write auth/kubernetes/role/namespace bound_service_account_namespaces=shop',
      );
      await refused(
        kubernetes({ mountPath: 'none' }),
        'AuthFailed',
        'kubernetes login at auth/none (403): permission denied',
        /^check that kubernetes is enabled at auth\/none, /,
      );
      await refused(
        kubernetes({ secretRef: { name: 'wrong', key: 'value' } }),
        'AuthFailed',
        `${login} (403): permission denied`,
        /system:auth-delegator/,
      );
    });

    test('jwt', async () => {
      const settings = { role_type: 'jwt', user_claim: 'sub', bound_audiences: 'vault' };
      await role('auth/jwt/role/audience', { ...settings, bound_audiences: 'other' });
      await role('auth/jwt/role/subject', { ...settings, bound_subject: 'x' });
      await role('auth/jwt/role/claims', { ...settings, bound_claims: { team: 'x' } });
      await role('auth/jwt/role/open', {
        ...settings,
        bound_audiences: [],
        bound_subject: 'system:serviceaccount:shop:app',
      });
      const login = 'jwt login at auth/jwt';
      await refused(
        jwt({ role: 'nope' }),
        'AuthFailed',
        `${login}: it has no role nope`,
        /vault write auth\/jwt\/role\/nope role_type=jwt/,
      );
      await refused(
        jwt({ role: undefined }),
        'AuthFailed',
        `${login}: the store names no role and the mount has no default role`,
        'set auth.jwt.role in the store',
      );
      await refused(
        jwt({ role: 'audience' }),
        'AuthFailed',
        `${login}: its role audience expects another audience than the token's, which is vault`,
        /bound_audiences=vault/,
      );
      await refused(
        jwt({ role: 'open' }),
        'AuthFailed',
        `${login}: its role open binds no audience, and the token is for audience vault`,
        'vault write auth/jwt/role/open bound_audiences=vault',
      );
      await refused(
        jwt({ role: 'subject' }),
        'Denied',
        `${login}: its role subject is bound to another subject than the token's, which is system:serviceaccount:shop:app`,
        'vault write auth/jwt/role/subject bound_subject=system:serviceaccount:shop:app',
      );
      await refused(
        jwt({ role: 'claims' }),
        'Denied',
        `${login}: the token lacks a claim that its role claims is bound to`,
        'correct bound_claims of auth/jwt/role/claims',
      );
      await refused(
        jwt({ path: 'raw' }),
        'AuthFailed',
        'jwt login at auth/raw: auth/raw is enabled but not configured',
        'write auth/raw/config',
      );
      const bad = { kubernetesServiceAccountToken: undefined, secretRef: { name: 'wrong', key: 'value' } };
      await refused(
        jwt(bad),
        'AuthFailed',
        `${login}: it cannot verify the token's signature`,
        /jwt_validation_pubkeys/,
      );
    });

    test('appRole and userPass', async () => {
      const secretRef = { name: 'wrong', key: 'value' };
      await refused(
        { appRole: { roleId: 'shop-app', secretRef } },
        'AuthFailed',
        'appRole login at auth/approle: role id or secret id are wrong, used up or expired',
        /issue a new secret id/,
      );
      await refused(
        { userPass: { username: 'shop', secretRef } },
        'AuthFailed',
        'userPass login at auth/userpass: the password of user shop is wrong, or there is no such user',
        /correct the username/,
      );
    });

    test('an answer that repeats what was sent is cut', async () => {
      const secretRef = { name: 'wrong', key: 'value' };
      const body = { errors: ['odd secret_id WRONG-CANARY of role'] };
      proxy.fail({ on: /approle/, times: 1, fault: { kind: 'answer', status: 400, body } });
      await refused(
        { appRole: { roleId: 'shop-app', secretRef } },
        'AuthFailed',
        'appRole login at auth/approle (400): odd secret_id [secret] of role',
        /Vault's log/,
      );
    });

    test('references and accounts, before anything is sent', async () => {
      proxy.forget();
      const missingSecret = await store({ tokenSecretRef: { name: 'nope', key: 'token' } });
      const error = await failure(
        get(missingSecret, 'app'),
        'AuthFailed',
        /^Secret nope is not among the mounted documents/,
      );
      assert.equal(error.at.field, 'spec.provider.vault.auth.tokenSecretRef');
      await failure(
        store(kubernetes({ serviceAccountRef: { name: 'other' } })),
        'SpecInvalid',
        'serviceAccountRef names other, and this pod is app',
      );
      await failure(
        store(kubernetes({ serviceAccountRef: { name: 'app', namespace: 'elsewhere' } })),
        'SpecInvalid',
        'serviceAccountRef names elsewhere/app, and this pod is shop/app',
      );
      await failure(
        store({ tokenSecretRef: { name: 'root', key: 'token', namespace: 'elsewhere' } }),
        'SpecInvalid',
        'Secret root of namespace elsewhere is out of reach of a pod in shop',
      );
      const other = await failure(
        get(
          await store(kubernetes({ serviceAccountRef: { name: 'app', audiences: ['https://v:1/x'] } })),
          'app',
        ),
        'AuthFailed',
      );
      assert.match(
        other.message,
        /no token for audience https:\/\/v:1\/x: .*\/https___v_1_x does not exist$/,
      );
      assert.match(other.remedy!, /agent\.external-secrets\.io\/audiences: https:\/\/v:1\/x/);
      assert.equal(proxy.seen.length, 0);
    });

    test('the API server\u2019s own token goes only where the store and the process say so', async () => {
      const annotations = { 'agent.external-secrets.io/audience': 'kubernetes' };
      const unlisted = await failure(store(kubernetes(), { annotations }), 'SpecInvalid');
      assert.match(
        unlisted.message,
        /asks for the API server's token, and --stores-allow does not name 127\.0\.0\.1$/,
      );
      const dir = join(folder, 'kubelet');
      await mkdir(dir);
      await writeFile(join(dir, 'token'), await cluster.token('shop', 'app'));
      const identity = await openIdentity({
        mode: 'pod',
        env: {},
        tokensDir: folder,
        serviceAccountDir: dir,
      });
      await role('auth/kubernetes/role/api', bound);
      const open = await store(kubernetes({ role: 'api' }), {
        annotations,
        identity,
        network: { storesAllow: ['127.0.0.1'] },
      });
      assert.equal(await tree(open, 'app'), '{"v":"good"}');
      await failure(
        store(kubernetes(), { annotations: { 'agent.external-secrets.io/audience': 'x' } }),
        'SpecInvalid',
        /must be kubernetes/,
      );
    });
  });

  suite('the life of a token', () => {
    const tokenSeen = () =>
      String(proxy.seen.findLast(({ path }) => path.includes('/data/'))!.headers['x-vault-token']);
    const lookUp = (token: string) => vault.api('GET', 'auth/token/lookup-self', undefined, token);
    const logins = (calls: readonly string[]) => calls.filter((call) => call.startsWith('Login')).length;

    test('one login for many reads, side by side too; revoked at close', async () => {
      const open = await store(kubernetes());
      await Promise.all(Array.from({ length: 20 }, () => tree(open, 'app')));
      assert.equal(logins(open.calls), 1);
      const told = open.logged.filter((line) => line.startsWith('info logged in '));
      assert.equal(told.length, 1);
      assert.match(
        told[0]!,
        /kubernetes\nauth\/kubernetes\/login\n.*\nvault\n[0-9a-f-]{36}\ndefault\nread\n\d+$/s,
      );
      const token = tokenSeen();
      assert.equal((await lookUp(token)).data.display_name, 'kubernetes-shop-app');
      const whoami = await open.client.whoami!(never);
      assert.deepEqual([whoami.principal, whoami.method], ['kubernetes-shop-app', 'kubernetes']);
      assert.match(whoami.details['policies']!, /read/);
      assert.match(whoami.details['entity']!, /^[0-9a-f-]{36}$/);
      assert.doesNotMatch(JSON.stringify(whoami) + open.logged.join(), new RegExp(token));
      await open.client.close!({ revoke: true });
      await assert.rejects(lookUp(token), /403/);
      await failure(get(open, 'app'), 'Unavailable', 'the store is closed');
    });

    test('kept at close when told to; a static or a batch token is never revoked', async () => {
      const open = await store(kubernetes());
      await tree(open, 'app');
      const token = tokenSeen();
      await open.client.close!({ revoke: false });
      await lookUp(token);
      const fixed = await store({ tokenSecretRef: { name: 'root', key: 'token' } });
      await tree(fixed, 'app');
      await fixed.client.close!({ revoke: true });
      await lookUp('root');
      await role('auth/kubernetes/role/batch', { ...bound, audience: 'vault', token_type: 'batch' });
      const batch = await store(kubernetes({ role: 'batch' }));
      await tree(batch, 'app');
      await batch.client.close!({ revoke: true });
      assert.ok(!batch.calls.some((call) => call.startsWith('RevokeSelf')));
    });

    test('renewed past two thirds of its ttl, when it is used; no timer waits', async () => {
      const clock = new ManualClock();
      const open = await store(kubernetes(), { clock });
      await tree(open, 'app');
      const token = tokenSeen();
      await clock.advance(35_000);
      await tree(open, 'app');
      assert.deepEqual(open.calls, ['Login success', 'ReadSecretData success', 'ReadSecretData success']);
      await clock.advance(9_000);
      await tree(open, 'app');
      assert.deepEqual(open.calls.slice(3), ['RenewSelf success', 'ReadSecretData success']);
      assert.equal(tokenSeen(), token);
      assert.equal(clock.sleeping, 0);
    });

    test('one hour, a refresh a minute, a ttl of 60 s: no more than a renewal or login a minute', async () => {
      const clock = new ManualClock();
      const open = await store(kubernetes(), { clock });
      for (let i = 0; i < 60; i++) {
        await tree(open, 'app');
        await clock.advance(45_000);
      }
      const upkeep = open.calls.filter((call) => !call.startsWith('Read'));
      assert.ok(upkeep.length <= 60, `${upkeep.length}`);
      assert.equal(logins(open.calls), 1);
    });

    test('replaced by a new login when it ended unused, with the token file of that moment', async () => {
      const clock = new ManualClock();
      const open = await store(jwt(), { clock });
      await tree(open, 'app');
      const before = tokenSeen();
      const fresh = await cluster.token('shop', 'app', { audiences: ['vault'] });
      await writeToken('vault', fresh);
      await clock.advance(60_000);
      await tree(open, 'app');
      assert.notEqual(tokenSeen(), before);
      const login = proxy.seen.findLast(({ action }) => action.endsWith('/login'))!;
      assert.equal(JSON.parse(login.body.toString()).jwt, fresh);
    });

    test('an expired token file is refused, and the one put in its place is used', async () => {
      // The API server mints nothing shorter than ten minutes, so the expired one is signed by a key of our own.
      const { publicKey, sign } = await ownIssuer();
      await vault.api('POST', 'sys/auth/own', { type: 'jwt' });
      await vault.api('POST', 'auth/own/config', { jwt_validation_pubkeys: [publicKey] });
      await role('auth/own/role/app', { role_type: 'jwt', user_claim: 'sub', bound_audiences: 'own' });
      const now = Math.floor(Date.now() / 1000);
      const claims = { sub: 'system:serviceaccount:shop:app', aud: ['own'], iat: now - 7200 };
      await writeToken('own', sign({ ...claims, exp: now - 3600 }));
      const own = { serviceAccountRef: { name: 'app', audiences: ['own'] } };
      const open = await store(jwt({ path: 'own', kubernetesServiceAccountToken: own }));
      const error = await failure(get(open, 'app'), 'AuthFailed');
      assert.equal(
        error.message,
        `Vault at 127.0.0.1:${proxy.port} refuses the jwt login at auth/own: the token has expired`,
      );
      await writeToken('own', sign({ ...claims, iat: now, exp: now + 600 }));
      assert.equal(await tree(open, 'app'), '{"v":"good"}');
    });

    test('a token revoked under us: one new login, one retry', async () => {
      const open = await store(kubernetes());
      await tree(open, 'app');
      await vault.api('POST', 'auth/token/revoke', { token: tokenSeen() });
      open.calls.length = 0;
      assert.equal(await tree(open, 'app'), '{"v":"good"}');
      assert.deepEqual(open.calls, ['ReadSecretData error', 'Login success', 'ReadSecretData success']);
      await vault.api('POST', 'auth/token/revoke', { token: tokenSeen() });
      open.calls.length = 0;
      await Promise.all(Array.from({ length: 10 }, () => tree(open, 'app')));
      assert.equal(logins(open.calls), 1, 'ten readers share the new login');
    });

    test('the same, where an older Vault says no more than "permission denied"', async () => {
      const open = await store(kubernetes());
      await tree(open, 'app');
      await vault.api('POST', 'auth/token/revoke', { token: tokenSeen() });
      const body = { errors: ['permission denied'] };
      proxy.fail({ on: /GET/, times: 2, fault: { kind: 'answer', status: 403, body } });
      open.calls.length = 0;
      assert.equal(await tree(open, 'app'), '{"v":"good"}');
      assert.deepEqual(open.calls, [
        'ReadSecretData error',
        'LookupSelf error',
        'Login success',
        'ReadSecretData success',
      ]);
      proxy.heal();
    });

    test('a denial is no dead token: no new login, however often', async () => {
      await vault.policy('blind', 'path "secret/data/none" { capabilities = ["read"] }');
      await role('auth/kubernetes/role/blind', {
        ...bound,
        audience: 'vault',
        token_policies: 'blind',
        token_no_default_policy: true,
      });
      const open = await store(kubernetes({ role: 'blind' }));
      for (let i = 0; i < 5; i++) await failure(get(open, 'app'), 'Denied');
      // Its token may not look itself up, which is found out once, at the price of one login.
      assert.equal(logins(open.calls), 2);
      const usual = await store(kubernetes({ role: 'app' }));
      for (let i = 0; i < 3; i++) await failure(get(usual, 'app', { metadataPolicy: 'Fetch' }), 'Denied');
      assert.equal(logins(usual.calls), 1);
    });

    test('a static token that is dead is read again from its Secret', async () => {
      const { auth } = await vault.api('POST', 'auth/token/create', { policies: ['read'] });
      const secretRef = { tokenSecretRef: { name: 'own', key: 'token' } };
      const open = await store(secretRef, { secrets: { own: { token: auth.client_token } } });
      await tree(open, 'app');
      await vault.api('POST', 'auth/token/revoke', { token: auth.client_token });
      const error = await failure(
        get(open, 'app'),
        'AuthFailed',
        /does not know the token token: it was revoked or has expired$/,
      );
      assert.doesNotMatch(inspectAll(error), new RegExp(auth.client_token));
      const next = (await vault.api('POST', 'auth/token/create', { policies: ['read'] })).auth.client_token;
      open.setSecret('own', { token: next });
      assert.equal(await tree(open, 'app'), '{"v":"good"}');
    });

    test('an outage at renewal: the token is used while it lasts', async () => {
      const clock = new ManualClock();
      const open = await store(kubernetes(), { clock });
      await tree(open, 'app');
      await clock.advance(46_000);
      proxy.fail({ on: /renew-self/, fault: { kind: 'reset' } });
      assert.equal(await tree(open, 'app'), '{"v":"good"}');
      proxy.heal();
      await clock.advance(6_000);
      assert.equal(await tree(open, 'app'), '{"v":"good"}');
      assert.equal(logins(open.calls), 1);
      assert.ok(open.calls.includes('RenewSelf success'));
    });

    test('an outage at login is Unavailable, and over when it is over', async () => {
      const open = await store(kubernetes());
      for (const fault of [
        { kind: 'reset' },
        { kind: 'answer', status: 503, body: { errors: ['Vault is sealed'] } },
      ] as const) {
        proxy.fail({ on: /login/, times: 1, fault });
        await failure(get(open, 'app'), 'Unavailable');
      }
      proxy.fail({
        on: /login/,
        times: 1,
        fault: { kind: 'answer', status: 429, body: {}, headers: { 'retry-after': '3' } },
      });
      assert.equal((await failure(get(open, 'app'), 'Throttled')).retryAfterMs, 3000);
      assert.equal(await tree(open, 'app'), '{"v":"good"}');
    });

    test('one caller\u2019s abort does not take the login from another', async () => {
      const open = await store(kubernetes());
      proxy.fail({ on: /login/, times: 1, fault: { kind: 'delay', ms: 100 } });
      const abort = new AbortController();
      const first = open.client.get({ key: 'app', version: '', metadataPolicy: 'None' }, abort.signal);
      const second = tree(open, 'app');
      proxy.forget();
      await until(() => proxy.count(/login/) === 1);
      abort.abort(new Error('enough'));
      await assert.rejects(first, /enough/);
      assert.equal(await second, '{"v":"good"}');
      assert.equal(logins(open.calls), 1);
    });
  });

  suite('TLS', () => {
    let tls: Vault;
    before(async () => {
      tls = await startVault({ tls: true });
      await tls.put('secret/app', { v: 'safe' });
    });
    after(async () => await tls.stop());
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const over = (spec: object, rest: object = {}) =>
      openStore({
        spec: {
          server: tls.url,
          path: 'secret',
          auth: { tokenSecretRef: { name: 'root', key: 'token' } },
          ...spec,
        },
        ...rest,
      });

    test('caBundle once and twice encoded, caProvider of both kinds, --ca-file', async () => {
      const ca = { ca: tls.ca! };
      const provider = (type: string) => ({ caProvider: { type, name: 'ca', key: 'ca' } });
      const opened = [
        await over({ caBundle: base64(tls.ca!) }),
        await over({ caBundle: base64(base64(tls.ca!)) }),
        await over(provider('Secret'), { secrets: { ca } }),
        await over(provider('ConfigMap'), { configMaps: { ca } }),
        await over({}, { network: ca }),
      ];
      for (const open of opened) assert.equal(await tree(open, 'app'), '{"v":"safe"}');
    });

    test('none, or another', async () => {
      const message = `the certificate of 127.0.0.1:${tls.port} is signed by an authority that is not trusted here`;
      const error = await failure(get(await over({}), 'app'), 'Unavailable', message);
      assert.match(error.remedy!, /caBundle or caProvider/);
      await failure(
        get(await over({ caBundle: base64(authority('Other').cert) }), 'app'),
        'Unavailable',
        message,
      );
    });

    test('a caProvider that was wrong is read again', async () => {
      const spec = { caProvider: { type: 'Secret', name: 'ca', key: 'ca' } };
      const open = await over(spec, { secrets: { ca: { ca: authority('Other').cert } } });
      await failure(get(open, 'app'), 'Unavailable', /not trusted/);
      open.setSecret('ca', { ca: 'rubbish' });
      const error = await failure(
        get(open, 'app'),
        'SpecInvalid',
        'ca of Secret ca holds no certificate in PEM form',
      );
      assert.equal(error.at.field, 'spec.provider.vault.caProvider');
      open.setSecret('ca', { ca: tls.ca! });
      assert.equal(await tree(open, 'app'), '{"v":"safe"}');
    });

    test('a client key that is none', async () => {
      const refs = { certSecretRef: { name: 'tls' }, keySecretRef: { name: 'tls' } };
      const { cert } = authority('Client');
      const open = await over(
        { tls: refs, caBundle: base64(tls.ca!) },
        { secrets: { tls: { 'tls.crt': cert, 'tls.key': 'KEY-CANARY' } } },
      );
      const error = await failure(
        get(open, 'app'),
        'SpecInvalid',
        'tls.key of Secret tls is not a private key in PEM form',
      );
      assert.doesNotMatch(inspectAll(error), /CANARY/);
    });
  });
});

async function ownIssuer() {
  const { createSign, generateKeyPairSync } = await import('node:crypto');
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const sign = (claims: object) => {
    const content = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`;
    return `${content}.${createSign('RSA-SHA256').update(content).sign(privateKey, 'base64url')}`;
  };
  return { publicKey, sign };
}
