import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { annotationNames } from '../../src/inject/annotations.ts';
import { patchPod } from '../../src/inject/patch.ts';
import { agentOf, injected, type Loose, names, patchOf, pod, prefix, refusalOf, settings } from './pods.ts';

const proxy = { name: 'istio-proxy', image: 'proxyv2', restartPolicy: 'Always' };

describe('who is injected', () => {
  const kindOf = (value: Loose): string => {
    const outcome = patchPod(value, settings);
    return outcome.kind === 'skipped' ? outcome.why : outcome.kind;
  };

  test('a pod with neither label nor annotation is not touched', () => {
    assert.equal(kindOf({ metadata: {}, spec: { containers: [] } }), 'not-asked');
    assert.equal(kindOf({ spec: { containers: [] } }), 'not-asked');
  });

  test('the label wins over the annotation', () => {
    assert.equal(
      kindOf(pod({ labels: { [`${prefix}inject`]: 'false' }, annotations: { inject: 'true', config: 'a' } })),
      'not-asked',
    );
    const byAnnotation = pod({ annotations: { inject: 'true', config: 'a' }, metadata: { labels: null } });
    assert.equal(kindOf(byAnnotation), 'patched');
  });

  test('another word is refused', () => {
    const said = refusalOf(pod({ labels: { [`${prefix}inject`]: 'yes' } }));
    assert.match(
      said,
      /InvalidAnnotation: agent\.external-secrets\.io\/inject: "yes" is neither "true" nor "false"/,
    );
  });

  test('a mirror pod is left alone', () => {
    const mirror = pod();
    mirror.metadata.annotations['kubernetes.io/config.mirror'] = 'abc';
    assert.equal(kindOf(mirror), 'mirror-pod');
  });

  test('Windows is refused, by os and by selector', () => {
    assert.match(refusalOf(pod({ spec: { os: { name: 'windows' } } })), /^Windows: spec\.os\.name: /);
    const selected = pod({ spec: { nodeSelector: { 'kubernetes.io/os': 'windows' } } });
    assert.match(refusalOf(selected), /^Windows: spec\.nodeSelector: /);
  });

  test('what is no pod is refused, never a crash', () => {
    for (const value of [
      null,
      1,
      [],
      {},
      { spec: 1 },
      { spec: { containers: 1 } },
      { spec: { containers: [1] } },
    ]) {
      assert.match(refusalOf(value as Loose), /^InvalidPod: /);
    }
    assert.match(
      refusalOf(pod({ container: { volumeMounts: 1 } })),
      /^InvalidPod: spec\.containers\[0\]\.volumeMounts: /,
    );
    assert.match(
      refusalOf(pod({ spec: { initContainers: [{}] } })),
      /^InvalidPod: spec\.initContainers\[0\]\.name: /,
    );
    assert.match(
      refusalOf(pod({ metadata: { annotations: { a: 1 } } })),
      /^InvalidPod: metadata\.annotations: /,
    );
  });

  test('generateName, no name and no arrays will do', () => {
    const bare = pod({
      metadata: { name: undefined, generateName: 'web-' },
      spec: { initContainers: null, volumes: null },
    });
    const done = injected(bare);
    assert.deepEqual(names(done.spec.initContainers), ['external-secrets-agent']);
    assert.equal(done.spec.volumes[0].name, 'esa-secrets');
  });
});

describe('annotations are a closed set', () => {
  const cases: readonly (readonly [Record<string, string>, RegExp])[] = [
    [
      { config: 'a', mdoe: 'init' },
      /^UnknownAnnotation: \S+\/mdoe: is no annotation of a Pod; did you mean "mode"\?/,
    ],
    [{ config: 'a', 'on-change': 'none' }, /^NotSupported: \S+\/on-change: is not supported by this version/],
    [{ config: 'a', 'format.db': 'env' }, /^NotSupported: /],
    [{}, /^InvalidAnnotation: \S+\/config: this or \S+\/spec is required/],
    [{ config: 'a', spec: 'b' }, /\/config: both this and \S+\/spec are given/],
    [{ config: 'A' }, /\/config: "A" is no name/],
    [{ config: ',' }, /\/config: "," names nothing/],
    [{ spec: ' ' }, /\/spec: is empty/],
    [
      { config: 'a', mode: 'sidcar' },
      /\/mode: "sidcar" is not known here; did you mean "sidecar"\? \(choose from sidecar, init\)/,
    ],
    [{ config: 'a', order: 'middle' }, /\/order: /],
    [{ config: 'a', native: 'yes' }, /\/native: "yes" is not known here/],
    [{ config: 'a', size: '16MB' }, /\/size: "16MB" is not what is taken here \(write a size such as 16Mi\)/],
    [{ config: 'a', 'token-ttl': '5m' }, /\/token-ttl: "5m" is out of range \(give between 10m and 24h\)/],
    [{ config: 'a', 'token-ttl': '600' }, /\/token-ttl: .* without a unit/],
    [{ config: 'a', audiences: 'a/b,a:b' }, /\/audiences: "a:b" would share its token file with a\/b/],
    [{ config: 'a', audiences: '..' }, /\/audiences: ".." is no audience/],
    [{ config: 'a', 'role-arn': 'admin' }, /\/role-arn: "admin" is not what is taken here/],
    [{ config: 'a', 'run-as': '0' }, /\/run-as: "0" is not a user/],
    [{ config: 'a', 'run-as': 'same' }, /\/run-as: the containers that see the files do not all say/],
    [{ config: 'a', 'file-mode': '888' }, /\/file-mode: "888" is not a mode/],
    [{ config: 'a', resources: 'cpus=1' }, /\/resources: "cpus=1" is no resource; did you mean "cpu"\?/],
    [{ config: 'a', resources: 'memory=many' }, /\/resources: "many" is not a quantity/],
    [{ config: 'a', resources: 'cpu=2,cpu.limit=1' }, /the request cpu=2 is above its limit 1/],
    [
      { config: 'a', image: 'evil/agent' },
      /\/image: "evil\/agent" is not among the images that the injector allows/,
    ],
    [{ config: 'a', port: '80' }, /\/port: "80" is not a port/],
    [{ config: 'a', path: 'run' }, /\/path: "run" is not the path of a folder/],
    [{ config: 'a', path: '/a/../b' }, /\/path: /],
    [{ config: 'a', path: '/run' }, /^PathClash: \S+\/path: \/run and \S+ are within one another/],
    [{ config: 'a', containers: 'web' }, /\/containers: the pod has no container "web"/],
    [{ config: 'a', 'on-error': 'explode' }, /\/on-error: "explode" is not known here/],
    [{ config: 'a', 'on-error': 'ignore', mode: 'init' }, /^NotSupported: \S+\/on-error: /],
    [{ config: 'a', proxy: 'proxy:3128' }, /\/proxy: /],
    [{ config: 'a', 'extra-secrets': 'a b' }, /\/extra-secrets: "a b" is no name/],
  ];
  for (const [annotations, expected] of cases) {
    test(JSON.stringify(annotations), () => assert.match(refusalOf(pod({ annotations })), expected));
  }

  test('a label that is none of ours is refused too', () => {
    assert.match(
      refusalOf(pod({ labels: { [`${prefix}injekt`]: 'true' } })),
      /is no label of a Pod; did you mean "inject/,
    );
  });

  test('more than the API server takes is refused before it is read', () => {
    const unknown = Array.from({ length: 75_000 }, (_, i) => [`confi${i}`, '']);
    const began = process.threadCpuUsage();
    assert.match(refusalOf(pod({ annotations: Object.fromEntries(unknown) })), /^InvalidPod: .*262144/);
    // Each looked up for what it may have meant, and told, they took minutes.
    assert.ok(process.threadCpuUsage(began).user < 2_000_000);
    const few = Object.fromEntries(unknown.slice(0, 5_000));
    assert.equal(refusalOf(pod({ annotations: few })).match(/UnknownAnnotation/g)?.length, 20);
    const names = Array.from({ length: 101 }, (_, i) => `c${i}`).join();
    for (const name of ['config', 'containers', 'audiences', 'extra-secrets'])
      assert.match(
        refusalOf(pod({ annotations: { config: 'a', [name]: names } })),
        /names too many \(name 100 at most\)/,
      );
  });

  test('a pod that would take more than its share of the webhook is refused', () => {
    const containers = Array.from({ length: 1_001 }, (_, i) => ({ name: `c${i}` }));
    assert.match(
      refusalOf(pod({ spec: { containers } })),
      /^InvalidPod: spec: has 1001 containers, and 1000 /,
    );
    const mounts = (mountPath: string, name: string) =>
      Array.from({ length: 20_000 }, (_, i) => ({ name, mountPath: `${mountPath}/${i}` }));
    const writable = pod({ container: { volumeMounts: mounts('/mnt', 'esa-secrets') } });
    assert.match(refusalOf(writable), /^InvalidPod: spec: has mounts that need 20\d\d\d changes/);
    const clashing = pod({ container: { volumeMounts: mounts('/run/secrets/external-secrets', 'data') } });
    assert.equal(refusalOf(clashing).match(/PathClash/g)?.length, 20);
  });

  test('a name is looked for among the first of many containers', () => {
    const containers = Array.from({ length: 1_000 }, (_, i) => ({ name: `c${i}` }));
    assert.match(
      refusalOf(pod({ spec: { containers }, annotations: { config: 'a', containers: 'z0' } })),
      /the pod has no container "z0"; did you mean "c0"\? \(there is c0, c1, [c0-9, ]*, c99, or write none\)/,
    );
  });

  test('everything that is wrong is told at once', () => {
    const said = refusalOf(pod({ annotations: { config: 'a', mode: 'x', order: 'y', colour: 'blue' } }));
    assert.equal(said.split('; ').filter((part) => /^(?:Unknown|Invalid)Annotation/.test(part)).length, 3);
  });

  test('no value of an annotation can crash the reader', () => {
    for (const name of annotationNames) {
      for (const text of [
        '',
        ',',
        '-1',
        '0',
        'true',
        '\u0000',
        'x'.repeat(10_000),
        '__proto__',
        '1e9',
        '..',
        '{}',
      ]) {
        patchPod(pod({ annotations: { config: 'a', [name]: text } }), settings);
      }
    }
  });
});

describe('the agent', () => {
  test('gets what the annotations and the injector say', () => {
    const annotations = {
      config: 'a, b.c',
      secrets: 'db,tls',
      'on-error': 'ignore',
      path: '/secrets',
      proxy: 'http://proxy:3128',
      'log-level': 'debug',
      'role-arn': 'arn:aws:iam::123456789012:role/app',
      port: '9999',
      'extra-secrets': 'ca',
      'extra-configmaps': 'tpl',
      audiences: 'https://vault.example',
    };
    const done = injected(pod({ annotations }), { storesAllow: ['vault', '*.amazonaws.com'] });
    const agent = agentOf(done);
    assert.deepEqual(
      new Set(agent.args),
      new Set([
        'run',
        '--output=/secrets',
        '--only=db,tls',
        '--on-error=ignore',
        '--stores-allow=vault,*.amazonaws.com',
        '--proxy=http://proxy:3128',
        '--role-arn=arn:aws:iam::123456789012:role/app',
        '--log-level=debug',
        '--listen=:9999',
        '--secrets=/etc/external-secrets-agent/secrets',
        '--config-maps=/etc/external-secrets-agent/config-maps',
      ]),
    );
    const mounts = agent.volumeMounts.map(({ mountPath }: Loose) => mountPath);
    assert.ok(mounts.includes('/etc/external-secrets/a') && mounts.includes('/etc/external-secrets/b.c'));
    assert.ok(mounts.includes('/etc/external-secrets-agent/secrets/ca'));
    const tokens = done.spec.volumes.find(({ name }: Loose) => name === 'esa-tokens').projected.sources;
    assert.deepEqual(
      tokens.map(({ serviceAccountToken }: Loose) => serviceAccountToken.path),
      ['vault', 'sts.amazonaws.com', 'https___vault.example'],
    );
    assert.equal(agent.livenessProbe.httpGet.port, 9999);
  });

  test('reads an inline spec through the downward API', () => {
    const done = injected(pod({ annotations: { spec: 'kind: x' } }));
    const volume = done.spec.volumes.find(({ name }: Loose) => name === 'esa-podinfo');
    assert.equal(volume.downwardAPI.items[0].fieldRef.fieldPath, `metadata.annotations['${prefix}spec']`);
    assert.ok(
      agentOf(done).volumeMounts.some(({ mountPath }: Loose) => mountPath === '/etc/external-secrets/pod'),
    );
  });

  test('mode init is one init container that ends', () => {
    const agent = agentOf(injected(pod({ annotations: { config: 'a', mode: 'init' } })));
    assert.deepEqual(agent.args.slice(0, 2), ['run', '--once']);
    for (const field of ['restartPolicy', 'startupProbe', 'livenessProbe', 'ports'])
      assert.equal(agent[field], undefined);
  });

  test('native off is an init container and a regular one, and warns of a Job', () => {
    const value = pod({ annotations: { config: 'a', native: 'off' }, spec: { restartPolicy: 'Never' } });
    const done = injected(value);
    assert.deepEqual(names(done.spec.initContainers), ['external-secrets-agent-init']);
    assert.deepEqual(names(done.spec.containers), ['app', 'external-secrets-agent']);
    assert.equal(agentOf(done).restartPolicy, undefined);
    assert.equal(agentOf(done).startupProbe, undefined);
    assert.match(patchOf(value).warnings.join(), /keeps a Job from completing/);
  });

  test('how often and in which form secrets come is told to the agent', () => {
    const { args } = agentOf(injected(pod({ annotations: { config: 'a', refresh: '5m', format: 'env' } })));
    assert.ok(args.includes('--refresh=5m') && args.includes('--format=env'), args.join(' '));
    const wrong = pod({ annotations: { config: 'a', refresh: 'often' } });
    assert.throws(() => patchOf(wrong), /InvalidAnnotation: \S+\/refresh: "often" .*such as 5m/);
  });

  test('no service account token is needed, and what talks to the API server has its own', () => {
    const value = pod({
      annotations: { config: 'a', sync: 'true' },
      spec: { automountServiceAccountToken: false },
    });
    const done = injected(value);
    assert.ok(agentOf(done).args.includes('--sync-secret=true'));
    assert.ok(done.spec.volumes.some(({ name }: Loose) => name === 'esa-api'));
    assert.ok(!injected(pod()).spec.volumes.some(({ name }: Loose) => name === 'esa-api'));
  });

  test('on the host network it takes no port unless told', () => {
    const host = injected(pod({ spec: { hostNetwork: true } }));
    assert.ok(agentOf(host).args.includes('--listen=off'));
    assert.equal(agentOf(host).ports, undefined);
    assert.ok(agentOf(host).livenessProbe.exec);
    const told = injected(pod({ spec: { hostNetwork: true }, annotations: { config: 'a', port: '9500' } }));
    assert.equal(agentOf(told).ports[0].containerPort, 9500);
  });

  test('its memory limit covers what the tmpfs may hold', () => {
    const limit = (annotations: Record<string, string>) =>
      agentOf(injected(pod({ annotations }))).resources.limits.memory;
    assert.equal(limit({ config: 'a' }), '80Mi');
    assert.equal(limit({ config: 'a', size: '960Mi' }), '1Gi');
    const tight = pod({ annotations: { config: 'a', resources: 'memory=32Mi,memory.limit=64Mi' } });
    assert.match(patchOf(tight).warnings.join(), /it may be killed when the tmpfs fills/);
  });

  test('quantities are written as the API server writes them', () => {
    const done = injected(
      pod({
        annotations: { config: 'a', size: '2048Ki', resources: 'cpu=0.5,memory=1024Mi,cpu.limit=1000m' },
      }),
    );
    assert.equal(done.spec.volumes[0].emptyDir.sizeLimit, '2Mi');
    assert.deepEqual(agentOf(done).resources, {
      limits: { cpu: '1', memory: '1Gi' },
      requests: { cpu: '500m', memory: '1Gi' },
    });
  });

  test('an allowed image may be chosen', () => {
    const value = pod({ annotations: { config: 'a', image: 'mirror.example/agent:2' } });
    assert.equal(
      agentOf(injected(value, { imagesAllow: ['mirror.example/'] })).image,
      'mirror.example/agent:2',
    );
  });
});

describe('who may read', () => {
  const asked = (parts: Parameters<typeof pod>[0], annotations: Record<string, string> = {}) => {
    const agent = agentOf(injected(pod({ ...parts, annotations: { config: 'a', ...annotations } })));
    const { runAsUser, runAsGroup } = agent.securityContext;
    return { runAsUser, runAsGroup, modes: agent.args.filter((flag: string) => /mode/.test(flag)) };
  };
  const tight = ['--file-mode=0440', '--dir-mode=0750'];

  test('no id anywhere: none is given, for OpenShift chooses', () => {
    assert.deepEqual(asked({}), { runAsUser: undefined, runAsGroup: undefined, modes: [] });
  });

  test('one user for all: the agent is the same, and nobody else can read', () => {
    const spec = { securityContext: { runAsUser: 1001, runAsGroup: 2002 } };
    assert.deepEqual(asked({ spec }), { runAsUser: 1001, runAsGroup: 2002, modes: tight });
    assert.deepEqual(asked({ container: { securityContext: { runAsUser: 7 } } }), {
      runAsUser: 7,
      runAsGroup: undefined,
      modes: tight,
    });
  });

  test('with an fsGroup the volume says the modes', () => {
    const spec = { securityContext: { runAsUser: 1001, fsGroup: 3000 } };
    assert.deepEqual(asked({ spec }), { runAsUser: 1001, runAsGroup: undefined, modes: [] });
  });

  test('root or mixed users: the agent is 65532', () => {
    const root = { securityContext: { runAsUser: 0 } };
    assert.deepEqual(asked({ spec: root }), { runAsUser: 65532, runAsGroup: 65532, modes: [] });
    const mixed = {
      containers: [
        { name: 'a', securityContext: { runAsUser: 1 } },
        { name: 'b', securityContext: { runAsUser: 2 } },
      ],
    };
    assert.deepEqual(asked({ spec: mixed }), { runAsUser: 65532, runAsGroup: 65532, modes: [] });
  });

  test('only those that see the files count', () => {
    const containers = [
      { name: 'a', securityContext: { runAsUser: 1 } },
      { name: 'b', securityContext: { runAsUser: 0 } },
    ];
    assert.equal(asked({ spec: { containers } }, { containers: 'a' }).runAsUser, 1);
  });

  test('an explicit user is taken', () => {
    assert.equal(asked({}, { 'run-as': '5000:6000' }).runAsGroup, 6000);
    assert.equal(asked({ spec: { securityContext: { runAsUser: 9 } } }, { 'run-as': 'same' }).runAsUser, 9);
  });

  test('a mode that a container could not read is refused', () => {
    const refused = (parts: object, mode: string) =>
      refusalOf(pod({ ...parts, annotations: { config: 'a', 'file-mode': mode } }));
    assert.match(
      refused({}, '0400'),
      /^Unreadable: \S+\/file-mode: with the mode 0400 the container app, whose user is not told,/,
    );
    assert.match(refused({}, '0400'), /is not told, could not read its secrets/);
    assert.match(
      refused(
        {
          spec: { securityContext: { runAsUser: 0 } },
          container: { securityContext: { capabilities: { drop: ['ALL'] } } },
        },
        '0440',
      ),
      /^Unreadable/,
    );
    const fine: readonly (readonly [object, string])[] = [
      [{ spec: { securityContext: { runAsUser: 5 } } }, '0400'],
      [{ spec: { securityContext: { fsGroup: 5 } } }, '0440'],
      [{ spec: { securityContext: { runAsUser: 0 } } }, '0400'],
      [{}, '0444'],
    ];
    for (const [parts, mode] of fine) assert.match(refused(parts, mode), /^not refused/);
  });
});

describe('names, paths and ports that are taken', () => {
  test('a container of our name that is not ours', () => {
    const value = pod({ spec: { initContainers: [{ name: 'external-secrets-agent', image: 'x' }] } });
    assert.match(
      refusalOf(value),
      /^NameClash: spec\.initContainers\.0: a container is named external-secrets-agent already/,
    );
  });

  test('a volume of our name that is something else; the same one will do', () => {
    const other = pod({ spec: { volumes: [{ name: 'esa-secrets', emptyDir: {} }] } });
    assert.match(refusalOf(other), /^NameClash: spec\.volumes: a volume is named esa-secrets already/);
    const same = pod({
      spec: { volumes: [{ name: 'esa-secrets', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } }] },
    });
    assert.equal(injected(same).spec.volumes.filter(({ name }: Loose) => name === 'esa-secrets').length, 1);
  });

  test('a mount where the secrets go, or below', () => {
    for (const mountPath of [
      '/run/secrets/external-secrets',
      '/run/secrets/external-secrets/',
      '/run/secrets/external-secrets/db',
    ]) {
      const value = pod({ container: { volumeMounts: [{ name: 'mine', mountPath }] } });
      assert.match(
        refusalOf(value),
        /^PathClash: spec\.containers\.0\.volumeMounts: app mounts mine at /,
        mountPath,
      );
    }
    const above = pod({ container: { volumeMounts: [{ name: 'mine', mountPath: '/run' }] } });
    assert.equal(injected(above).spec.containers[0].volumeMounts.length, 2);
  });

  test('a port', () => {
    const value = pod({ container: { ports: [{ containerPort: 9402 }] } });
    assert.match(refusalOf(value), /^PortClash: \S+\/port: the port 9402 is that of the container app/);
  });
});

describe('who sees the files', () => {
  const mounted = (value: Loose): string[] =>
    [...(value.spec.initContainers ?? []), ...value.spec.containers]
      .filter(
        ({ name, volumeMounts = [] }) =>
          !name.startsWith('external') && names(volumeMounts).includes('esa-secrets'),
      )
      .map(({ name }) => name);

  test('all containers, and the init containers after the agent, but no mesh', () => {
    const spec = {
      initContainers: [{ name: 'early' }, proxy, { name: 'late' }],
      containers: [{ name: 'app' }, { name: 'other' }],
    };
    const done = injected(pod({ spec }));
    assert.deepEqual(names(done.spec.initContainers), [
      'early',
      'istio-proxy',
      'external-secrets-agent',
      'late',
    ]);
    assert.deepEqual(mounted(done), ['late', 'app', 'other']);
    for (const container of done.spec.containers) assert.equal(container.volumeMounts.at(-1).readOnly, true);
  });

  test('those that are named, or none', () => {
    const spec = { initContainers: [{ name: 'migrate' }], containers: [{ name: 'app' }, { name: 'other' }] };
    assert.deepEqual(
      mounted(injected(pod({ spec, annotations: { config: 'a', containers: 'migrate, other' } }))),
      ['migrate', 'other'],
    );
    assert.deepEqual(mounted(injected(pod({ spec, annotations: { config: 'a', containers: 'none' } }))), []);
  });

  test('an init container that ends before the agent starts cannot be named', () => {
    const value = pod({
      spec: { initContainers: [{ name: 'migrate' }] },
      annotations: { config: 'a', order: 'last', containers: 'migrate' },
    });
    assert.match(refusalOf(value), /the init container migrate ends before the agent starts/);
  });

  test('subPath is warned of, and a writable mount made read-only', () => {
    const value = pod({
      container: { volumeMounts: [{ name: 'esa-secrets', mountPath: '/etc/db', subPath: 'db' }] },
    });
    assert.match(
      patchOf(value).warnings.join(),
      /app mounts its secrets by subPath, which never sees an update/,
    );
    assert.equal(injected(value).spec.containers[0].volumeMounts[0].readOnly, true);
  });
});

describe('order', () => {
  const orderOf = (order: string, initContainers: object[]) =>
    names(
      injected(pod({ annotations: { config: 'a', order }, spec: { initContainers } })).spec.initContainers,
    );

  test('auto is first, or after a native proxy', () => {
    assert.deepEqual(orderOf('auto', [{ name: 'a' }]), ['external-secrets-agent', 'a']);
    assert.deepEqual(orderOf('auto', [{ name: 'istio-init' }, { name: 'a' }]), [
      'external-secrets-agent',
      'istio-init',
      'a',
    ]);
    const linkerd = [
      { name: 'linkerd-init' },
      { name: 'linkerd-proxy', restartPolicy: 'Always' },
      { name: 'a' },
    ];
    assert.deepEqual(orderOf('auto', linkerd), [
      'linkerd-init',
      'linkerd-proxy',
      'external-secrets-agent',
      'a',
    ]);
  });

  test('first and last', () => {
    assert.deepEqual(orderOf('first', [proxy]), ['external-secrets-agent', 'istio-proxy']);
    assert.deepEqual(orderOf('last', [{ name: 'a' }, { name: 'b' }]), ['a', 'b', 'external-secrets-agent']);
  });

  test('with Istio the liveness probe does not need the network', () => {
    assert.ok(agentOf(injected(pod({ spec: { initContainers: [proxy] } }))).livenessProbe.exec);
    assert.ok(agentOf(injected(pod({ labels: { 'sidecar.istio.io/inject': 'true' } }))).livenessProbe.exec);
    assert.ok(
      agentOf(injected(pod({ labels: { 'sidecar.istio.io/inject': 'false', 'istio.io/rev': 'x' } })))
        .livenessProbe.httpGet,
    );
  });
});
