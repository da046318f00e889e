import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { applyPatch } from '../../src/inject/json-patch.ts';
import { agentOf, injected, type Loose, names, patchOf, pod, prefix } from './pods.ts';

/**
 * Other webhooks, replayed from the shapes that their documentation and sources give: none of EKS, Istio and Linkerd
 * can be run here.
 */
type Webhook = (pod: Loose) => Loose;

const tokenFolder = '/var/run/secrets/eks.amazonaws.com/serviceaccount';

/** Both lists are written anew, as the EKS webhook does. */
function eks(env: readonly object[], mount: object, volume: object): Webhook {
  const given = (container: Loose): Loose => ({
    ...container,
    env: [...(container.env ?? []), ...env],
    volumeMounts: [...(container.volumeMounts ?? []), mount],
  });
  return (value) => ({
    ...value,
    spec: {
      ...value.spec,
      containers: value.spec.containers.map(given),
      ...(value.spec.initContainers && { initContainers: value.spec.initContainers.map(given) }),
      volumes: [...(value.spec.volumes ?? []), volume],
    },
  });
}

const irsa = eks(
  [
    { name: 'AWS_STS_REGIONAL_ENDPOINTS', value: 'regional' },
    { name: 'AWS_DEFAULT_REGION', value: 'eu-central-1' },
    { name: 'AWS_REGION', value: 'eu-central-1' },
    { name: 'AWS_ROLE_ARN', value: 'arn:aws:iam::123456789012:role/app' },
    { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: `${tokenFolder}/token` },
  ],
  { name: 'aws-iam-token', mountPath: tokenFolder, readOnly: true },
  {
    name: 'aws-iam-token',
    projected: {
      sources: [
        { serviceAccountToken: { audience: 'sts.amazonaws.com', expirationSeconds: 86_400, path: 'token' } },
      ],
    },
  },
);

const podIdentityFolder = '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount';
const podIdentity = eks(
  [
    { name: 'AWS_CONTAINER_CREDENTIALS_FULL_URI', value: 'http://169.254.170.23/v1/credentials' },
    { name: 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', value: `${podIdentityFolder}/eks-pod-identity-token` },
  ],
  { name: 'eks-pod-identity-token', mountPath: podIdentityFolder, readOnly: true },
  {
    name: 'eks-pod-identity-token',
    projected: {
      sources: [
        {
          serviceAccountToken: {
            audience: 'pods.eks.amazonaws.com',
            expirationSeconds: 86_400,
            path: 'eks-pod-identity-token',
          },
        },
      ],
    },
  },
);

/** Its containers go to the front, and HTTP probes of the containers that it sees go through its agent. */
const istioNative: Webhook = (value) => ({
  ...value,
  metadata: {
    ...value.metadata,
    annotations: { ...value.metadata.annotations, 'sidecar.istio.io/status': '{}' },
  },
  spec: {
    ...value.spec,
    initContainers: [
      { name: 'istio-init', image: 'istio/proxyv2' },
      {
        name: 'istio-proxy',
        image: 'istio/proxyv2',
        restartPolicy: 'Always',
        startupProbe: { httpGet: { path: '/healthz/ready', port: 15021 } },
      },
      ...(value.spec.initContainers ?? []).map((container: Loose) =>
        container.livenessProbe?.httpGet
          ? {
              ...container,
              livenessProbe: {
                ...container.livenessProbe,
                httpGet: { path: `/app-health/${container.name}/livez`, port: 15020 },
              },
            }
          : container,
      ),
    ],
  },
});

const linkerdNative: Webhook = (value) => ({
  ...value,
  spec: {
    ...value.spec,
    initContainers: [
      { name: 'linkerd-init', image: 'linkerd/proxy-init' },
      { name: 'linkerd-proxy', image: 'linkerd/proxy', restartPolicy: 'Always' },
      ...(value.spec.initContainers ?? []),
    ],
  },
});

/** Before native sidecars: a redirect of all traffic by an init container, and a proxy that starts with the app. */
function legacyMesh(initName: string, proxyName: string): Webhook {
  return (value) => ({
    ...value,
    spec: {
      ...value.spec,
      initContainers: [{ name: initName, image: 'mesh/init' }, ...(value.spec.initContainers ?? [])],
      containers: [{ name: proxyName, image: 'mesh/proxy' }, ...value.spec.containers],
    },
  });
}

/** Compiled against an API that knows no native sidecars (kubernetes/kops#16802). */
const typedOfThePast: Webhook = (value) => ({
  ...value,
  spec: {
    ...value.spec,
    initContainers: (value.spec.initContainers ?? []).map(({ restartPolicy: _, ...rest }: Loose) => rest),
  },
});

const imageMirror: Webhook = (value) =>
  JSON.parse(JSON.stringify(value).replaceAll('registry.example/', 'mirror.example/'));

/** What the API server and its own admission write into what we added. */
const defaulted: Webhook = (value) => {
  const copy = structuredClone(value);
  for (const container of [...copy.spec.containers, ...(copy.spec.initContainers ?? [])]) {
    container.terminationMessagePath ??= '/dev/termination-log';
    container.imagePullPolicy ??= 'IfNotPresent';
    container.volumeMounts = [
      ...(container.volumeMounts ?? []),
      {
        name: 'kube-api-access-x',
        mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
        readOnly: true,
      },
    ];
    for (const each of container.env ?? [])
      if (each.valueFrom?.fieldRef) each.valueFrom.fieldRef.apiVersion = 'v1';
    for (const probe of [container.livenessProbe, container.startupProbe])
      if (probe) Object.assign(probe, { successThreshold: 1 });
  }
  for (const volume of copy.spec.volumes ?? []) {
    for (const source of ['projected', 'configMap', 'downwardAPI', 'secret'])
      if (volume[source]) volume[source].defaultMode ??= 420;
  }
  return copy;
};

const again = (value: Loose): Loose => injected(value);

function isSettled(value: Loose): void {
  assert.deepEqual(patchOf(value).operations, []);
}

test('a pod that the API server completed needs nothing more', () => {
  for (const annotations of [
    { config: 'a,b' },
    { spec: 'kind: x' },
    { config: 'a', mode: 'init' },
    { config: 'a', native: 'off' },
  ]) {
    isSettled(defaulted(injected(pod({ annotations: annotations as Record<string, string> }))));
  }
});

describe('EKS', () => {
  const awsEnv = (value: Loose) => agentOf(value).env.filter(({ name }: Loose) => name.startsWith('AWS_'));
  for (const [name, webhook, folder] of [
    ['IRSA', irsa, tokenFolder],
    ['Pod Identity', podIdentity, podIdentityFolder],
  ] as const) {
    test(`${name} before us is copied as one set`, () => {
      const done = injected(webhook(pod()));
      assert.equal(awsEnv(done).length, awsEnv(webhook(injected(pod()))).length);
      assert.equal(
        agentOf(done).volumeMounts.filter(({ mountPath }: Loose) => mountPath === folder).length,
        1,
      );
      isSettled(done);
    });

    test(`${name} after us is left as it is`, () => isSettled(webhook(injected(pod()))));
  }

  test('of both kinds Pod Identity is taken, and never parts of two', () => {
    const done = injected(podIdentity(irsa(pod())));
    assert.deepEqual(
      names(awsEnv(done)).filter((name) => !/REGION/.test(name)),
      ['AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'],
    );
  });

  test('half a set is not copied', () => {
    const value = pod({
      container: {
        env: [
          { name: 'AWS_ROLE_ARN', value: 'arn' },
          { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: '/nowhere/token' },
        ],
      },
    });
    assert.deepEqual(awsEnv(injected(value)), []);
  });
});

describe('meshes', () => {
  for (const [name, mesh] of [
    ['Istio', istioNative],
    ['Linkerd', linkerdNative],
  ] as const) {
    const proxyName = `${name.toLowerCase()}-proxy`;
    const follows = (value: Loose): void => {
      const order = names(value.spec.initContainers);
      assert.equal(order.indexOf('external-secrets-agent'), order.indexOf(proxyName) + 1);
    };
    test(`${name} before us`, () => {
      const done = injected(mesh(pod({ spec: { initContainers: [{ name: 'migrate' }] } })));
      follows(done);
      isSettled(done);
    });
    test(`${name} after us, and we are asked again`, () => {
      const done = again(mesh(injected(pod({ spec: { initContainers: [{ name: 'migrate' }] } }))));
      follows(done);
      isSettled(done);
    });
  }

  for (const [name, mesh, proxyName] of [
    ['Istio', legacyMesh('istio-init', 'istio-proxy'), 'istio-proxy'],
    ['Linkerd', legacyMesh('linkerd-init', 'linkerd-proxy'), 'linkerd-proxy'],
  ] as const) {
    // After the redirect nothing has network until the proxy starts, with the app.
    const isFirst = (value: Loose): void => {
      assert.equal(value.spec.initContainers[0].name, 'external-secrets-agent');
      const proxy = value.spec.containers.find((each: Loose) => each.name === proxyName);
      assert.equal(proxy.volumeMounts, undefined, 'the proxy sees no secrets');
      isSettled(value);
    };
    const asking = () => pod({ spec: { initContainers: [{ name: 'migrate' }] } });
    test(`${name} of the past before us: the agent has network before the redirect`, () =>
      isFirst(injected(mesh(asking()))));
    test(`${name} of the past after us, and we are asked again`, () =>
      isFirst(again(mesh(injected(asking())))));
  }

  test('Istio after us: liveness no longer goes over the network', () => {
    const { livenessProbe } = agentOf(again(istioNative(injected(pod()))));
    assert.ok(livenessProbe.exec);
    assert.equal(livenessProbe.httpGet, undefined);
  });

  test('an init container that was put before the agent is moved behind it', () => {
    const done = injected(pod({ spec: { initContainers: [{ name: 'b' }] } }));
    const later = {
      ...done,
      spec: { ...done.spec, initContainers: [{ name: 'a' }, ...done.spec.initContainers] },
    };
    const operations = patchOf(later).operations.filter(({ op }) => op === 'move');
    assert.deepEqual(operations, [
      { op: 'move', from: '/spec/initContainers/1', path: '/spec/initContainers/0' },
    ]);
    assert.deepEqual(names(again(later).spec.initContainers), ['external-secrets-agent', 'a', 'b']);
  });
});

describe('what a later webhook took away comes back', () => {
  test('restartPolicy', () => {
    const stripped = typedOfThePast(injected(pod()));
    assert.deepEqual(patchOf(stripped).operations, [
      { op: 'add', path: '/spec/initContainers/0/restartPolicy', value: 'Always' },
    ]);
  });

  test('the container, a volume, a mount, a variable', () => {
    const done = injected(pod());
    const without: readonly ((value: Loose) => void)[] = [
      (value) => value.spec.initContainers.pop(),
      (value) => value.spec.volumes.shift(),
      (value) => delete value.spec.volumes,
      (value) => value.spec.containers[0].volumeMounts.pop(),
      (value) => value.spec.initContainers[0].env.shift(),
      (value) => delete value.spec.initContainers[0].securityContext.seccompProfile,
      (value) => delete value.spec.initContainers[0].startupProbe,
      (value) => delete value.metadata.labels[`${prefix}injected`],
    ];
    for (const strip of without) {
      const stripped = structuredClone(done);
      strip(stripped);
      const repaired = again(stripped);
      assert.deepEqual(sorted(repaired), sorted(done), strip.toString());
      isSettled(repaired);
    }
  });

  test('a container that came later gets its mount', () => {
    const done = injected(pod());
    done.spec.containers.push({ name: 'late', image: 'late:1' });
    assert.deepEqual(patchOf(done).operations, [
      {
        op: 'add',
        path: '/spec/containers/1/volumeMounts',
        value: [{ name: 'esa-secrets', mountPath: '/run/secrets/external-secrets', readOnly: true }],
      },
    ]);
  });
});

describe('what a later webhook changed on purpose stays', () => {
  test('an image of a mirror', () => {
    const mirrored = imageMirror(injected(pod()));
    isSettled(mirrored);
    assert.match(agentOf(again(istioNative(mirrored))).image, /^mirror\.example\//);
  });

  test('ids of OpenShift, resources of a LimitRange', () => {
    const done = injected(pod());
    Object.assign(agentOf(done).securityContext, { runAsUser: 1_000_650_000 });
    agentOf(done).resources.limits.memory = '96Mi';
    isSettled(done);
  });
});

describe('other wishes on a pod that was injected before', () => {
  test('are fulfilled, whatever was there', () => {
    const done = injected(pod({ annotations: { config: 'a', native: 'off' } }));
    done.metadata.annotations[`${prefix}native`] = 'on';
    const changed = again(done);
    assert.deepEqual(names(changed.spec.containers), ['app']);
    assert.deepEqual(names(changed.spec.initContainers), ['external-secrets-agent']);
    isSettled(changed);
  });

  test('another version makes its own agent', () => {
    const done = injected(pod());
    const newer = applyPatch(
      done,
      patchOf(done, { version: '2.0.0', image: 'registry.example/agent:2.0.0' }).operations,
    );
    assert.equal(agentOf(newer).image, 'registry.example/agent:2.0.0');
    assert.deepEqual(
      patchOf(newer, { version: '2.0.0', image: 'registry.example/agent:2.0.0' }).operations,
      [],
    );
  });
});

/** Lists whose order says nothing, by name; that of containers does. */
function sorted(value: Loose): Loose {
  return JSON.parse(JSON.stringify(value), (key, each) =>
    ['env', 'volumes', 'volumeMounts'].includes(key)
      ? each.toSorted((a: Loose, b: Loose) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      : isPlain(each)
        ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
        : each,
  );
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
