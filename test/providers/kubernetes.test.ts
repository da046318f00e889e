import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Code, verdictOf } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import { kubernetes } from '../../src/providers/kubernetes.ts';
import { type ApiServer, apiServerPrograms, startApiServer } from '../peers/apiserver.ts';
import { type Fault, startFaultProxy } from '../peers/fault-proxy.ts';
import { missing, until } from '../peers/process.ts';
import {
  failure,
  nodeOf,
  type OpenStore,
  openStore,
  type StoreOptions,
  shaped,
  texts,
} from './kubernetes-world.ts';

const { signal } = new AbortController();
const blob = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const inCluster = { name: 'app' };

describe('a Kubernetes store', { skip: missing('kubernetes', apiServerPrograms) }, () => {
  let api: ApiServer;
  let token: string;
  let open: OpenStore;
  const opened: OpenStore[] = [];

  /** With the server's address and CA. */
  const store = async (options: Omit<StoreOptions, 'spec'> & { spec: object }): Promise<OpenStore> => {
    const server = { url: api.url, caBundle: Buffer.from(api.ca).toString('base64') };
    const one = await openStore({ ...options, spec: { server, remoteNamespace: 'team', ...options.spec } });
    opened.push(one);
    return one;
  };
  const env = () => ({ KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(api.port) });
  const asPod = (given = () => token) =>
    store({
      spec: { auth: { serviceAccount: inCluster } },
      identity: { env: env(), apiServerToken: async () => Secret.of(given()) },
    });

  before(async () => {
    api = await startApiServer();
    await api.serviceAccount('shop', 'app');
    await api.serviceAccount('team', 'other');
    token = await api.token('shop', 'app');
    await secret('db', {
      user: 'app',
      'config.json': '{"not":"reached"}',
      config: '{"a":{"b":"deep"}}',
      blob,
    });
    await secret(
      'web',
      { url: 'https://web?a=1&b=<2>' },
      { tier: 'front', 'app.io/name': 'web' },
      { note: 'x' },
    );
    await secret('web-2', { url: 'two' }, { tier: 'front' });
    open = await asPod();
    await grant(['get', 'list']);
    const find = { dataFrom: [{ find: { tags: {} } }] };
    await until(
      async () =>
        await shaped(open, find).then(
          () => true,
          () => false,
        ),
      5_000,
    );
    open.calls.length = 0;
  });
  after(async () => {
    for (const { client } of opened) await client.close?.({ revoke: true });
    await api?.stop();
  });

  const secret = (
    name: string,
    data: Record<string, string | Buffer>,
    labels?: object,
    annotations?: object,
  ) =>
    api.create('/api/v1/namespaces/team/secrets', {
      metadata: { name, labels, annotations },
      data: Object.fromEntries(
        Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
      ),
    });

  /** The app may read the team's Secrets: a Role there, bound to an account of another namespace. */
  const grant = async (verbs: readonly string[], name = 'app') => {
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/team';
    const rules = [{ apiGroups: [''], resources: ['secrets'], verbs }];
    const role = await api.create(`${rbac}/roles`, { metadata: { generateName: 'read-' }, rules });
    await api.create(`${rbac}/rolebindings`, {
      metadata: { generateName: 'read-' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role.metadata.name },
      subjects: [{ kind: 'ServiceAccount', namespace: 'shop', name }],
    });
  };

  it('gives values by key, by path into a value, whole, and byte for byte', async () => {
    const data = [
      ['user', { key: 'db', property: 'user' }],
      ['deep', { key: 'db', property: 'config.a.b' }],
      ['dotted', { key: 'db', property: 'config.json' }],
      ['whole', { key: 'web' }],
      ['blob', { key: 'db', property: 'blob' }],
    ].map(([secretKey, remoteRef]) => ({ secretKey, remoteRef }));
    const { entries } = await shaped(open, { data });
    assert.deepEqual(entries['blob'], blob);
    assert.equal(String(entries['user']), 'app');
    assert.equal(String(entries['deep']), 'deep');
    assert.equal(String(entries['dotted']), '{"not":"reached"}');
    assert.equal(String(entries['whole']), '{"url":"https://web?a=1&b=<2>"}');
    assert.ok(open.calls.every((call) => call === 'GetSecret success'));
  });

  it('extracts the data as it is, and an object within it as JSON values', async () => {
    const { entries } = await shaped(open, { dataFrom: [{ extract: { key: 'db' } }] });
    assert.deepEqual(Object.keys(entries).sort(), ['blob', 'config', 'config.json', 'user']);
    assert.deepEqual(entries['blob'], blob);
    const nested = await texts(open, { dataFrom: [{ extract: { key: 'db', property: 'config.json' } }] });
    assert.deepEqual(nested, { not: '"reached"' });
  });

  it('gives labels and annotations under metadataPolicy Fetch', async () => {
    const ref = (property?: string) => ({
      key: 'web',
      metadataPolicy: 'Fetch',
      ...(property && { property }),
    });
    const data = [
      { secretKey: 'tier', remoteRef: ref('labels.tier') },
      { secretKey: 'note', remoteRef: ref('annotations.note') },
      { secretKey: 'all', remoteRef: ref() },
    ];
    assert.deepEqual(await texts(open, { data }), {
      tier: 'front',
      note: 'x',
      all: '{"annotations":{"note":"x"},"labels":{"app.io/name":"web","tier":"front"}}',
    });
    assert.deepEqual(
      await texts(open, { dataFrom: [{ extract: { key: 'web-2', metadataPolicy: 'Fetch' } }] }),
      {
        labels: '{"tier":"front"}',
        annotations: 'null',
      },
    );
  });

  it('finds by labels and by name; labels win, and no label selects all', async () => {
    const found = async (find: object) => Object.keys(await texts(open, { dataFrom: [{ find }] })).sort();
    assert.deepEqual(await found({ tags: { tier: 'front' } }), ['web', 'web-2']);
    assert.deepEqual(await found({ name: { regexp: '^d' } }), ['db']);
    assert.deepEqual(await found({ name: { regexp: '^d' }, tags: { 'app.io/name': 'web' } }), ['web']);
    assert.deepEqual(await found({ tags: {} }), ['db', 'web', 'web-2']);
    assert.deepEqual(await texts(open, { dataFrom: [{ find: { name: { regexp: '^web-2$' } } }] }), {
      'web-2': '{"url":"two"}',
    });
  });

  it('takes no label for a selector of its own', async () => {
    const find = { tags: { tier: 'front,app.io/name!=x' } };
    const error = await failure(shaped(open, { dataFrom: [{ find }] }));
    assert.equal(error.code, 'SpecInvalid');
    assert.match(error.message, /cannot be a label/);
  });

  it('counts a missing Secret as gone for extract, and as a fault for data, whatever deletionPolicy says', async () => {
    const target = { deletionPolicy: 'Delete' };
    const gone = await shaped(open, { target, dataFrom: [{ extract: { key: 'nope' } }] });
    assert.deepEqual(gone, { entries: {}, missing: ['there is no Secret nope in namespace team'] });
    const error = await failure(
      shaped(open, { target, data: [{ secretKey: 'a', remoteRef: { key: 'nope' } }] }),
    );
    assert.deepEqual([error.code, error.message], ['NotFound', 'there is no Secret nope in namespace team']);
  });

  it('takes nothing but the Status of a Secret for its absence, whatever the policy', async () => {
    const proxy = await startFaultProxy(api.url, { ca: api.ca });
    const server = { url: proxy.url };
    const identity = { env: env(), token: async () => Secret.of(token) };
    const auth = { serviceAccount: { ...inCluster, audiences: ['any'] } };
    const one = await store({ spec: { server, auth }, identity });
    const path = 'GET /api/v1/namespaces/team/secrets/db';
    const status = (code: number, reason: string, details?: object) => ({
      kind: 'answer' as const,
      status: code,
      body: { kind: 'Status', reason, details },
    });
    const table: readonly (readonly [Fault, Code])[] = [
      [status(400, 'BadRequest'), 'Denied'],
      [status(401, 'Unauthorized'), 'AuthFailed'],
      [status(403, 'Forbidden'), 'Denied'],
      [status(404, 'NotFound', { name: 'another' }), 'NotFound'],
      [status(404, 'NotFound', {}), 'Unavailable'],
      [{ kind: 'answer', status: 404, body: 'default backend - 404' }, 'Unavailable'],
      [{ kind: 'answer', status: 408, body: 'too slow' }, 'Unavailable'],
      [status(410, 'Gone'), 'Denied'],
      [{ kind: 'answer', status: 429, headers: { 'retry-after': '600' } }, 'Throttled'],
      [status(500, 'InternalError'), 'Unavailable'],
      [status(503, 'ServiceUnavailable'), 'Unavailable'],
      [status(504, 'Timeout'), 'Unavailable'],
      [{ kind: 'answer', status: 200, body: 'welcome' }, 'DecodeFailed'],
      [{ kind: 'reset' }, 'Unavailable'],
    ];
    const spec = { target: { deletionPolicy: 'Delete' }, dataFrom: [{ extract: { key: 'db' } }] };
    try {
      for (const [fault, code] of table) {
        proxy.fail({ on: path, fault });
        const error = await failure(shaped(one, spec));
        assert.equal(error.code, code, JSON.stringify(fault));
        assert.notEqual(verdictOf(error.code), 'spec', 'it is tried again');
        assert.notEqual(error.remedy, undefined, JSON.stringify(fault));
        proxy.heal();
      }
      proxy.fail({ on: path, fault: status(404, 'NotFound', { name: 'db' }) });
      assert.equal((await shaped(one, spec)).missing.length, 1);
    } finally {
      await proxy.close();
    }
  });

  it('names the keys that are there instead of a property', async () => {
    const remoteRef = { key: 'db', property: 'pass' };
    const error = await failure(shaped(open, { data: [{ secretKey: 'a', remoteRef }] }));
    assert.equal(error.code, 'PropertyMissing');
    assert.equal(
      error.message,
      'there is no property pass: the keys are "blob", "config", "config.json", "user"',
    );
  });

  it('asks for nothing but a Secret, whatever the key looks like', async () => {
    for (const key of ['..', '../configmaps/x', 'A', 'x/y', 'x?y', '.']) {
      const error = await failure(shaped(open, { data: [{ secretKey: 'a', remoteRef: { key } }] }));
      assert.equal(error.code, 'SpecInvalid', key);
    }
  });

  it('says which RBAC rule is missing, and reads once it is there', async () => {
    await api.serviceAccount('shop', 'late');
    const late = await api.token('shop', 'late');
    const one = await asPod(() => late);
    const data = [{ secretKey: 'user', remoteRef: { key: 'db', property: 'user' } }];
    const error = await failure(shaped(one, { data }));
    assert.equal(error.code, 'Denied');
    assert.equal(error.message, 'system:serviceaccount:shop:late may not get secrets db in namespace team');
    assert.match(error.remedy!, /resources: \["secrets"\], resourceNames: \["db"\], verbs: \["get"\]/);
    const listing = await failure(shaped(one, { dataFrom: [{ find: { tags: {} } }] }));
    assert.match(listing.remedy!, /resources: \["secrets"\], verbs: \["list"\]/);
    await grant(['get'], 'late');
    // The authorizer sees a Role a moment after it was made.
    await until(
      async () =>
        await shaped(one, { data }).then(
          () => true,
          () => false,
        ),
      5_000,
    );
    assert.deepEqual(await texts(one, { data }), { user: 'app' });
  });

  it('logs in with a token, a certificate and a kubeconfig out of Secrets, with a warning', async () => {
    const { cert, key } = api.admin;
    const kubeconfig = JSON.stringify({
      clusters: [
        {
          name: 'c',
          cluster: { server: api.url, 'certificate-authority-data': Buffer.from(api.ca).toString('base64') },
        },
      ],
      users: [{ name: 'u', user: { token } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    });
    const secrets = { creds: { token: `${token}\n`, 'tls.crt': cert, 'tls.key': key, kubeconfig } };
    const ref = (name: string) => ({ name: 'creds', key: name });
    const cases = [
      [{ auth: { token: { bearerToken: ref('token') } } }, 'token', 'system:serviceaccount:shop:app'],
      [{ auth: { cert: { clientCert: ref('tls.crt'), clientKey: ref('tls.key') } } }, 'certificate', 'admin'],
      [{ server: undefined, authRef: ref('kubeconfig') }, 'kubeconfig', 'system:serviceaccount:shop:app'],
    ] as const;
    for (const [spec, method, principal] of cases) {
      const one = await store({ spec, secrets });
      assert.deepEqual(
        await texts(one, { data: [{ secretKey: 'u', remoteRef: { key: 'db', property: 'user' } }] }),
        {
          u: 'app',
        },
      );
      const identity = await one.client.whoami!(signal);
      assert.deepEqual([identity.method, identity.principal], [method, principal]);
      assert.equal(identity.details['namespace'], 'team');
      assert.ok(Date.parse(identity.details['expires']!) > Date.now());
      const said = JSON.stringify(identity) + one.logged.join();
      assert.doesNotMatch(said, new RegExp(token.slice(-40)));
      assert.match(one.logged.join(), /stored credentials/);
      assert.equal(one.logged.join().match(/logged in/g)?.length, 1);
    }
  });

  it('is the pod, by a token of the audience that the spec names', async () => {
    const asked: string[] = [];
    const identity = {
      token: async (audience: string) => {
        asked.push(audience);
        return Secret.of(token);
      },
    };
    const spec = { auth: { serviceAccount: { ...inCluster, audiences: [api.issuer] } } };
    const one = await store({ spec, identity });
    const { principal, method, details } = await one.client.whoami!(signal);
    assert.deepEqual([principal, method], ['system:serviceaccount:shop:app', 'service-account']);
    assert.equal(details['audience'], api.issuer);
    assert.deepEqual([...new Set(asked)], [api.issuer]);
  });

  it('reads credentials again after they were refused', async () => {
    const spec = { auth: { token: { bearerToken: { name: 'creds', key: 'token' } } } };
    const one = await store({ spec, secrets: { creds: { token: 'old' } } });
    const data = [{ secretKey: 'u', remoteRef: { key: 'db', property: 'user' } }];
    const error = await failure(shaped(one, { data }));
    assert.equal(error.code, 'AuthFailed');
    one.setSecret('creds', { token });
    assert.deepEqual(await texts(one, { data }), { u: 'app' });
  });

  it('uses a rotated projected token at the next request', async () => {
    let given = 'expired';
    const one = await asPod(() => given);
    const data = [{ secretKey: 'u', remoteRef: { key: 'db', property: 'user' } }];
    assert.equal((await failure(shaped(one, { data }))).code, 'AuthFailed');
    given = token;
    assert.deepEqual(await texts(one, { data }), { u: 'app' });
  });

  it('reads as kubectl would on a laptop', async () => {
    const identity = { mode: 'local', env: { KUBECONFIG: api.kubeconfig } } as const;
    const one = await store({ spec: { auth: { serviceAccount: inCluster } }, identity });
    const data = [{ secretKey: 'u', remoteRef: { key: 'db', property: 'user' } }];
    assert.deepEqual(await texts(one, { data }), { u: 'app' });
    assert.deepEqual((await one.client.whoami!(signal)).principal, 'admin');
    const lost = await openStore({
      spec: { authRef: { name: 'a', key: 'b' } },
      identity: { mode: 'local', env: {} },
    });
    assert.match((await failure(shaped(lost, { data }))).message, /neither KUBECONFIG nor/);
  });

  it('trusts nobody but the CA of the spec', async () => {
    const one = await openStore({
      spec: { server: { url: api.url }, auth: { token: { bearerToken: { name: 'creds', key: 'token' } } } },
      secrets: { creds: { token } },
    });
    const error = await failure(shaped(one, { data: [{ secretKey: 'u', remoteRef: { key: 'db' } }] }));
    assert.equal(error.code, 'Unavailable');
    assert.match(`${error.message} ${error.remedy}`, /CA|certificate/);
    await one.client.close?.({ revoke: true });
  });

  it('sends the own token to its own cluster only', async () => {
    const spec = { server: { url: 'https://other.example:6443' }, auth: { serviceAccount: inCluster } };
    const identity = { env: env(), apiServerToken: async () => Secret.of(token) };
    const error = await failure(store({ spec, identity }));
    assert.equal(error.code, 'SpecInvalid');
    assert.match(
      error.remedy!,
      /audiences .*agent\.external-secrets\.io\/audience: kubernetes.*--stores-allow/,
    );
    const annotations = { 'agent.external-secrets.io/audience': 'kubernetes' };
    assert.equal((await failure(store({ spec, identity, annotations }))).code, 'SpecInvalid');
    await store({ spec, identity, annotations, network: { storesAllow: ['other.example'] } });
  });
});

describe('the spec of a Kubernetes store', () => {
  const refused = async (spec: object, message: RegExp): Promise<void> => {
    const error = await failure(() => kubernetes.parse(nodeOf(spec)));
    assert.equal(error.code, 'SpecInvalid');
    assert.match(error.message, message);
    assert.ok(error.remedy);
  };
  const bearerToken = { name: 'creds', key: 'token' };

  it('needs exactly one way to log in', async () => {
    await refused({}, /neither auth nor authRef/);
    await refused({ auth: {} }, /neither auth nor authRef/);
    await refused({ auth: { token: { bearerToken } }, authRef: bearerToken }, /exclude each other/);
    await refused(
      { auth: { token: { bearerToken }, serviceAccount: inCluster } },
      /serviceAccount and token/,
    );
  });

  it('names its server by https, whatever is left out', () => {
    const urlsOf = (server: object | undefined) =>
      kubernetes.endpoints(kubernetes.parse(nodeOf({ server, auth: { token: { bearerToken } } })));
    assert.deepEqual(urlsOf(undefined), ['https://kubernetes.default']);
    assert.deepEqual(urlsOf({ url: 'api.example:6443' }), ['https://api.example:6443']);
    assert.deepEqual(urlsOf({ url: 'http://127.0.0.1:8001/' }), ['http://127.0.0.1:8001']);
    assert.deepEqual(kubernetes.endpoints(kubernetes.parse(nodeOf({ authRef: bearerToken }))), []);
  });

  it('is of the pod\u2019s own account and namespace', async () => {
    const foreign = await failure(openStore({ spec: { auth: { serviceAccount: { name: 'admin' } } } }));
    assert.match(foreign.message, /serviceAccountRef names admin, and this pod is app/);
    const ref = { ...bearerToken, namespace: 'elsewhere' };
    const reached = await failure(openStore({ spec: { auth: { token: { bearerToken: ref } } } }));
    assert.match(reached.message, /out of reach of a pod in shop/);
  });

  it('runs no plugin and reads no file for a kubeconfig out of a Secret', async () => {
    const kubeconfig = (user: object) =>
      JSON.stringify({
        clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
        users: [{ name: 'u', user }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      });
    for (const user of [{ exec: { command: 'aws' } }, { tokenFile: '/etc/passwd' }]) {
      const secrets = { creds: { token: kubeconfig(user) } };
      const one = await openStore({ spec: { authRef: bearerToken }, secrets });
      const error = await failure(shaped(one, { data: [{ secretKey: 'a', remoteRef: { key: 'db' } }] }));
      assert.equal(error.code, 'SpecInvalid');
    }
  });
});
