import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { AgentError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import { type Kube, openKubeAt } from '../../src/kube/client.ts';
import { isConflict } from '../../src/kube/fault.ts';
import { type KubeObject, secretIn } from '../../src/kube/resource.ts';
import { type ApiServer, apiServerPrograms, startApiServer } from '../peers/apiserver.ts';
import { missing, until } from '../peers/process.ts';

const pod = { namespace: 'apps', name: 'web' };
const { signal } = new AbortController();

interface SecretObject extends KubeObject {
  readonly data?: Record<string, string>;
  readonly type?: string;
}

describe('the client against a real API server', { skip: missing('kubernetes', apiServerPrograms) }, () => {
  let api: ApiServer;
  let token: string;
  let admin: Kube;

  before(async () => {
    api = await startApiServer();
    await api.serviceAccount(pod.namespace, pod.name);
    token = await api.token(pod.namespace, pod.name);
    const { cert, key } = api.admin;
    admin = openKubeAt({ server: api.url, ca: async () => api.ca, cert, key }, systemClock);
  });
  after(async () => {
    await admin.close();
    await api.stop();
  });

  const asPod = (): Kube =>
    openKubeAt({ server: api.url, ca: async () => api.ca, token: async () => Secret.of(token) }, systemClock);

  test('an object is applied, read, patched, listed and deleted', async () => {
    const db = secretIn('apps', 'db');
    assert.equal(await admin.get(db, signal), undefined);
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' }, data: { a: 'MQ==' } };
    const made = await admin.apply<SecretObject>(db, object, { fieldManager: 'test', signal });
    assert.equal(made.data?.['a'], 'MQ==');
    const patched = await admin.patch<SecretObject>(db, { data: { b: 'Mg==' } }, { signal });
    assert.deepEqual(patched.data, { a: 'MQ==', b: 'Mg==' });
    const listed = await admin.list<SecretObject>(secretIn('apps'), {}, signal);
    assert.deepEqual(
      listed.map(({ metadata }) => metadata.name),
      ['db'],
    );
    const stale = { ...object, metadata: { name: 'db', resourceVersion: made.metadata.resourceVersion! } };
    const other = { ...stale, data: { a: 'NA==' } };
    await assert.rejects(admin.apply(db, other, { fieldManager: 'test', signal }), isConflict);
    await assert.rejects(admin.delete(db, { uid: 'another' }, signal), isConflict);
    assert.equal(await admin.delete(db, { uid: made.metadata.uid! }, signal), true);
    assert.equal(await admin.delete(db, {}, signal), false);
  });

  test('a 403 names the rule that is missing, and each verb its own', async () => {
    const kube = asPod();
    const db = secretIn('apps', 'db');
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' } };
    const denied = async (work: Promise<unknown>): Promise<AgentError> => {
      const error = await work.then(
        () => assert.fail('not denied'),
        (thrown) => thrown,
      );
      assert.ok(error instanceof AgentError);
      assert.equal(error.code, 'Denied');
      return error;
    };
    const get = await denied(kube.get(db, signal));
    assert.equal(get.message, 'system:serviceaccount:apps:web may not get secrets db in namespace apps');
    const bind = 'bind ServiceAccount web to a Role in namespace apps with the rule ';
    assert.equal(
      get.remedy,
      `${bind}- {apiGroups: [""], resources: ["secrets"], resourceNames: ["db"], verbs: ["get"]}`,
    );
    const list = await denied(kube.list(secretIn('apps'), {}, signal));
    assert.equal(list.remedy, `${bind}- {apiGroups: [""], resources: ["secrets"], verbs: ["list"]}`);
    const apply = await denied(kube.apply(db, object, { fieldManager: 'test', signal }));
    assert.match(apply.remedy!, /resourceNames: \["db"\], verbs: \["patch"\]/);
    await api.allow(pod, [
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['db'], verbs: ['patch'] },
    ]);
    const create = /resourceNames: \["db"\], verbs: \["create"\]/;
    // The authorizer sees a new Role when its watch does.
    const again = () => kube.apply<KubeObject>(db, object, { fieldManager: 'test', signal });
    await until(async () => create.test((await denied(again())).remedy!));
    await api.allow(pod, [
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['db'], verbs: ['create'] },
    ]);
    await until(async () => (await again().catch(() => undefined))?.metadata.name === 'db');
    await kube.close();
  });
});
