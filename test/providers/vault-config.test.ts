import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AgentError } from '../../src/base/errors.ts';
import { vault } from '../../src/providers/vault.ts';
import type { VaultConfig } from '../../src/providers/vault-config.ts';
import { authority } from '../peers/certificates.ts';
import { nodeOf } from './vault-world.ts';

const server = 'https://vault.test:8200';
const secretRef = { name: 's', key: 'k' };
const parse = (spec: object) => vault.parse(nodeOf(spec)) as VaultConfig;

suite('spec.provider.vault', () => {
  test('defaults', () => {
    const config = parse({ server: `${server}/` });
    assert.equal(config.server, server);
    assert.deepEqual(vault.endpoints(config), [server]);
    assert.deepEqual(
      [config.version, config.path, config.auth, config.ca, config.readYourWrites, config.authNamespace],
      ['v2', undefined, undefined, undefined, false, undefined],
    );
    assert.equal(parse({ server, path: '/a/b/' }).path, 'a/b');
  });

  test('defaults of the logins', () => {
    const auth = (of: object) => {
      const parsed = parse({ server, auth: of }).auth!;
      return {
        ...parsed,
        source: 'source' in parsed && { ...parsed.source, at: undefined },
        secretRef: undefined,
      };
    };
    const blank = { secretRef: undefined };
    const pod = (audience: string, serviceAccount?: object) => ({
      kind: 'pod',
      audience,
      serviceAccount,
      at: undefined,
    });
    assert.deepEqual(auth({ kubernetes: { role: 'r' } }), {
      ...blank,
      method: 'kubernetes',
      mount: 'kubernetes',
      role: 'r',
      source: pod('vault'),
    });
    const account = { name: 'app', namespace: undefined };
    const token = { serviceAccountRef: { name: 'app' } };
    const jwt = (of: object) => auth({ jwt: { role: 'r', kubernetesServiceAccountToken: of } });
    const expected = { ...blank, method: 'jwt', mount: 'jwt', role: 'r' };
    assert.deepEqual(jwt(token), { ...expected, source: pod('vault', account) });
    assert.deepEqual(jwt({ ...token, audiences: ['old'] }), { ...expected, source: pod('old', account) });
    const both = {
      serviceAccountRef: { name: 'app', audiences: ['new'] },
      audiences: ['old'],
      expirationSeconds: 600,
    };
    assert.deepEqual(jwt(both), { ...expected, source: pod('new', account) });
    assert.equal(auth({ appRole: { roleId: 'r', secretRef } }).method, 'appRole');
    assert.equal(auth({ userPass: { username: 'u', secretRef } }).method, 'userPass');
  });

  test('keys that references default to', () => {
    const refs = { certSecretRef: { name: 'c' }, keySecretRef: { name: 'c' } };
    const { clientTls } = parse({ server, tls: refs });
    assert.deepEqual([clientTls!.cert.key, clientTls!.key.key], ['tls.crt', 'tls.key']);
    const { auth } = parse({ server, auth: { kubernetes: { role: 'r', secretRef: { name: 'x' } } } });
    assert.ok(auth?.method === 'kubernetes' && auth.source.kind === 'secret');
    assert.equal(auth.source.ref.key, 'token');
  });

  test('what is refused, where, and what would be accepted', () => {
    const pem = authority('CA').cert;
    const broken = pem.replace('MII', 'AAA');
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const table: [object, string, string][] = [
      [{}, 'server', 'server is required'],
      [{ server: 'vault:8200' }, 'server', 'vault:// is not a way to reach a store'],
      [
        { server: 'https://169.254.169.254' },
        'server',
        '169.254.169.254 is a link-local or metadata address',
      ],
      [{ server: 'https://u:p@vault.test' }, 'server', 'a store URL must not hold credentials'],
      [{ server, version: 'v3' }, 'version', '"v3" is not known'],
      [
        { server, version: 'v1', checkAndSet: { required: true } },
        'checkAndSet.required',
        'KV v1 has no check-and-set',
      ],
      [
        { server, headers: { 'X-Vault-Token': 'x' } },
        'headers.X-Vault-Token',
        'X-Vault-Token is set by the agent itself',
      ],
      [{ server, caBundle: pem }, 'caBundle', 'caBundle is not the base64 of a PEM bundle'],
      [{ server, caBundle: base64('rubbish') }, 'caBundle', 'caBundle is not the base64 of a PEM bundle'],
      [
        { server, caBundle: base64(pem + broken) },
        'caBundle',
        'certificate 2 of 2 in caBundle cannot be read',
      ],
      [
        { server, caProvider: { type: 'File', name: 'a', key: 'b' } },
        'caProvider.type',
        '"File" is not known',
      ],
      [{ server, caProvider: { type: 'Secret', name: 'a' } }, 'caProvider.key', 'key is required'],
      [
        { server, tls: { certSecretRef: { name: 'a' } } },
        'tls',
        'a client certificate needs both certSecretRef and keySecretRef',
      ],
      [{ server, auth: {} }, 'auth', 'auth names no login method'],
      [{ server, auth: { namespace: 'x' } }, 'auth', 'auth names no login method'],
      [{ server, auth: { kubernetes: {} } }, 'auth.kubernetes.role', 'role is required'],
      [
        { server, auth: { kubernetes: { role: 'r', mountPath: '../sys' } } },
        'auth.kubernetes.mountPath',
        'this is not the path of an auth mount',
      ],
      [{ server, auth: { appRole: { secretRef } } }, 'auth.appRole', 'appRole has no role id'],
      [{ server, auth: { appRole: { roleId: 'r' } } }, 'auth.appRole.secretRef.name', 'name is required'],
      [{ server, auth: { tokenSecretRef: { name: 'a' } } }, 'auth.tokenSecretRef.key', 'key is required'],
      [{ server, auth: { jwt: { role: 'r' } } }, 'auth.jwt', 'jwt names no token'],
      [{ server, auth: { userPass: { secretRef } } }, 'auth.userPass.username', 'username is required'],
      [
        { server, auth: { ldap: { username: 'u' } } },
        'auth.ldap',
        'not supported by this version: auth.ldap',
      ],
      [{ server, auth: { cert: {} } }, 'auth.cert', 'not supported by this version: auth.cert'],
      [{ server, auth: { iam: {} } }, 'auth.iam', 'not supported by this version: auth.iam'],
      [{ server, auth: { gcp: {} } }, 'auth.gcp', 'not supported by this version: auth.gcp'],
    ];
    for (const [spec, field, message] of table) {
      assert.throws(
        () => parse(spec),
        (error) => {
          assert.ok(error instanceof AgentError, String(error));
          assert.deepEqual(
            [error.code, error.message, error.at.field],
            ['SpecInvalid', message, `spec.provider.vault.${field}`],
          );
          return true;
        },
      );
    }
  });
});
