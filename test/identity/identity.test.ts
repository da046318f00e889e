import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { limits } from '../../src/base/limits.ts';
import { Secret } from '../../src/base/secret.ts';
import { openIdentity, tokenFileName } from '../../src/identity/identity.ts';
import { claimsOf } from '../../src/identity/token.ts';

/** Of the shape of the API server's; unsigned, since nothing here verifies. */
function jwt(claims: object): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ alg: 'none' })}.${encode(claims)}.`;
}

suite('identity', () => {
  let dir: string;
  let kubelet: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'esa-identity-'));
    kubelet = join(dir, 'kubelet');
    await mkdir(kubelet);
  });
  after(async () => await rm(dir, { recursive: true, force: true }));
  const tokens = async (name: string, files: Record<string, string>) => {
    const tokensDir = join(dir, name);
    await mkdir(tokensDir);
    for (const [file, text] of Object.entries(files)) await writeFile(join(tokensDir, file), text);
    return tokensDir;
  };
  const open = (tokensDir: string, env: Record<string, string> = {}, mode: 'pod' | 'local' = 'pod') =>
    openIdentity({ mode, env, tokensDir, serviceAccountDir: kubelet });

  test('one file per audience, read at every call', async () => {
    const tokensDir = await tokens('audiences', {
      vault: 'one\n',
      'sts.amazonaws.com': 'sts',
      https___v_8200_x: 'url',
    });
    const identity = await open(tokensDir);
    assert.equal((await identity.token('vault')).text(), 'one');
    assert.equal((await identity.token('sts.amazonaws.com')).text(), 'sts');
    assert.equal((await identity.token('https://v:8200/x')).text(), 'url');
    await writeFile(join(tokensDir, 'vault'), 'two');
    assert.equal((await identity.token('vault')).text(), 'two');
    assert.equal(tokenFileName('a/b:c'), 'a_b_c');
  });

  test('swapped as the kubelet swaps: a link to a folder of that moment', async () => {
    const tokensDir = await tokens('links', {});
    for (const at of ['..1', '..2']) {
      await mkdir(join(tokensDir, at));
      await writeFile(join(tokensDir, at, 'vault'), at);
    }
    await symlink('..1', join(tokensDir, '..data'));
    await symlink('..data/vault', join(tokensDir, 'vault'));
    const identity = await open(tokensDir);
    assert.equal((await identity.token('vault')).text(), '..1');
    await rm(join(tokensDir, '..data'));
    await symlink('..2', join(tokensDir, '..data'));
    assert.equal((await identity.token('vault')).text(), '..2');
  });

  test('a missing token names the annotation', async () => {
    const tokensDir = await tokens('missing', { empty: ' \n', large: 'x'.repeat(limits.tokenFileBytes + 1) });
    const identity = await open(tokensDir);
    await assert.rejects(identity.token('vault'), {
      code: 'AuthFailed',
      message: `no token for audience vault: ${tokensDir}/vault does not exist`,
      remedy:
        'annotate the pod with agent.external-secrets.io/audiences: vault, ' +
        `or project a serviceAccountToken with that audience to ${tokensDir}/vault`,
    });
    await assert.rejects(identity.token('empty'), { code: 'AuthFailed', message: /is empty$/ });
    await assert.rejects(identity.token('large'), {
      code: 'AuthFailed',
      message: /is larger than 65536 bytes$/,
    });
    await assert.rejects(identity.apiServerToken!(), {
      code: 'AuthFailed',
      remedy: /automountServiceAccountToken/,
    });
  });

  test('no audience leads out of the folder', async () => {
    const identity = await open(await tokens('escape', {}));
    for (const audience of ['..', '.', '', 'a\0b'])
      await assert.rejects(identity.token(audience), { code: 'SpecInvalid' });
    await assert.rejects(identity.token('../../etc/passwd'), {
      code: 'AuthFailed',
      message: /\.\._\.\._etc_passwd does not exist$/,
    });
  });

  test('who the pod is: environment, then namespace file, then the tokens', async () => {
    const sub = 'system:serviceaccount:shop:app';
    const none = await open(await tokens('none', {}));
    assert.deepEqual([none.namespace, none.serviceAccount], [undefined, undefined]);
    const tokensDir = await tokens('claims', { a: 'no jwt', vault: jwt({ sub, aud: ['vault'] }) });
    const claimed = await open(tokensDir);
    assert.deepEqual([claimed.namespace, claimed.serviceAccount], ['shop', 'app']);
    await writeFile(join(kubelet, 'namespace'), 'filed\n');
    await writeFile(join(kubelet, 'token'), jwt({ sub: 'system:serviceaccount:filed:own' }));
    assert.equal((await open(tokensDir)).namespace, 'filed');
    assert.equal((await none.apiServerToken!()).text(), jwt({ sub: 'system:serviceaccount:filed:own' }));
    assert.equal((await open(join(dir, 'gone'))).serviceAccount, 'own');
    const told = await open(tokensDir, { POD_NAMESPACE: 'told', POD_SERVICE_ACCOUNT: 'teller' });
    assert.deepEqual([told.namespace, told.serviceAccount], ['told', 'teller']);
    const laptop = await open(tokensDir, {}, 'local');
    assert.deepEqual([laptop.namespace, laptop.serviceAccount], [undefined, undefined]);
    await assert.rejects(laptop.token('vault'), { code: 'AuthFailed', message: /^there is no pod/ });
    await assert.rejects(laptop.apiServerToken!(), { code: 'AuthFailed' });
  });

  test('claims', () => {
    const claims = claimsOf(Secret.of(jwt({ sub: 'x', aud: 'one', iss: 'i', exp: 7 })));
    assert.deepEqual(claims, {
      audiences: ['one'],
      subject: 'x',
      issuer: 'i',
      expiresMs: 7000,
      namespace: undefined,
      serviceAccount: undefined,
    });
    for (const text of ['', 'a.b', 'a.b.c', `a.${btoa('7')}.c`])
      assert.equal(claimsOf(Secret.of(text)), undefined);
  });
});
