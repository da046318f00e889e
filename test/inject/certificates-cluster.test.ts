import assert from 'node:assert/strict';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { type Log, silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { openSelfCertificates } from '../../src/inject/certificates.ts';
import { issueAuthority } from '../../src/inject/certificates-issue.ts';
import { authorityLifeMs, type CertificateSet, pemsOf, readSet } from '../../src/inject/certificates-set.ts';
import { openInjectorMetrics } from '../../src/inject/metrics.ts';
import { type InjectorServer, openInjectorServer } from '../../src/inject/server.ts';
import type { TlsSource } from '../../src/inject/tls.ts';
import { type Kube, openKubeAt } from '../../src/kube/client.ts';
import { type ApiServer, apiServerPrograms, startApiServer } from '../peers/apiserver.ts';
import { missing, until } from '../peers/process.ts';
import { pod, prefix, settings } from './pods.ts';
import { admission } from './webhooks.ts';

const name = 'external-secrets-agent-injector';
const namespace = 'external-secrets-agent';
const admissionApi = '/apis/admissionregistration.k8s.io/v1';
const secretPath = `/api/v1/namespaces/${namespace}/secrets/${name}`;

/** Time runs so much faster here: the wait for a new authority to be known takes a second. */
const factor = limits.certificateSettleMs / 1_000;

function fastClock(): Clock & { jump(ms: number): void } {
  const began = { now: Date.now(), monotonic: performance.now() };
  let jumpedMs = 0;
  return {
    now: () => began.now + (Date.now() - began.now) * factor + jumpedMs,
    monotonic: () => began.monotonic + (performance.now() - began.monotonic) * factor,
    sleep: async (ms, signal) => await systemClock.sleep(ms / factor, signal),
    random: () => Math.random(),
    jump: (ms) => {
      jumpedMs += ms;
    },
  };
}

interface Replica {
  readonly kube: Kube;
  readonly certificates: TlsSource;
  readonly server: InjectorServer;
}

describe('certificates on a real API server', { skip: missing('kubernetes', apiServerPrograms) }, () => {
  let api: ApiServer;
  let token: string;
  let clock: ReturnType<typeof fastClock>;
  let replicas: Replica[] = [];
  const fromMs = Date.now();
  const foreign = issueAuthority({
    commonName: 'somebody else',
    fromMs,
    toMs: fromMs + authorityLifeMs,
  }).cert;

  before(async () => {
    // Its time begins with this test's: what ran before would count sixtyfold.
    clock = fastClock();
    api = await startApiServer();
    await api.serviceAccount(namespace, name);
    await api.serviceAccount('apps', 'app');
    await api.allow({ namespace, name }, [
      { apiGroups: [''], resources: ['secrets'], resourceNames: [name], verbs: ['get', 'patch'] },
    ]);
    const configurations = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'];
    const rules = [
      {
        apiGroups: ['admissionregistration.k8s.io'],
        resources: configurations,
        resourceNames: [name],
        verbs: ['get', 'patch'],
      },
    ];
    await api.create('/apis/rbac.authorization.k8s.io/v1/clusterroles', { metadata: { name }, rules });
    await api.bind(name, { namespace, name });
    token = await api.token(namespace, name);
  });
  after(async () => {
    await Promise.all(replicas.map(end));
    await api.stop();
  });

  const startReplica = async (log: Log = silentLog): Promise<Replica> => {
    const kube = openKubeAt(
      { server: api.url, ca: async () => api.ca, token: async () => Secret.of(token) },
      clock,
    );
    const names = ['127.0.0.1', `${name}.${namespace}.svc`];
    const certificates = openSelfCertificates({
      kube,
      namespace,
      secret: name,
      configuration: name,
      names,
      clock,
      log,
    });
    const server = await openInjectorServer({
      listen: { host: '127.0.0.1', port: 0 },
      tls: () => certificates.tls(),
      onTlsChange: (listener) => certificates.onTlsChange(listener),
      review: admission,
      log,
      metrics: openInjectorMetrics({ version: settings.version, tls: () => certificates.tls() }),
    });
    return { kube, certificates, server };
  };

  const end = async ({ kube, certificates, server }: Replica): Promise<void> => {
    await Promise.all([server.close(), certificates.close()]);
    await kube.close();
  };

  /** Pods are admitted by the first replica, and labelled ConfigMaps by the others. */
  const configure = async (caBundle: string): Promise<void> => {
    const entry = (index: number, path: string, more: object) => ({
      name: `replica-${index}.agent.external-secrets.io`,
      admissionReviewVersions: ['v1'],
      clientConfig: {
        url: `https://127.0.0.1:${replicas[index]!.server.port}${path}`,
        caBundle: Buffer.from(caBundle).toString('base64'),
      },
      failurePolicy: 'Fail',
      sideEffects: 'None',
      timeoutSeconds: 10,
      ...more,
    });
    const rules = (resource: string) => [
      { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: [resource] },
    ];
    const labelled = {
      objectSelector: { matchLabels: { [`${prefix}inject`]: 'true' } },
      rules: rules('pods'),
    };
    await api.create(`${admissionApi}/mutatingwebhookconfigurations`, {
      metadata: { name },
      webhooks: [0, 1, 2].map((index) => entry(index, '/mutate', labelled)),
    });
    await api.create(`${admissionApi}/validatingwebhookconfigurations`, {
      metadata: { name },
      webhooks: [entry(1, '/validate', { rules: rules('configmaps') })],
    });
  };

  const stored = async (): Promise<CertificateSet | undefined> =>
    readSet((await api.call('GET', secretPath)).json.data);
  const bundles = async (): Promise<readonly string[]> => {
    const kinds = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'];
    const found = await Promise.all(kinds.map((kind) => api.call('GET', `${admissionApi}/${kind}/${name}`)));
    return found.flatMap(({ json }) =>
      json.webhooks.map((each: { clientConfig: { caBundle?: string } }) =>
        Buffer.from(each.clientConfig.caBundle ?? '', 'base64').toString(),
      ),
    );
  };
  const rotate = async (): Promise<void> => {
    const body = { metadata: { annotations: { [`${prefix}rotate`]: 'now' } } };
    const contentType = 'application/merge-patch+json';
    assert.equal((await api.call('PATCH', secretPath, { body, contentType })).status, 200);
  };
  let created = 0;
  const admit = async (): Promise<string | undefined> => {
    const object = pod();
    object.metadata.name = `app-${created++}`;
    object.spec.serviceAccountName = 'app';
    const { status, json } = await api.call('POST', '/api/v1/namespaces/apps/pods', { body: object });
    if (status !== 201) return `${status} ${json.message}`;
    return json.spec.initContainers?.length === 1 ? undefined : 'the pod has no agent';
  };

  /** As an API server that has just started: a new connection, which trusts what the configuration says. */
  const shake = async (port: number, ca: string): Promise<string | undefined> =>
    await new Promise((resolve) => {
      const asked = request({ host: '127.0.0.1', port, ca, path: '/', agent: false }, (response) => {
        response.resume();
        response.once('end', () => resolve(undefined));
      });
      asked.once('error', (error) => resolve(String(error)));
      asked.end();
    });

  test('three replicas that meet an empty Secret agree, and are ready when they are trusted', async () => {
    await api.create(`/api/v1/namespaces/${namespace}/secrets`, { metadata: { name } });
    replicas = await Promise.all([startReplica(), startReplica(), startReplica()]);
    await until(async () => (await stored()) !== undefined);
    await delay(500);
    assert.deepEqual(
      replicas.map(({ server }) => server.ready),
      [false, false, false],
      'nobody trusts them yet',
    );
    await configure(foreign);
    await until(() => replicas.every(({ server }) => server.ready));
    const served = replicas.map(({ certificates }) => certificates.tls()?.cert);
    assert.deepEqual(new Set(served), new Set([(await stored())!.leaf!.cert]));
    for (const bundle of await bundles())
      assert.ok(bundle.startsWith(foreign), 'an entry of somebody else stays');
    await until(async () => (await admit()) === undefined);
  });

  test('a forced rotation under load loses no admission', async () => {
    const before = (await stored())!;
    const failures: string[] = [];
    let [running, admissions, handshakes] = [true, 0, 0];
    const load = async (): Promise<void> => {
      while (running) {
        const failure = await admit();
        admissions++;
        if (failure !== undefined) failures.push(failure);
      }
    };
    const newcomers = async (): Promise<void> => {
      while (running) {
        const known = await bundles();
        // What an API server knows is a while old.
        await delay(200);
        for (const [index, { server }] of replicas.entries()) {
          const failure = await shake(server.port, known[index]!);
          handshakes++;
          if (failure !== undefined) failures.push(failure);
        }
      }
    };
    const working = [load(), load(), newcomers()];
    await rotate();
    await until(async () => {
      const now = await stored();
      const isNew =
        now !== undefined &&
        now.leaf!.cert !== before.leaf!.cert &&
        now.authority.cert !== before.authority.cert;
      return isNew && replicas.every(({ certificates }) => certificates.tls()?.cert === now.leaf!.cert);
    }, 30_000);
    await delay(500);
    running = false;
    await Promise.all(working);
    assert.deepEqual(failures, []);
    assert.ok(admissions > 10 && handshakes > 6, `${admissions} admissions, ${handshakes} handshakes`);
    const after = (await stored())!;
    assert.deepEqual(after.former, pemsOf(before.authority.cert));
    for (const bundle of await bundles()) {
      const [theirs, older, newer, ...rest] = pemsOf(bundle);
      assert.deepEqual(
        [theirs, older, newer, ...rest],
        [foreign, ...pemsOf(before.authority.cert), ...pemsOf(after.authority.cert)],
      );
    }
  });

  test('a bundle that somebody overwrote is mended, and a Secret that was deleted is not missed by who serves', async () => {
    const patch = async (webhooks: object) => {
      const contentType = 'application/strategic-merge-patch+json';
      const path = `${admissionApi}/mutatingwebhookconfigurations/${name}`;
      assert.equal((await api.call('PATCH', path, { body: { webhooks }, contentType })).status, 200);
    };
    await patch([
      {
        name: 'replica-0.agent.external-secrets.io',
        clientConfig: { caBundle: Buffer.from(foreign).toString('base64') },
      },
    ]);
    const { authority: current } = (await stored())!;
    const isWhole = async () =>
      (await bundles()).every((each) => pemsOf(each).includes(pemsOf(current.cert)[0]!));
    await until(isWhole);
    const contentType = 'application/merge-patch+json';
    const body = { data: { 'ca.key': null, 'tls.key': null } };
    assert.equal((await api.call('PATCH', secretPath, { body, contentType })).status, 200);
    await until(
      async () => {
        assert.equal(await admit(), undefined);
        const now = (await stored())?.leaf?.cert;
        return now !== undefined && replicas.every(({ certificates }) => certificates.tls()?.cert === now);
      },
      30_000,
      100,
    );
  });

  test('a replica that may not read its Secret says which rule is missing, and serves on', async () => {
    const told: string[] = [];
    const error = (fields: { err?: Error & { remedy?: string } }, message: string) =>
      told.push(`${message}: ${fields.err?.message} ${fields.err?.remedy}`);
    await api.serviceAccount(namespace, 'nobody');
    const own = token;
    token = await api.token(namespace, 'nobody');
    const replica = await startReplica({ ...silentLog, error } as unknown as Log);
    await until(() => told.length > 0);
    token = own;
    assert.match(
      told.join(),
      /none is served.*may not get.*resourceNames: \["external-secrets-agent-injector"\]/,
    );
    await until(() => replica.server.ready);
    await end(replica);
  });

  test('when every leaf of it has ended, the former authority goes; those of others stay', async () => {
    const now = (await stored())!;
    clock.jump(31 * 24 * 3_600_000);
    await until(
      async () => {
        const expected = [foreign, ...pemsOf(now.authority.cert)].join('');
        const seen = await bundles();
        return (
          (await stored())!.former.length === 0 &&
          seen.every((bundle) => pemsOf(bundle).join('') === expected)
        );
      },
      20_000,
      100,
    );
  });
});
