import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type Code, verdictOf } from '../../src/base/errors.ts';
import { goMarshal, parseJson } from '../../src/base/json.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { type FaultProxy, startFaultProxy } from '../peers/fault-proxy.ts';
import { missing, until } from '../peers/process.ts';
import { startVault, type Vault } from '../peers/vault.ts';
import { absence, failure, found, get, inspectAll, never, openStore, root, tree } from './vault-world.ts';

const skip = missing('vault', ['vault']);

suite('vault, for real', { skip }, () => {
  let vault: Vault;
  let proxy: FaultProxy;
  const store = (spec: object = {}, rest: object = {}) =>
    openStore({ spec: { server: vault.url, path: 'secret', auth: root, ...spec }, ...rest });

  before(async () => {
    vault = await startVault();
    proxy = await startFaultProxy(vault.url);
    for (const path of ['kv1', 'a/b', 'mykv_data']) await vault.mountKv(path, path === 'kv1' ? 1 : 2);
    await vault.mountKv('n/1', 1);
    for (const mount of ['secret', 'kv1', 'a/b', 'mykv_data', 'n/1']) {
      for (const key of ['app', 'data', 'x/y', 'x/data/y'])
        await vault.put(`${mount}/${key}`, { from: `${mount}/${key}` });
    }
  });
  after(async () => {
    await proxy.close();
    await vault.stop();
  });

  suite('reads', () => {
    test('every path form of every mount', async () => {
      for (const [mount, version] of [
        ['secret', 'v2'],
        ['a/b', 'v2'],
        ['mykv_data', 'v2'],
        ['kv1', 'v1'],
        ['n/1', 'v1'],
      ] as const) {
        const given = await store({ path: mount, version });
        const bare = await store({ path: undefined, version });
        for (const key of ['app', 'data', 'x/y', 'x/data/y']) {
          const expected = `{"from":"${mount}/${key}"}`;
          const forms = [key, `${mount}/${key}`, ...(version === 'v2' ? [`${mount}/data/${key}`] : [])];
          for (const form of forms) assert.equal(await tree(given, form), expected, `${mount}: ${form}`);
          const named = version === 'v1' ? `${mount}/${key}` : `${mount}/data/${key}`;
          assert.equal(await tree(bare, named), expected, named);
        }
      }
      const bare = await store({ path: undefined });
      assert.equal(await tree(bare, 'secret/app'), '{"from":"secret/app"}');
    });

    test('keys that a URL would take apart', async () => {
      const open = await store({ path: 'kv1', version: 'v1' });
      for (const key of ['sp ace', 'q?x=1', 'ha#sh', "quo'te", 'per%25cent', 'uml\u00e4ut', 'a&b', 'plus+']) {
        await vault.put(`kv1/${key.split('/').map(encodeURIComponent).join('/')}`, { key });
        assert.deepEqual(JSON.parse(await tree(open, key)), { key });
      }
    });

    test('number literals stay as the store sends them', async () => {
      await vault.put('kv1/numbers', '{"big":12345678901234567890,"one":1.0,"exp":1e3}');
      const direct = await store({ path: 'kv1', version: 'v1' });
      // Vault itself turns some literals into Go's floats when it stores them; what it sends is kept to the byte.
      const sent = (
        await (await fetch(`${vault.url}/v1/kv1/numbers`, { headers: { 'X-Vault-Token': 'root' } })).text()
      ).match(/"data":(\{.*?\})/)![1];
      assert.equal(await tree(direct, 'numbers'), sent);
      const body = '{"data":{"data":{"big":12345678901234567890,"one":1.0},"metadata":{"version":3}}}';
      proxy.fail({
        on: 'GET /v1/secret/data/app',
        fault: { kind: 'answer', status: 200, body, headers: { 'content-type': 'application/json' } },
      });
      const open = await store({ server: proxy.url });
      assert.equal(await tree(open, 'app'), '{"big":12345678901234567890,"one":1.0}');
      proxy.heal();
    });

    test('texts alone, under any name, mean what they mean to whoever reads all of it', async () => {
      const v1 = await store({ path: 'kv1', version: 'v1' });
      const v2 = await store();
      for (const [i, texts] of [
        '{"b":"1","a":"2"}',
        '{"10":"ten","9":"nine","x":""}',
        '{"__proto__":"p","constructor":"c","a b":"\\u2028<>&\\"\\\\\\ud83d\\ude00\\u0000"}',
        '{"data":"d","metadata":"m"}',
        '{"unreadable":"\\ufffd"}',
      ].entries()) {
        const key = `texts/${i}`;
        await vault.put(`kv1/${key}`, texts);
        await vault.put(`secret/${key}`, texts);
        const written = goMarshal(parseJson(texts), { escapeHtml: true });
        for (const open of [v1, v2])
          assert.equal(goMarshal(parseJson(await tree(open, key)), { escapeHtml: true }), written, key);
      }
    });

    test('versions, rotation, deleted, destroyed, undeleted', async () => {
      const open = await store();
      await vault.put('secret/rot', { v: 'one' });
      const first = await get(open, 'rot');
      assert.equal(first.kind === 'tree' && first.version, '1');
      await vault.put('secret/rot', { v: 'two' });
      const second = await get(open, 'rot');
      assert.equal(second.kind === 'tree' && second.version, '2');
      assert.equal(await tree(open, 'rot', { version: '1' }), '{"v":"one"}');
      assert.match(await absence(open, 'rot', { version: '9' }), /no such secret, or no version 9 of it$/);
      await vault.api('DELETE', 'secret/data/rot');
      assert.equal(
        await absence(open, 'rot'),
        'GET /v1/secret/data/rot (mount secret, KV v2): version 2 is deleted',
      );
      await vault.api('PUT', 'secret/destroy/rot', { versions: [2] });
      assert.match(await absence(open, 'rot'), /version 2 is destroyed$/);
      assert.equal(await tree(open, 'rot', { version: '1' }), '{"v":"one"}');
      await failure(
        get(open, 'rot', { version: 'latest' }),
        'SpecInvalid',
        'version "latest" is not a number',
      );
    });

    test('a key that is not there', async () => {
      assert.equal(
        await absence(await store(), 'nope'),
        'GET /v1/secret/data/nope (mount secret, KV v2): no such secret',
      );
      assert.match(await absence(await store({ path: 'kv1', version: 'v1' }), 'nope'), /no such secret$/);
    });

    test('metadata, as texts, custom ones over the system ones', async () => {
      await vault.put('secret/meta', { a: 1 });
      await vault.api('POST', 'secret/metadata/meta', {
        custom_metadata: { owner: 'team', current_version: 'mine' },
      });
      const open = await store();
      const metadata = JSON.parse(await tree(open, 'meta', { metadataPolicy: 'Fetch' }));
      assert.deepEqual(Object.keys(metadata).sort(), [
        'created_time',
        'current_version',
        'delete_version_after',
        'owner',
      ]);
      assert.deepEqual(
        [metadata.owner, metadata.current_version, metadata.delete_version_after],
        ['team', 'mine', '0s'],
      );
      const bare = await store({ path: undefined });
      assert.equal(
        JSON.parse(await tree(bare, 'secret/data/meta', { metadataPolicy: 'Fetch' })).owner,
        'team',
      );
      await failure(get(open, 'nope', { metadataPolicy: 'Fetch' }), 'NotFound', /there is no such secret$/);
      const v1 = await store({ path: 'kv1', version: 'v1' });
      await failure(get(v1, 'app', { metadataPolicy: 'Fetch' }), 'SpecInvalid', 'KV v1 has no metadata');
    });

    test('a dynamic secret is refused by name', async () => {
      await vault.api('POST', 'sys/mounts/pki', { type: 'pki' });
      const open = await store({ version: 'v1', path: undefined });
      const body = { lease_id: 'database/creds/app/1', data: { password: 'CANARY' } };
      proxy.fail({ on: 'GET /v1/database/creds/app', fault: { kind: 'answer', status: 200, body } });
      const through = await store({ server: proxy.url, version: 'v1', path: undefined });
      const error = await failure(
        get(through, 'database/creds/app'),
        'SpecInvalid',
        'not supported by this version: dynamic secrets, such as database/creds/app',
      );
      assert.doesNotMatch(inspectAll(error), /CANARY/);
      proxy.heal();
      await failure(
        get(await store({ path: 'pki' }), 'x'),
        'Denied',
        /what is mounted at pki is pki, not KV$/,
      );
      assert.ok(open);
    });
  });

  suite('hints', () => {
    const hint = async (spec: object, key: string) => await failure(get(await store(spec), key), 'Denied');

    test('v1 and v2 mistaken, with a wide token', async () => {
      const asV1 = await hint({ version: 'v1' }, 'app');
      assert.equal(asV1.message, 'GET /v1/secret/app (mount secret, KV v1): secret looks like KV v2');
      assert.equal(asV1.remedy, 'set version: v2 in the store');
      const asV2 = await hint({ path: 'kv1' }, 'app');
      assert.equal(asV2.message, 'GET /v1/kv1/data/app (mount kv1, KV v2): kv1 looks like KV v1');
      assert.equal(asV2.remedy, 'set version: v1 in the store');
      assert.deepEqual(asV2.at, { field: 'spec.provider.vault.path', file: 'store.yaml', key: 'app' });
    });

    test('wrong mounts', async () => {
      const none = await hint({ path: 'nope' }, 'app');
      assert.equal(none.message, 'GET /v1/nope/data/app (mount nope, KV v2): nothing is mounted there');
      const half = await hint({ path: undefined }, 'a/b/app');
      assert.equal(half.message, 'GET /v1/a/data/b/app (no mount set, KV v2): the mount is a/b');
      assert.equal(half.remedy, 'set path: a/b in the store, or write the key as a/b/data/\u2026');
      assert.equal((await hint({ path: 'a' }, 'b/app')).remedy, 'set path: a/b in the store');
    });

    test('policies: what is missing is printed as it has to be written', async () => {
      await vault.policy('narrow', 'path "secret/data/other" { capabilities = ["read"] }');
      const { auth } = await vault.api('POST', 'auth/token/create', { policies: ['narrow'] });
      const narrow = { secrets: { root: { token: auth.client_token } } };
      const denied = await failure(get(await store({}, narrow), 'app'), 'Denied');
      assert.equal(
        denied.message,
        'GET /v1/secret/data/app (mount secret, KV v2): the policies of the token do not allow it',
      );
      assert.equal(
        denied.remedy,
        'add to a policy of the role: path "secret/data/app" { capabilities = ["read"] }',
      );
      const blind = await failure(get(await store({ path: 'kv1', version: 'v1' }, narrow), 'app'), 'Denied');
      assert.match(blind.message, /nor may it see the mount, which may be another or none$/);
      const mistaken = await failure(get(await store({ version: 'v1' }, narrow), 'app'), 'Denied');
      assert.equal(mistaken.remedy, 'set version: v2 in the store');
      const listing = await failure(found(await store({}, narrow), { nameRegexp: '.' }), 'Denied');
      assert.match(listing.remedy!, /path "secret\/metadata\/" \{ capabilities = \["list"\] \}/);
    });

    test('the same fault gives the same text', async () => {
      const open = await store({ path: 'nope' });
      const texts = [await failure(get(open, 'app'), 'Denied'), await failure(get(open, 'app'), 'Denied')];
      assert.equal(texts[0]!.message, texts[1]!.message);
    });
  });

  suite('find', () => {
    before(async () => {
      await vault.mountKv('f2', 2);
      await vault.mountKv('f1', 1);
      for (const mount of ['f1', 'f2']) {
        for (const key of ['db', 'team/db', 'team/data/db', 'team/f2/x', 'gone']) {
          await vault.put(`${mount}/${key}`, { html: '<b>', key: `${mount}/${key}` });
        }
      }
      await vault.api('POST', 'f2/metadata/team/db', { custom_metadata: { env: 'prod', tier: '1' } });
      await vault.api('DELETE', 'f2/data/gone');
    });
    const value = (key: string) => `{"html":"\\u003cb\\u003e","key":"${key}"}`;

    test('by name, RE2 and unanchored; deleted ones are left out', async () => {
      const open = await store({ path: 'f2' });
      assert.deepEqual(await found(open, { nameRegexp: 'db$|gone' }), {
        db: value('f2/db'),
        'team/data/db': value('f2/team/data/db'),
        'team/db': value('f2/team/db'),
      });
      const v1 = await store({ path: 'f1', version: 'v1' });
      assert.deepEqual(await found(v1, { nameRegexp: '^team/', path: 'team' }), {
        'team/data/db': value('f1/team/data/db'),
        'team/db': value('f1/team/db'),
        'team/f2/x': value('f1/team/f2/x'),
      });
    });

    test('by tags, under a path; a name wins', async () => {
      const open = await store({ path: 'f2' });
      const tags = new Map([['env', 'prod']]);
      assert.deepEqual(await found(open, { tags, path: 'team' }), { 'team/db': value('f2/team/db') });
      assert.deepEqual(await found(open, { tags: new Map([['env', 'dev']]) }), {});
      assert.deepEqual(await found(open, { tags, nameRegexp: '^db$' }), { db: value('f2/db') });
      const v1 = await store({ path: 'f1', version: 'v1' });
      await failure(found(v1, { tags }), 'SpecInvalid', /KV v1 has no metadata/);
    });

    test('without a mount; nothing there; a bad expression', async () => {
      const bare = await store({ path: undefined });
      assert.deepEqual(await found(bare, { path: 'f2/data/team', nameRegexp: '^team/db' }), {
        'team/db': value('f2/team/db'),
      });
      assert.equal(
        await found(await store({ path: 'f2' }), { path: 'none', nameRegexp: '.' }),
        'there are no secrets below f2/metadata/none/',
      );
      await failure(found(await store({ path: 'f2' }), { nameRegexp: '(?=x)' }), 'SpecInvalid');
    });
  });

  suite('faults of the server', () => {
    const path = 'GET /v1/secret/data/app';

    test('only a 404 of the mount that is meant is an absence', async () => {
      const open = await store({ server: proxy.url });
      await tree(open, 'app');
      const table: [number, unknown, Code][] = [
        [400, { errors: ['nonsense'] }, 'Denied'],
        [401, { errors: ['who'] }, 'Denied'],
        [403, { errors: ['permission denied'] }, 'Denied'],
        [412, { errors: [] }, 'Unavailable'],
        [429, { errors: ['request path "x": rate limit quota exceeded'] }, 'Throttled'],
        [472, { errors: [] }, 'Unavailable'],
        [473, { errors: [] }, 'Unavailable'],
        [500, { errors: ['internal error'] }, 'Unavailable'],
        [502, '<html>bad gateway</html>', 'Unavailable'],
        [503, { errors: ['Vault is sealed'] }, 'Unavailable'],
        [504, '', 'Unavailable'],
        [200, 'welcome', 'Unavailable'],
        [403, '<html>forbidden</html>', 'Unavailable'],
        [404, 'default backend - 404', 'Unavailable'],
        [404, { message: 'no Route matched' }, 'Unavailable'],
        [301, '', 'Unavailable'],
      ];
      for (const [status, body, code] of table) {
        proxy.fail({ on: path, times: 1, fault: { kind: 'answer', status, body } });
        const error = await failure(get(open, 'app'), code);
        assert.notEqual(error.remedy, undefined, `${status}`);
        assert.notEqual(verdictOf(error.code), 'spec', `${status} must be tried again`);
      }
      proxy.fail({ on: path, times: 1, fault: { kind: 'answer', status: 404, body: { errors: [] } } });
      assert.match(await absence(open, 'app'), /no such secret$/);
      for (const fault of [{ kind: 'reset' }, { kind: 'truncate', bytes: 9 }] as const) {
        proxy.fail({ on: path, times: 1, fault });
        await failure(get(open, 'app'), 'Unavailable');
      }
      assert.equal(await tree(open, 'app'), '{"from":"secret/app"}');
    });

    test('messages and Retry-After', async () => {
      const clock = new ManualClock();
      const open = await store({ server: proxy.url }, { clock });
      const answer = (status: number, errors: string[], headers = {}) =>
        proxy.fail({ on: path, times: 1, fault: { kind: 'answer', status, body: { errors }, headers } });
      answer(429, [], { 'retry-after': '7' });
      assert.equal((await failure(get(open, 'app'), 'Throttled')).retryAfterMs, 7000);
      answer(429, [], { 'retry-after': new Date(clock.now() + 5000).toUTCString() });
      assert.equal((await failure(get(open, 'app'), 'Throttled')).retryAfterMs, 5000);
      answer(503, ['Vault is sealed']);
      await failure(get(open, 'app'), 'Unavailable', `Vault at 127.0.0.1:${proxy.port} is sealed`);
      answer(400, [
        'Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period',
      ]);
      await failure(get(open, 'app'), 'Unavailable', /is turning the mount into KV v2$/);
      answer(500, [
        '1 error occurred:\n\t* at 2026-01-02T03:04:05.678Z token hvs.CAESxyz of root is odd\n\n',
      ]);
      await failure(
        get(open, 'app'),
        'Unavailable',
        `Vault at 127.0.0.1:${proxy.port} answers 500: at (a time) token [secret] of root is odd`,
      );
    });

    test('a hang ends with the caller', async () => {
      const open = await store({ server: proxy.url });
      proxy.fail({ on: path, times: 1, fault: { kind: 'hang' } });
      const abort = new AbortController();
      proxy.forget();
      const pending = open.client.get({ key: 'app', version: '', metadataPolicy: 'None' }, abort.signal);
      await until(() => proxy.count(path) === 1);
      abort.abort(new Error('enough'));
      await assert.rejects(pending, /enough/);
    });

    test('307 is followed once, and only to where a store may lie', async () => {
      const redirect = (location: string) =>
        proxy.fail({ on: path, times: 1, fault: { kind: 'answer', status: 307, headers: { location } } });
      const open = await store({ server: proxy.url });
      redirect(`${vault.url}/v1/secret/data/app`);
      assert.equal(await tree(open, 'app'), '{"from":"secret/app"}');
      const listed = await store(
        { server: proxy.url },
        { network: { storesAllow: [`127.0.0.1:${proxy.port}`] } },
      );
      redirect(`${vault.url}/v1/secret/data/app`);
      await failure(get(listed, 'app'), 'Unavailable', /redirects to a node that is not allowed/);
      redirect('http://169.254.169.254/latest');
      await failure(get(open, 'app'), 'Unavailable', /link-local/);
      proxy.fail({
        on: path,
        times: 2,
        fault: { kind: 'answer', status: 307, headers: { location: `${proxy.url}/v1/secret/data/app` } },
      });
      await failure(get(open, 'app'), 'Unavailable', /answers 307, a redirect to http/);
    });
  });

  suite('requests', () => {
    test('headers, namespace, consistency; nothing from the environment', async () => {
      const kept = { ...process.env };
      Object.assign(process.env, {
        VAULT_ADDR: 'http://127.0.0.1:1',
        VAULT_TOKEN: 'ENV-CANARY',
        VAULT_NAMESPACE: 'env-ns',
        VAULT_PREFIX: '/prefix',
        VAULT_SKIP_VERIFY: '1',
      });
      proxy.forget();
      try {
        const open = await store({
          server: `${proxy.url}/`,
          headers: { 'X-Team': 'shop' },
          readYourWrites: true,
          forwardInconsistent: true,
        });
        // Answered here: Vault refuses the forwarding header unless its configuration allows it.
        const body = { data: { data: {}, metadata: { version: 1 } } };
        const headers = { 'x-vault-index': 'v1:state' };
        proxy.fail({ on: /./, times: 2, fault: { kind: 'answer', status: 200, body, headers } });
        await tree(open, 'app');
        await tree(open, 'app');
      } finally {
        process.env = kept;
      }
      const [first, second] = proxy.seen.map(({ headers }) => headers);
      assert.deepEqual(
        [first!['x-vault-token'], first!['x-vault-request'], first!['x-team']],
        ['root', 'true', 'shop'],
      );
      assert.equal(first!['x-vault-namespace'], undefined);
      assert.deepEqual([first!['x-vault-index'], second!['x-vault-index']], [undefined, 'v1:state']);
      assert.equal(second!['x-vault-inconsistent'], 'forward-active-node');
      proxy.forget();
      await get(await store({ server: proxy.url, namespace: 'ns1' }), 'app');
      assert.equal(proxy.seen[0]!.headers['x-vault-namespace'], 'ns1');
      assert.equal(proxy.seen[0]!.headers['x-vault-inconsistent'], undefined);
    });

    test('30 entries over 3 keys are 3 reads and no login', async () => {
      const open = await store();
      await Promise.all(['app', 'data', 'x/y'].map((key) => tree(open, key)));
      assert.deepEqual(open.calls, [
        'ReadSecretData success',
        'ReadSecretData success',
        'ReadSecretData success',
      ]);
      assert.match(open.logged.join('\n'), /warn the store logs in with stored credentials/);
    });

    test('whoami', async () => {
      const open = await store();
      assert.deepEqual(await open.client.whoami!(never), {
        principal: 'token',
        method: 'token',
        details: { policies: 'root', ttl: 'unlimited', path: 'auth/token/create' },
      });
      const anonymous = await store({ auth: undefined });
      assert.deepEqual(await anonymous.client.whoami!(never), {
        principal: 'nobody',
        method: 'none',
        details: {},
      });
      await failure(get(anonymous, 'app'), 'Denied');
    });
  });
});
