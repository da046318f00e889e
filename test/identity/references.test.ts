import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { AgentError } from '../../src/base/errors.ts';
import { Secret, type SecretMap } from '../../src/base/secret.ts';
import { type ObjectReferences, openReferences } from '../../src/identity/references.ts';

const never = new AbortController().signal;

suite('references', () => {
  let dir: string;
  let secrets: Map<string, SecretMap>;
  let references: ObjectReferences;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'esa-references-'));
    await writeFile(join(dir, 'outside'), 'CANARY');
    // Laid out as the kubelet mounts a Secret.
    await mkdir(join(dir, 's/mounted/..1'), { recursive: true });
    await writeFile(join(dir, 's/mounted/..1/b'), Buffer.from([0, 255]));
    await writeFile(join(dir, 's/mounted/..1/a'), 'mounted a');
    await symlink('..1', join(dir, 's/mounted/..data'));
    for (const key of ['a', 'b']) await symlink(`..data/${key}`, join(dir, `s/mounted/${key}`));
    await mkdir(join(dir, 's/both'));
    await writeFile(join(dir, 's/both/key'), 'mounted');
    secrets = new Map([['both', new Map([['key', Secret.of('document')]])]]);
    references = openReferences({
      documents: () => ({ secrets, configMaps: new Map() }),
      secretsDir: join(dir, 's'),
      configMapsDir: undefined,
    });
  });
  after(async () => await rm(dir, { recursive: true, force: true }));

  test('documents first, then folders; bytes as they are', async () => {
    assert.equal((await references.secret('both', 'key', never)).text(), 'document');
    assert.deepEqual((await references.secret('mounted', 'b', never)).reveal(), Buffer.from([0, 255]));
    const documents = secrets;
    secrets = new Map();
    assert.equal((await references.secret('both', 'key', never)).text(), 'mounted');
    secrets = documents;
  });

  test('whole objects, without what the kubelet adds', async () => {
    const whole = await references.wholeSecret('mounted', never);
    assert.deepEqual(
      [...whole].map(([key, value]) => [key, value.text()]),
      [
        ['a', 'mounted a'],
        ['b', '\0\ufffd'],
      ],
    );
    assert.equal((await references.wholeSecret('both', never)).get('key')!.text(), 'document');
  });

  test('what is missing, and where to put it', async () => {
    await assert.rejects(references.secret('nope', 'key', never), {
      code: 'AuthFailed',
      message: `Secret nope is not among the mounted documents, it is not mounted at ${dir}/s/nope`,
      remedy: `mount it at ${dir}/s/nope, or add it to the specs`,
    });
    await assert.rejects(references.configMap('nope', 'key', never), {
      code: 'AuthFailed',
      message: 'ConfigMap nope is not among the mounted documents, --config-maps is not set',
      remedy: /^mount it at DIR\/nope and start with --config-maps DIR/,
    });
    await assert.rejects(references.wholeConfigMap('nope', never), { code: 'TemplateFailed' });
    await assert.rejects(references.secret('mounted', 'c', never), {
      code: 'AuthFailed',
      message: 'Secret mounted has no key c: it has a, b',
    });
    await assert.rejects(references.secret('both', 'c', never), {
      message: 'Secret both has no key c: it has key',
    });
  });

  test("the pod's namespace is asked last, and only for what is found nowhere else", async () => {
    const asked: string[] = [];
    const remote = openReferences({
      documents: () => ({ secrets, configMaps: new Map() }),
      secretsDir: join(dir, 's'),
      configMapsDir: undefined,
      objects: async (kind, name) => {
        asked.push(`${kind} ${name}`);
        return name === 'there' ? new Map([['key', Secret.of('remote')]]) : undefined;
      },
    });
    assert.equal((await remote.secret('both', 'key', never)).text(), 'document');
    assert.equal((await remote.secret('mounted', 'a', never)).text(), 'mounted a');
    assert.deepEqual(asked, []);
    assert.equal((await remote.configMap('there', 'key', never)).text(), 'remote');
    assert.equal((await remote.wholeSecret('there', never)).get('key')?.text(), 'remote');
    await assert.rejects(remote.secret('there', 'other', never), {
      code: 'AuthFailed',
      message: 'Secret there has no key other: it has key',
    });
    await assert.rejects(remote.configMap('nope', 'key', never), {
      code: 'AuthFailed',
      message:
        "ConfigMap nope is not among the mounted documents, --config-maps is not set, nor is it in the pod's namespace",
      remedy: /^make it in the pod's namespace, mount it at DIR\/nope/,
    });
    await assert.rejects(remote.secret('../x', 'key', never), { code: 'SpecInvalid' });
    assert.deepEqual(asked, ['ConfigMap there', 'Secret there', 'Secret there', 'ConfigMap nope']);
  });

  test('no name and no key leads out of the folder', async () => {
    for (const name of ['..', '.', '../s/mounted', 'a/b', '', 'A', '.x', 'x\0']) {
      await assert.rejects(references.secret(name, 'a', never), { code: 'SpecInvalid' });
    }
    for (const key of ['..', '.', '../../outside', 'a/b', '', 'a\0']) {
      await assert.rejects(references.secret('mounted', key, never), { code: 'SpecInvalid' });
    }
    await assert.rejects(references.secret('mounted', '..data', never), { code: 'AuthFailed' });
  });

  test('where the API server cannot be asked, the reference is what is told', async () => {
    const references = openReferences({
      documents: () => ({ secrets: new Map(), configMaps: new Map() }),
      secretsDir: undefined,
      configMapsDir: undefined,
      objects: async () => {
        throw new AgentError('AuthFailed', 'there is no token', { remedy: 'project one' });
      },
    });
    await assert.rejects(references.secret('creds', 'key', never), {
      code: 'AuthFailed',
      message:
        'Secret creds is not among the mounted documents, --secrets is not set, and the API server cannot be asked: there is no token',
      remedy: 'mount it at DIR/creds and start with --secrets DIR, or add it to the specs; or project one',
    });
  });
});
