import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { AgentError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { type Kube, openKubeAt } from '../../src/kube/client.ts';
import type { OwnerReference } from '../../src/kube/resource.ts';
import { secretIn } from '../../src/kube/resource.ts';
import type { Payload } from '../../src/plan/payload.ts';
import { openKubernetesSecret } from '../../src/sinks/kubernetes-secret.ts';
import { apiServerPrograms } from '../peers/apiserver.ts';
import { missing, until } from '../peers/process.ts';
import { externalSecret, payload } from '../sinks/sets.ts';
import { Cluster, namespace, pod } from './cluster.ts';

const { signal } = new AbortController();
/** Updates wait for nobody. */
const clock: Clock = { ...systemClock, random: () => 0 };
const canary = 'CANARY-value';
const owner: OwnerReference = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'u-1' };
const policies = '/apis/admissionregistration.k8s.io/v1';

describe('what admission and validation refuse', { skip: missing('kubernetes', apiServerPrograms) }, () => {
  let cluster: Cluster;
  let kube: Kube;
  before(async () => {
    // As OpenShift runs its API server.
    cluster = await Cluster.start({
      args: ['--enable-admission-plugins=OwnerReferencesPermissionEnforcement'],
    });
    await cluster.allow({ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'create', 'patch'] });
    kube = cluster.asPod();
  });
  after(async () => {
    await kube.close();
    await cluster.stop();
  });

  const publish = async (name: string, more: Partial<Payload> = {}, by?: OwnerReference) => {
    const sink = openKubernetesSecret({
      kube: async () => kube,
      namespace,
      owner: by,
      clock,
      log: silentLog,
    });
    return await sink.publish(externalSecret(name), { ...payload({ key: canary }), ...more }, signal);
  };
  const refused = async (work: Promise<unknown>): Promise<AgentError> => {
    const error = await work.then(
      () => assert.fail('it was taken'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof AgentError, String(error));
    assert.ok(error.remedy !== undefined, error.message);
    assert.ok(!JSON.stringify([error.message, error.remedy, error.cause]).includes(canary));
    return error;
  };

  test('owners of a Secret that is there: the rule to paste, which then suffices', async () => {
    await publish('owned');
    const error = await refused(publish('owned', {}, owner));
    assert.equal(error.code, 'Denied');
    assert.match(error.message, /^OwnerReferencesPermissionEnforcement,.* refuses to patch secrets\/owned/);
    const [line] = /- \{.*?\}/.exec(error.remedy ?? '') ?? [];
    assert.equal(
      line,
      '- {apiGroups: [""], resources: ["secrets"], resourceNames: ["owned"], verbs: ["delete"]}',
    );
    await cluster.api.allow(pod, parse(line!));
    await until(async () => (await publish('owned', {}, owner).catch(() => undefined)) !== undefined);
    assert.deepEqual((await cluster.secret('owned'))?.metadata.ownerReferences, [owner]);
  });

  test('a policy is named, and what it says of the object is not told', async () => {
    const resourceRules = [
      { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['secrets'] },
    ];
    const validations = [{ expression: "object.metadata.name != 'unwanted'", message: `not ${canary}` }];
    await cluster.api.create(`${policies}/validatingadmissionpolicies`, {
      metadata: { name: 'no-secrets' },
      spec: { failurePolicy: 'Fail', matchConstraints: { resourceRules }, validations },
    });
    await cluster.api.create(`${policies}/validatingadmissionpolicybindings`, {
      metadata: { name: 'no-secrets' },
      spec: { policyName: 'no-secrets', validationActions: ['Deny'] },
    });
    const path = `/api/v1/namespaces/${namespace}/secrets?dryRun=All`;
    const unwanted = { metadata: { name: 'unwanted' } };
    await until(
      async () => (await cluster.api.call('POST', path, { body: unwanted })).status === 422,
      30_000,
    );
    const error = await refused(publish('unwanted'));
    assert.equal(error.code, 'Denied');
    assert.match(
      error.message,
      /^the ValidatingAdmissionPolicy no-secrets refuses to patch secrets\/unwanted/,
    );
  });

  const invalid: Record<string, [Partial<Payload>, RegExp]> = {
    'a label value that is too long': [
      { labels: new Map([['app', 'x'.repeat(64)]]) },
      /metadata\.labels \(FieldValueInvalid\)$/,
    ],
    'annotations that are too large': [
      { annotations: new Map([['note', 'x'.repeat(300_000)]]) },
      /metadata\.annotations \(FieldValueTooLong\)$/,
    ],
    'a type without its keys': [
      { type: 'kubernetes.io/tls' },
      /data\[tls\.crt\] \(FieldValueRequired\), data\[tls\.key\] \(FieldValueRequired\)$/,
    ],
    'a key that is too long': [
      { data: new Map([['k'.repeat(254), Secret.of(canary)]]) },
      /data\[k+\] \(FieldValueInvalid\)$/,
    ],
  };
  Object.entries(invalid).forEach(([what, [more, message]], i) => {
    test(`${what}: the field, and why`, async () => {
      const error = await refused(publish(`invalid-${i}`, more));
      assert.equal(error.code, 'PublishFailed');
      assert.match(error.message, message);
      assert.match(error.remedy ?? '', /^correct spec\.target\.template/);
      assert.equal(error.condition, 'could not update secret');
    });
  });

  test('a namespace that is not there is not taken for a Secret that is not', async () => {
    await cluster.api.bind('cluster-admin', pod);
    const admin = openKubeAt(
      {
        server: cluster.api.url,
        ca: async () => cluster.api.ca,
        token: async () => Secret.of(cluster.token),
      },
      clock,
    );
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' } };
    const apply = () => admin.apply(secretIn('nowhere', 'db'), object, { fieldManager: 'test', signal });
    await until(async () => (await refused(apply())).code === 'NotFound');
    assert.equal((await refused(apply())).message, 'there is no namespace nowhere');
    await admin.close();
  });

  test('a namespace that is being deleted', async () => {
    await cluster.api.call('DELETE', `/api/v1/namespaces/${namespace}`);
    const error = await refused(publish('late'));
    assert.equal(error.code, 'Denied');
    assert.match(
      error.message,
      /^the namespace apps, which is being deleted, refuses to patch secrets\/late/,
    );
  });
});
