import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { cli } from '../../agent/cli.ts';
import { type ApiServer, apiServerPrograms, startApiServer } from '../peers/apiserver.ts';
import { startFaultProxy } from '../peers/fault-proxy.ts';
import { type Moto, motoMissing, startMoto } from '../peers/moto.ts';
import { missing } from '../peers/process.ts';
import { startVault, type Vault } from '../peers/vault.ts';
import { testHost } from './host.ts';

const canary = 'canary-5d1f0e';

async function doctor(
  documents: readonly object[],
  options: { env?: Record<string, string>; args?: string[] } = {},
) {
  const place = await mkdtemp(join(tmpdir(), 'connect-'));
  try {
    await writeFile(join(place, 'specs.yaml'), documents.map((each) => JSON.stringify(each)).join('\n---\n'));
    const host = testHost(options.env);
    const code = await cli(['check', '--connect', place, ...(options.args ?? [])], host);
    assert.doesNotMatch(host.out() + host.err(), new RegExp(canary));
    return { code, out: host.out().replaceAll(place, ''), err: host.err() };
  } finally {
    await rm(place, { recursive: true });
  }
}

function store(name: string, provider: object): object {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    metadata: { name },
    spec: { provider },
  };
}

function externalSecret(
  name: string,
  storeName: string,
  refs: Record<string, object>,
  more: object = {},
): object {
  const data = Object.entries(refs).map(([secretKey, remoteRef]) => ({ secretKey, remoteRef }));
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name },
    spec: { secretStoreRef: { name: storeName }, data, ...more },
  };
}

describe('the doctor', () => {
  const demo = store('demo', { fake: { data: [{ key: 'k', value: `{"a":"${canary}"}` }] } });

  test('is content when every key and every property resolves', async () => {
    const found = await doctor([demo, externalSecret('app', 'demo', { a: { key: 'k', property: 'a' } })]);
    assert.deepEqual([found.code, found.err], [0, '']);
    assert.match(found.out, /✔ +app a +k: a\n/);
    assert.match(found.out, /1 of 1 stores answer, 1 of 1 references resolve/);
  });

  test('tells each key that does not, the others all the same, and ends with 69', async () => {
    const refs = { a: { key: 'k', property: 'a' }, b: { key: 'k', property: 'b' }, c: { key: 'nope' } };
    const target = { deletionPolicy: 'Delete' };
    const { code, out } = await doctor([demo, externalSecret('app', 'demo', refs, { target })]);
    assert.equal(code, 69);
    assert.match(out, /✔ +app a/);
    assert.match(out, /✘ +app b +k: b +NotFound/);
    assert.match(out, /✘ +app c +nope +NotFound/);
    assert.match(out, /→ create nope in the store/);
    assert.match(out, /1 of 3 references resolve/);
  });

  test('renders what was fetched, so that a template fails here and not in the pod', async () => {
    const target = { template: { engineVersion: 'v2', data: { a: '{{ .nope }}' } } };
    const specs = [demo, externalSecret('app', 'demo', { a: { key: 'k' } }, { target })];
    const { code, out } = await doctor(specs);
    assert.equal(code, 69);
    assert.match(out, /✘ ExternalSecret\/app .*TemplateFailed/);
  });

  test('a fake store that is told to fail does so for the doctor too', async () => {
    const failing = store('demo', { fake: { data: [{ key: 'k', value: canary }], validationResult: 2 } });
    const { code, out } = await doctor([failing, externalSecret('app', 'demo', { a: { key: 'k' } })]);
    assert.equal(code, 69);
    assert.match(out, /✘ +app a +k +\w+/);
    assert.match(out, /→ .*validationResult/);
  });

  test('lets an invalid spec outrank what could not be reached', async () => {
    const down = store('down', {
      vault: { server: 'http://127.0.0.1:9', path: 'kv', auth: { tokenSecretRef: { name: 't', key: 't' } } },
    });
    const token = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 't' }, stringData: { t: canary } };
    const app = externalSecret('app', 'down', { a: { key: 'k' }, b: { key: 'l' } });
    const unreached = await doctor([down, token, app]);
    assert.equal(unreached.code, 69);
    assert.equal(unreached.out.match(/refuses the connection/g)?.length, 1, 'told once for all keys');
    assert.match(unreached.out, /✘ +app a +k +as above/);
    const refused = await doctor([down, token, app], { args: ['--stores-allow', 'vault.example'] });
    assert.equal(refused.code, 78);
    assert.match(refused.out, /add 127\.0\.0\.1 to --stores-allow/);
    assert.equal((await doctor([demo, { kind: 'ExternalSecret' }])).code, 78);
  });
});

const both = missing('kubernetes', apiServerPrograms) || missing('vault', ['vault']);
describe('the doctor beside a real API server and a real Vault', { skip: both }, () => {
  let api: ApiServer;
  let vault: Vault;
  let tokens: string;

  before(async () => {
    [api, vault] = await Promise.all([startApiServer(), startVault()]);
    await api.serviceAccount('shop', 'app');
    await api.create('/api/v1/namespaces/shop/secrets', {
      metadata: { name: 'db' },
      stringData: { password: canary },
    });
    await api.allow({ namespace: 'shop', name: 'app' }, [
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['db'], verbs: ['get'] },
    ]);
    tokens = await mkdtemp(join(tmpdir(), 'tokens-'));
    await writeFile(join(tokens, 'vault'), await api.token('shop', 'app', { audiences: ['vault'] }));
    await writeFile(join(tokens, api.issuer.replace(/[/:]/g, '_')), await api.token('shop', 'app'));
    await vault.put('secret/db', { password: canary });
    await vault.api('POST', 'sys/auth/jwt', { type: 'jwt' });
    await vault.api('POST', 'auth/jwt/config', { jwt_validation_pubkeys: [api.tokenPublicKey] });
  });
  after(async () => {
    await Promise.all([api?.stop(), vault?.stop()]);
    await rm(tokens, { recursive: true, force: true });
  });

  const run = (documents: readonly object[]) =>
    doctor(documents, {
      args: ['--tokens', tokens],
      env: { POD_NAMESPACE: 'shop', POD_SERVICE_ACCOUNT: 'app' },
    });
  const role = async (body: object) =>
    await vault.api('POST', 'auth/jwt/role/app', { role_type: 'jwt', user_claim: 'sub', ...body });
  const vaultStore = () =>
    store('vault', {
      vault: {
        server: vault.url,
        path: 'secret',
        auth: {
          jwt: {
            path: 'jwt',
            role: 'app',
            kubernetesServiceAccountToken: { serviceAccountRef: { name: 'app' } },
          },
        },
      },
    });

  test('Kubernetes: who we are, what we may read, and the rule for what we may not', async () => {
    const caBundle = Buffer.from(api.ca).toString('base64');
    const serviceAccount = { name: 'app', audiences: [api.issuer] };
    const kubernetes = {
      server: { url: api.url, caBundle },
      remoteNamespace: 'shop',
      auth: { serviceAccount },
    };
    const { code, out } = await run([
      store('k8s', { kubernetes }),
      externalSecret('app', 'k8s', {
        a: { key: 'db', property: 'password' },
        b: { key: 'other', property: 'x' },
      }),
    ]);
    assert.equal(code, 69);
    assert.match(
      out,
      /you are system:serviceaccount:shop:app, by service-account; server 127\.0\.0\.1:\d+; namespace shop/,
    );
    assert.match(out, /audience https:\/\/kubernetes\S+; expires 20\d\d-/);
    assert.match(out, /✔ +app a +db: password/);
    assert.match(out, /✘ +app b +other: x +Denied/);
    assert.match(
      out,
      /→ bind ServiceAccount app to a Role in namespace shop with the rule - \{apiGroups: \[""\], resources: \["secrets"\], resourceNames: \["other"\], verbs: \["get"\]\}\n/,
    );
  });

  test('Vault: the role that expects another audience, the policy that is missing, and all well', async () => {
    const specs = [vaultStore(), externalSecret('app', 'vault', { a: { key: 'db', property: 'password' } })];
    await role({ bound_audiences: ['other'] });
    const audience = await run(specs);
    assert.equal(audience.code, 69);
    assert.match(audience.out, /→ vault write auth\/jwt\/role\/app bound_audiences=vault/);
    await role({ bound_audiences: ['vault'] });
    const policy = await run(specs);
    assert.equal(policy.code, 69);
    assert.match(
      policy.out,
      /✔ you are jwt-system:serviceaccount:shop:app, by jwt; entity [0-9a-f-]{36}; .*audience vault/,
    );
    assert.match(policy.out, /path "secret\/data\/db" \{ capabilities = \["read"\] \}/);
    await vault.policy('app', 'path "secret/data/db" { capabilities = ["read"] }');
    await role({ bound_audiences: ['vault'], token_policies: ['app'] });
    const well = await run(specs);
    assert.deepEqual([well.code, /1 of 1 references resolve/.test(well.out)], [0, true], well.out);
    await role({ bound_audiences: ['vault'], token_policies: ['app'], token_no_default_policy: true });
    const untold = await run(specs);
    assert.equal(untold.code, 0, untold.out);
    assert.match(untold.out, /- who you are is not told: .*Denied/);
  });
});

describe('the doctor beside the AWS API', { skip: motoMissing() }, () => {
  let moto: Moto;
  before(async () => {
    moto = await startMoto();
    const credentials = { accessKeyId: 'ADMIN', secretAccessKey: 'admin' };
    const admin = new SecretsManagerClient({ endpoint: moto.url, region: 'eu-west-1', credentials });
    await admin.send(new CreateSecretCommand({ Name: 'db', SecretString: `{"a":"${canary}"}` }));
    admin.destroy();
  });
  after(() => moto?.stop());

  test('a denial has the statement to paste, and who we are is told all the same', async () => {
    const role = 'arn:aws:sts::123456789012:assumed-role/shop';
    const proxy = await startFaultProxy(moto.url);
    const message = `User: ${role}/pod-7 is not authorized to perform: secretsmanager:GetSecretValue on resource: db because no identity-based policy allows it`;
    const body = { __type: 'AccessDeniedException', message };
    proxy.fail({ on: 'GetSecretValue', fault: { kind: 'answer', status: 400, body } });
    try {
      const env = {
        AWS_ENDPOINT_URL: proxy.url,
        AWS_ACCESS_KEY_ID: 'AKIATEST',
        AWS_SECRET_ACCESS_KEY: canary,
      };
      const specs = [
        store('aws', { aws: { service: 'SecretsManager', region: 'eu-west-1' } }),
        externalSecret('app', 'aws', { a: { key: 'db', property: 'a' } }),
      ];
      const { code, out } = await doctor(specs, { env });
      assert.equal(code, 69);
      assert.match(out, /✔ you are arn:aws:/);
      assert.match(out, /✘ +app a +db: a +Denied/);
      assert.ok(
        out.includes(
          `→ add to the policies of ${role}: {"Effect":"Allow","Action":"secretsmanager:GetSecretValue",` +
            `"Resource":"arn:aws:secretsmanager:*:123456789012:secret:db-??????"}\n`,
        ),
        out,
      );
    } finally {
      await proxy.close();
    }
  });

  test('the ARN, how we came to be it, account and region', async () => {
    const env = {
      AWS_ENDPOINT_URL: moto.url,
      AWS_ACCESS_KEY_ID: 'AKIATEST',
      AWS_SECRET_ACCESS_KEY: canary,
    };
    const { code, out } = await doctor(
      [
        store('aws', { aws: { service: 'SecretsManager', region: 'eu-west-1' } }),
        externalSecret('app', 'aws', { a: { key: 'db', property: 'a' }, b: { key: 'gone' } }),
      ],
      { env },
    );
    assert.equal(code, 69);
    assert.match(out, /✔ you are arn:aws:\S+, by static-env; .*account \d{12}; region eu-west-1/);
    assert.match(out, /✔ +app a +db: a/);
    assert.match(out, /✘ +app b +gone +NotFound/);
  });
});
