import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { injectedLabel, specsLabel } from '../../src/spec/contract.ts';
import { type ApiServer, apiServerPrograms, startApiServer } from '../peers/apiserver.ts';
import { missing, until } from '../peers/process.ts';
import { agentOf, type Loose, names, type PodParts, pod, prefix } from './pods.ts';
import { type ForeignWebhook, startForeignWebhook, startInjector, type TestInjector } from './webhooks.ts';

const admissionApi = '/apis/admissionregistration.k8s.io/v1';
const pods = '/api/v1/namespaces/apps/pods';
const never = { 'kubernetes.io/metadata.name': 'nowhere' };

interface Registration {
  readonly name: string;
  readonly port: number;
  readonly ca: string;
  readonly path: string;
  readonly more?: object;
}

function mutating({ name, port, ca, path, more = {} }: Registration): object {
  return {
    metadata: { name },
    webhooks: [
      {
        name: `${name}.example.com`,
        admissionReviewVersions: ['v1'],
        clientConfig: {
          url: `https://127.0.0.1:${port}${path}`,
          caBundle: Buffer.from(ca).toString('base64'),
        },
        rules: [
          {
            operations: ['CREATE'],
            apiGroups: [''],
            apiVersions: ['v1'],
            resources: ['pods'],
            scope: 'Namespaced',
          },
        ],
        failurePolicy: 'Fail',
        sideEffects: 'None',
        timeoutSeconds: 5,
        reinvocationPolicy: 'IfNeeded',
        objectSelector: { matchLabels: { [`${prefix}inject`]: 'true' } },
        ...more,
      },
    ],
  };
}

/** By annotation, on pods that the first webhook does not see. The API server must know maps that are missing. */
const byAnnotation = {
  objectSelector: { matchExpressions: [{ key: `${prefix}inject`, operator: 'DoesNotExist' }] },
  matchConditions: [
    {
      name: 'annotated',
      expression: `has(object.metadata.annotations) && '${prefix}inject' in object.metadata.annotations && object.metadata.annotations['${prefix}inject'] == 'true'`,
    },
  ],
};

/** What must hold of every labelled pod, whatever any webhook did. */
const policy = {
  metadata: { name: 'agent-is-there' },
  spec: {
    failurePolicy: 'Fail',
    matchConstraints: {
      objectSelector: { matchLabels: { [`${prefix}inject`]: 'true' } },
      resourceRules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
    },
    validations: [
      {
        expression:
          "'agent.external-secrets.io/mode' in object.metadata.annotations && object.metadata.annotations['agent.external-secrets.io/mode'] == 'init' || has(object.spec.initContainers) && object.spec.initContainers.exists(c, c.name == 'external-secrets-agent' && has(c.restartPolicy) && c.restartPolicy == 'Always')",
        message: 'the pod asks for external-secrets-agent and has none',
      },
    ],
  },
};

const restricted = {
  securityContext: { runAsNonRoot: true, runAsUser: 1001, seccompProfile: { type: 'RuntimeDefault' } },
};
const restrictedContainer = {
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
};

function labelled(name: string, parts: PodParts = {}): Loose {
  // The ServiceAccount plugin, which would name one, is not in this API server.
  const spec = { ...restricted, serviceAccountName: 'app', ...(parts.spec ?? {}) };
  const made = pod({ ...parts, spec, container: { ...restrictedContainer, ...parts.container } });
  made.metadata.name = name;
  return made;
}

function unlabelled(name: string): Loose {
  const made = labelled(name);
  delete made.metadata.labels;
  return made;
}

describe('on a real API server', { skip: missing('kubernetes', apiServerPrograms) }, () => {
  let api: ApiServer;
  let injector: TestInjector;
  let stripping: ForeignWebhook;

  before(async () => {
    [api, injector] = await Promise.all([startApiServer(), startInjector()]);
    const pair = injector.ca.issue({ names: ['127.0.0.1'] });
    // An old typed webhook: what it does not know, it drops.
    stripping = await startForeignWebhook(pair, (value) =>
      (value.spec.initContainers ?? []).flatMap((container: Loose, i: number) =>
        container.restartPolicy ? [{ op: 'remove', path: `/spec/initContainers/${i}/restartPolicy` }] : [],
      ),
    );
    await api.create('/api/v1/namespaces', {
      metadata: { name: 'apps', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
    const ours = { port: injector.port, ca: injector.ca.cert, path: '/mutate' };
    const down = { ...ours, port: 1, path: '/mutate' };
    const hooks = [
      mutating({ ...ours, name: 'a-ours' }),
      mutating({ ...ours, name: 'a-ours-annotated', more: byAnnotation }),
      mutating({
        name: 'b-stripping',
        port: stripping.port,
        ca: injector.ca.cert,
        path: '/',
        more: { objectSelector: { matchLabels: { strip: 'true' } }, reinvocationPolicy: 'Never' },
      }),
      mutating({
        ...down,
        name: 'c-down',
        more: { objectSelector: { matchLabels: { [`${prefix}inject`]: 'true', down: 'true' } } },
      }),
    ];
    for (const hook of hooks) await api.create(`${admissionApi}/mutatingwebhookconfigurations`, hook);
    await api.create(`${admissionApi}/validatingwebhookconfigurations`, validating(ours));
    await api.create(`${admissionApi}/validatingadmissionpolicies`, policy);
    await api.create(`${admissionApi}/validatingadmissionpolicybindings`, {
      metadata: { name: 'agent-is-there' },
      spec: { policyName: 'agent-is-there', validationActions: ['Deny'] },
    });
    // Configurations reach the admission plugins by a watch.
    await until(async () => {
      const { status, json } = await api.call('POST', `${pods}?dryRun=All`, { body: labelled('probe') });
      return status === 201 && json.metadata.labels[injectedLabel] === 'true';
    }, 20_000);
    await until(async () => (await refused(labelled('probe', { labels: { down: 'true' } }))) !== '', 20_000);
    await until(
      async () =>
        (await created({ ...unlabelled('probe'), metadata: { name: 'probe', annotations: annotated } }, true))
          .metadata.labels !== undefined,
      20_000,
    );
  });

  after(async () => {
    await Promise.allSettled([api?.stop(), injector?.close(), stripping?.close()]);
  });

  const annotated = { [`${prefix}inject`]: 'true', [`${prefix}config`]: 'specs' };

  async function created(body: object, dryRun = false): Promise<Loose> {
    const { status, json } = await api.call('POST', `${pods}${dryRun ? '?dryRun=All' : ''}`, { body });
    assert.equal(status, 201, json.message);
    return json;
  }

  async function refused(body: object): Promise<string> {
    const { status, json } = await api.call('POST', `${pods}?dryRun=All`, { body });
    return status >= 400 ? json.message : '';
  }

  function validating({ port, ca }: { readonly port: number; readonly ca: string }): object {
    const made = mutating({ name: 'specs', port, ca, path: '/validate' }) as Loose;
    const [webhook] = made.webhooks;
    delete webhook.reinvocationPolicy;
    webhook.rules = [
      { operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] },
    ];
    webhook.objectSelector = { matchLabels: { [specsLabel]: 'true' } };
    return made;
  }

  test('a labelled pod has its agent, valid and within the restricted profile', async () => {
    const done = await created(labelled('labelled', { spec: { automountServiceAccountToken: false } }));
    assert.deepEqual(names(done.spec.initContainers), ['external-secrets-agent']);
    assert.equal(agentOf(done).restartPolicy, 'Always');
    assert.equal(done.metadata.labels[injectedLabel], 'true');
  });

  const shapes: readonly (readonly [string, PodParts])[] = [
    [
      'inline',
      {
        annotations: {
          spec: 'apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: s}\nspec: {provider: {fake: {data: []}}}\n',
        },
      },
    ],
    ['init', { annotations: { config: 'a', mode: 'init' } }],
    [
      'extras',
      {
        annotations: {
          config: 'a,b.c',
          'extra-secrets': 'x',
          'extra-configmaps': 'y',
          sync: 'true',
          size: '2048Ki',
        },
      },
    ],
    ['groups', { spec: { securityContext: { ...restricted.securityContext, fsGroup: 2000 } } }],
    [
      'many',
      {
        annotations: {
          config: 'a',
          resources: 'cpu=0.5,memory=1024Mi,cpu.limit=1000m',
          audiences: 'https://x.example',
        },
      },
    ],
  ];
  for (const [name, parts] of shapes) {
    test(`of the shape ${name} too, and again it is complete`, async () => {
      const done = await created(labelled(name, parts));
      const { resourceVersion: _v, uid: _u, creationTimestamp: _c, ...metadata } = done.metadata;
      const { status: _status, ...rest } = done;
      const again = await created({ ...rest, metadata: { ...metadata, name: `${name}-2` } });
      assert.equal(JSON.stringify(again.spec), JSON.stringify(done.spec));
    });
  }

  test('an unlabelled pod is not touched', async () => {
    const done = await created(unlabelled('unlabelled'));
    assert.equal(done.spec.initContainers, undefined);
    assert.equal(done.metadata.annotations[`${prefix}status`], undefined);
  });

  test('an annotated pod has its agent by the second webhook', async () => {
    const body = { ...unlabelled('annotated'), metadata: { name: 'annotated', annotations: annotated } };
    assert.deepEqual(names((await created(body)).spec.initContainers), ['external-secrets-agent']);
  });

  test('a dry run says the same and keeps nothing', async () => {
    const done = await created(labelled('dry'), true);
    assert.equal(agentOf(done).restartPolicy, 'Always');
    assert.equal((await api.call('GET', `${pods}/dry`)).status, 404);
  });

  test('generateName', async () => {
    const body = labelled('x');
    delete body.metadata.name;
    body.metadata.generateName = 'web-';
    assert.match((await created(body)).metadata.name, /^web-/);
  });

  test('a bad annotation is refused with its fix', async () => {
    const said = await refused(labelled('bad', { annotations: { config: 'a', mode: 'sidcar' } }));
    assert.match(
      said,
      /denied the request: InvalidAnnotation: \S+\/mode: "sidcar" is not known here; did you mean "sidecar"\?/,
    );
  });

  test('an inline spec is refused as check would', async () => {
    const said = await refused(labelled('bad', { annotations: { spec: 'kind: ExternalSekret' } }));
    assert.match(said, /denied the request: spec:1:\d+: /);
  });

  test('a webhook that strips restartPolicy is answered at the second asking', async () => {
    const done = await created(labelled('stripped', { labels: { strip: 'true' } }));
    assert.equal(agentOf(done).restartPolicy, 'Always');
  });

  test('with the webhook down a labelled pod is refused and says which, an unlabelled one starts', async () => {
    const said = await refused(labelled('down', { labels: { down: 'true' } }));
    assert.match(said, /failed calling webhook "c-down\.example\.com".*connection refused/);
    const other = unlabelled('up');
    other.metadata.labels = { down: 'true' };
    await created(other);
  });

  test('the policy refuses a labelled pod that no webhook gave an agent', async () => {
    const path = `${admissionApi}/mutatingwebhookconfigurations/a-ours`;
    const selector = [{ op: 'add', path: '/webhooks/0/namespaceSelector', value: { matchLabels: never } }];
    const patch = (body: object) =>
      api.call('PATCH', path, { body, contentType: 'application/json-patch+json' });
    assert.equal((await patch(selector)).status, 200);
    try {
      await until(async () => (await refused(labelled('bare'))) !== '', 20_000);
      assert.match(await refused(labelled('bare')), /the pod asks for external-secrets-agent and has none/);
    } finally {
      await patch([{ ...selector[0], value: {} }]);
    }
    await until(async () => (await refused(labelled('bare'))) === '', 20_000);
  });

  test('a ConfigMap of specs is checked when it is written', async () => {
    const map = (text: string, name: string) => ({
      metadata: { name, labels: { [specsLabel]: 'true' } },
      data: { 'db.yaml': text },
    });
    const configMaps = '/api/v1/namespaces/apps/configmaps';
    const bad = await api.call('POST', configMaps, {
      body: map(
        'kind: ExternalSecret\napiVersion: external-secrets.io/v1\nmetadata: {name: db}\nspec: {refreshIntervall: 1h}\n',
        'bad',
      ),
    });
    assert.equal(bad.status, 403);
    assert.match(
      bad.json.message,
      /denied the request: .*db\.yaml:4:\d+: ExternalSecret\/db: spec\.refreshIntervall: SpecInvalid: /,
    );
    const store =
      'kind: SecretStore\napiVersion: external-secrets.io/v1\nmetadata: {name: s}\nspec: {provider: {fake: {data: []}}}\n';
    assert.equal((await api.call('POST', configMaps, { body: map(store, 'good') })).status, 201);
    const unlabelledMap = { metadata: { name: 'other' }, data: { 'db.yaml': ': not yaml' } };
    assert.equal((await api.call('POST', configMaps, { body: unlabelledMap })).status, 201);
  });

  test('a rotated certificate of the same authority serves without a failed admission', async () => {
    for (let i = 0; i < 5; i++) {
      injector.rotate(injector.ca.issue({ names: ['127.0.0.1'] }));
      const all = Array.from({ length: 10 }, (_, j) => created(labelled(`rotated-${i}-${j}`), true));
      for (const done of await Promise.all(all)) assert.equal(agentOf(done).restartPolicy, 'Always');
    }
  });

  test('the metrics say what happened', async () => {
    const text = await injector.metrics();
    assert.match(text, /injector_review_total\{result="patched",reason="",mode="sidecar"\} \d+/);
    assert.match(text, /injector_review_total\{result="denied",reason="InvalidAnnotation",mode=""\} \d+/);
    assert.match(text, /injector_cert_expiry_timestamp_seconds \d{10}/);
  });
});
