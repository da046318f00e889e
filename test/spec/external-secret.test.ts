import assert from 'node:assert/strict';
import { test } from 'node:test';
import { it, lines, parseOne, secretOf, sound, withSpec } from './samples.ts';

test('every default of the CRD is applied', () => {
  const spec = it(parseOne(withSpec(sound)));
  assert.deepEqual(
    { ...spec, at: undefined, hash: undefined, data: undefined },
    {
      name: 'it',
      namespace: 'app',
      uid: undefined,
      at: undefined,
      labels: new Map(),
      annotations: new Map(),
      hash: undefined,
      refreshPolicy: 'Periodic',
      refreshIntervalMs: 3_600_000,
      syncWindows: undefined,
      target: {
        name: 'it',
        creationPolicy: 'Owner',
        deletionPolicy: 'Retain',
        immutable: false,
        template: undefined,
      },
      data: undefined,
      dataFrom: [],
      options: {
        format: 'files',
        fileMode: undefined,
        optional: new Set(),
        maxStaleness: undefined,
        refreshMs: undefined,
        adopt: undefined,
      },
    },
  );
  assert.deepEqual(spec.data, [
    {
      at: { file: 'it.yaml', line: 7, column: 10, field: 'spec.data[0]', object: 'ExternalSecret/it' },
      secretKey: 'a',
      storeId: 'SecretStore/fake',
      remoteRef: {
        key: 'k',
        property: '',
        version: '',
        metadataPolicy: 'None',
        conversionStrategy: 'Default',
        decodingStrategy: 'None',
        nullBytePolicy: 'Ignore',
      },
    },
  ]);
});

test('a null where a default exists counts as unset', () => {
  const spec = it(
    parseOne(withSpec(`${sound}  refreshInterval: null\n  target: {name: t, creationPolicy: null}\n`)),
  );
  assert.equal(spec.refreshIntervalMs, 3_600_000);
  assert.equal(spec.target.creationPolicy, 'Owner');
});

test('zero and negative intervals mean once', () => {
  for (const interval of ['0', '0s', '-5m']) {
    assert.equal(it(parseOne(withSpec(`${sound}  refreshInterval: "${interval}"\n`))).refreshIntervalMs, 0);
  }
});

test('dataFrom is read with its rewrites, in order', () => {
  const spec = it(
    parseOne(
      withSpec(`
  secretStoreRef: {name: fake}
  dataFrom:
    - extract: {key: a, property: p, version: "2", decodingStrategy: Base64}
      rewrite:
        - regexp: {source: a, target: b}
        - transform: {template: "{{ .value }}"}
        - merge: {}
    - find: {name: {regexp: ^db}, path: x, tags: {a: b}}
`),
    ),
  );
  const [extract, find] = spec.dataFrom;
  assert.equal(extract?.kind === 'extract' && extract.extract.decodingStrategy, 'Base64');
  assert.deepEqual(
    extract?.rewrite.map(({ at: _, ...op }) => op),
    [
      { kind: 'regexp', source: 'a', target: 'b' },
      { kind: 'transform', template: '{{ .value }}' },
      {
        kind: 'merge',
        into: '',
        priority: [],
        priorityPolicy: 'Strict',
        conflictPolicy: 'Error',
        strategy: 'Extract',
      },
    ],
  );
  assert.deepEqual(find?.kind === 'find' && find.find, {
    path: 'x',
    nameRegexp: '^db',
    tags: new Map([['a', 'b']]),
    conversionStrategy: 'Default',
    decodingStrategy: 'None',
    nullBytePolicy: 'Ignore',
  });
});

test('a template keeps its order, and knows where each text starts', () => {
  const spec = it(
    parseOne(
      withSpec(`${sound}  target:
    template:
      metadata: {labels: {a: b}, finalizers: [x/y]}
      data:
        z.conf: |

          one
        b: "{{ .a }}"
        plain: text
      templateFrom:
        - configMap: {name: c, items: [{key: k}]}
          target: annotations
        - literal: |-
            two
`),
    ),
  );
  const template = spec.target.template;
  assert.deepEqual([...(template?.data.keys() ?? [])], ['z.conf', 'b', 'plain']);
  const places = [...(template?.data.values() ?? [])].map(({ at }) => [at.line, at.column]);
  assert.deepEqual(places, [
    [13, 11],
    [15, 13],
    [16, 16],
  ]);
  assert.equal(template?.data.get('z.conf')?.text, '\none\n');
  assert.equal(template?.mergePolicy, 'Replace');
  const [configMap, literal] = template?.templateFrom ?? [];
  assert.deepEqual(configMap?.configMap, { name: 'c', items: [{ key: 'k', templateAs: 'Values' }] });
  assert.equal(configMap?.target, 'Annotations');
  assert.deepEqual([literal?.target, literal?.literal?.text, literal?.literal?.at.line], ['Data', 'two', 21]);
});

test('syncWindows are read in milliseconds', () => {
  const spec = it(
    parseOne(
      withSpec(`${sound}  syncWindows: {kind: deny, windows: [{schedule: "@daily", duration: 8h}]}\n`),
    ),
  );
  assert.deepEqual(spec.syncWindows, {
    kind: 'deny',
    windows: [{ schedule: '@daily', durationMs: 28_800_000 }],
  });
});

test('the annotations of one ExternalSecret become options', () => {
  const text = secretOf('it').replace(
    '  name: it',
    `  name: it
  annotations:
    agent.external-secrets.io/format: env
    agent.external-secrets.io/file-mode: "0440"
    agent.external-secrets.io/optional: password
    agent.external-secrets.io/max-staleness: 2h, unready
    agent.external-secrets.io/refresh: 30s
    other.io/x: z`,
  );
  assert.deepEqual(it(parseOne(text)).options, {
    format: 'env',
    fileMode: 0o440,
    optional: new Set(['password']),
    maxStaleness: { ms: 7_200_000, unready: true },
    refreshMs: 30_000,
    adopt: undefined,
  });
});

const annotations: readonly (readonly [string, string])[] = [
  ['formt: env', 'unknown annotation "agent.external-secrets.io/formt"; did you mean "format"?'],
  ['format: xml', 'unknown format "xml"'],
  ['format: jsn', 'unknown format "jsn"; did you mean "json"?'],
  ['file-mode: "9"', '"9" is not a file mode'],
  ['file-mode: "0044"', '"0044" is not a file mode'],
  ['optional: a/b', '"a/b" is not a secretKey'],
  ['optional: pasword', '"pasword" is no secretKey of spec.data; did you mean "password"?'],
  ['max-staleness: 0s', 'the duration "0s" must be positive'],
  ['max-staleness: 1h,ready', '"1h,ready" is not a staleness'],
  ['refresh: -1s', 'the duration "-1s" must not be negative'],
  ['refresh: 1w', 'the duration "1w" has the unknown unit "w"'],
  ['on-change: none', 'not supported by this version: the annotation agent.external-secrets.io/on-change'],
  ['validate: json', 'not supported by this version: the annotation agent.external-secrets.io/validate'],
];

for (const [annotation, message] of annotations) {
  test(`the annotation ${annotation} is refused`, () => {
    const entry = `  name: it\n  annotations:\n    agent.external-secrets.io/${annotation}`;
    const set = parseOne(secretOf('it').replace('  name: it', entry));
    assert.deepEqual(
      set.problems.map((problem) => problem.message),
      [message],
    );
  });
}

/** What stands in spec beside what is sound, and what is said of it. */
const refused: readonly (readonly [string, string])[] = [
  [
    'target: {creationPolicy: Merge, deletionPolicy: Delete}',
    'spec.target.deletionPolicy: deletionPolicy Delete does not go with creationPolicy Merge, which does not own the Secret',
  ],
  [
    'target: {creationPolicy: None, deletionPolicy: Delete}',
    'spec.target.deletionPolicy: deletionPolicy Delete does not go with creationPolicy None, which does not own the Secret',
  ],
  [
    'target: {creationPolicy: CreateOrMerge, deletionPolicy: Delete}',
    'spec.target.deletionPolicy: deletionPolicy Delete does not go with creationPolicy CreateOrMerge, which does not own the Secret',
  ],
  [
    'target: {creationPolicy: None, deletionPolicy: Merge}',
    'spec.target.deletionPolicy: deletionPolicy Merge does not go with creationPolicy None: there is no Secret to merge with',
  ],
  [
    'target: {creationPolicy: Ownr}',
    'spec.target.creationPolicy: unknown value "Ownr"; did you mean "Owner"?',
  ],
  ['target: {name: A_b}', 'spec.target.name: "A_b" is not allowed'],
  ['target: {name: ../x}', 'spec.target.name: "../x" is not allowed'],
  ['target: {immutable: "yes"}', 'spec.target.immutable: must be true or false, but is a string'],
  [
    'target: {manifest: {apiVersion: v1, kind: ConfigMap}}',
    'spec.target.manifest: not supported by this version: spec.target.manifest',
  ],
  [
    'target: {manifest: {apiVersion: v1, kind: X}, template: {templateFrom: [{target: spec.x, literal: x}]}}',
    'spec.target.manifest: not supported by this version: spec.target.manifest',
  ],
  [
    'target: {template: {engineVersion: v1}}',
    'spec.target.template.engineVersion: unknown value "v1"; did you mean "v2"?',
  ],
  [
    'target: {template: {type: bootstrap.kubernetes.io/token}}',
    'spec.target.template.type: the type bootstrap.kubernetes.io/token is not allowed',
  ],
  [
    'target: {template: {type: kubernetes.io/service-account-token, metadata: {annotations: {kubernetes.io/service-account.name: x}}}}',
    'spec.target.template.type: the type kubernetes.io/service-account-token is not allowed with the annotation kubernetes.io/service-account.name',
  ],
  [
    'target: {template: {type: kubernetes.io/service-account-token, templateFrom: [{target: ANNOTATIONS, literal: x}]}}',
    'spec.target.template.type: the type kubernetes.io/service-account-token is not allowed with a templateFrom whose target is Annotations',
  ],
  [
    'target: {template: {templateFrom: [{target: spec.x, literal: x}]}}',
    'spec.target.template.templateFrom[0].target: unknown value "spec.x"',
  ],
  ['target: {template: {data: {a/b: x}}}', 'spec.target.template.data["a/b"]: "a/b" is not allowed'],
  ['target: {template: {data: {..: x}}}', 'spec.target.template.data[".."]: ".." cannot be a key'],
  ['target: {template: {data: {a: 1}}}', 'spec.target.template.data.a: must be a string, but is a number'],
  ['dataFrom: [{}]', 'spec.dataFrom[0]: must have extract, find or sourceRef'],
  [
    'dataFrom: [{extract: {key: a}, find: {}}]',
    'spec.dataFrom[0]: must have only one of extract, find and sourceRef.generatorRef',
  ],
  ['dataFrom: [{extract: {}}]', 'spec.dataFrom[0].extract: key is required'],
  ['dataFrom: [{sourceRef: {}}]', 'spec.dataFrom[0].sourceRef: must have exactly one field, but has none'],
  [
    'dataFrom: [{sourceRef: {generatorRef: {kind: Password, name: p}}}]',
    'spec.dataFrom[0].sourceRef.generatorRef: not supported by this version: spec.dataFrom[0].sourceRef.generatorRef',
  ],
  [
    'dataFrom: [{sourceRef: {generatorRef: {kind: Pasword, name: p}}}]',
    'spec.dataFrom[0].sourceRef.generatorRef.kind: unknown value "Pasword"; did you mean "Password"?',
  ],
  [
    'dataFrom: [{extract: {key: a}, rewrite: [{regexp: {source: a, target: b}, transform: {template: c}}]}]',
    'spec.dataFrom[0].rewrite[0]: must have exactly one field, but has regexp, transform',
  ],
  [
    'dataFrom: [{extract: {key: a}, rewrite: [{merge: {strategy: JSON}}]}]',
    'spec.dataFrom[0].rewrite[0].merge: into is required with the strategy JSON',
  ],
  [
    'dataFrom: [{extract: {key: a, decodingStrategy: base64}}]',
    'spec.dataFrom[0].extract.decodingStrategy: unknown value "base64"; did you mean "Base64"?',
  ],
  ['refreshPolicy: Sometimes', 'spec.refreshPolicy: unknown value "Sometimes"'],
  ['refreshInterval: 60', 'spec.refreshInterval: must be a string, but is a number'],
  ['syncWindows: {kind: allow, windows: []}', 'spec.syncWindows.windows: must not be empty'],
  [
    'syncWindows: {kind: allow, windows: [{schedule: "0 0 * *", duration: 1h}]}',
    'spec.syncWindows.windows[0].schedule: "0 0 * *" is not a schedule',
  ],
  [
    'syncWindows: {kind: allow, windows: [{schedule: "0 0 * * 9", duration: 1h}]}',
    'spec.syncWindows.windows[0].schedule: the schedule "0 0 * * 9" has 9 for the day of week, which runs from 0 to 6',
  ],
  [
    'syncWindows: {kind: allow, windows: [{schedule: "@daily"}]}',
    'spec.syncWindows.windows[0]: duration is required',
  ],
  ['dataFrom: {}', 'spec.dataFrom: must be a list, but is an object'],
];

for (const [field, expected] of refused) {
  test(`${field} is refused`, () => {
    const set = parseOne(withSpec(`${sound}  ${field}\n`));
    assert.deepEqual(
      set.problems.map((problem) => `${problem.at.field}: ${problem.message}`),
      [expected],
    );
    assert.deepEqual(set.externalSecrets, []);
  });
}

test('neither data nor dataFrom is refused', () => {
  const set = parseOne(withSpec('  secretStoreRef: {name: fake}\n'));
  assert.deepEqual(lines(set.problems), [
    'it.yaml:5:1: ExternalSecret/it: spec: SpecInvalid: data or dataFrom must have an entry',
  ]);
});

test('no store is refused', () => {
  const set = parseOne(withSpec('  data: [{secretKey: a, remoteRef: {key: k}}]\n'));
  assert.deepEqual(lines(set.problems), [
    'it.yaml:6:10: ExternalSecret/it: spec.data[0]: SpecInvalid: no store is named: there is neither secretStoreRef nor sourceRef',
  ]);
});

test('a secretKey given twice is refused under Retain only', () => {
  const twice = `
  secretStoreRef: {name: fake}
  data: [{secretKey: a, remoteRef: {key: k}}, {secretKey: a, remoteRef: {key: k}}]
`;
  assert.deepEqual(lines(parseOne(withSpec(twice)).problems), [
    'it.yaml:7:48: ExternalSecret/it: spec.data[1].secretKey: SpecInvalid: "a" is the key of data[0] already',
  ]);
  assert.equal(it(parseOne(withSpec(`${twice}  target: {deletionPolicy: Delete}\n`))).data.length, 2);
});

test('sourceRef.storeRef overrides the default store', () => {
  const spec = it(
    parseOne(
      withSpec(`
  secretStoreRef: {name: nowhere}
  data: [{secretKey: a, remoteRef: {key: k}, sourceRef: {storeRef: {name: fake}}}]
`),
    ),
  );
  assert.equal(spec.data[0]?.storeId, 'SecretStore/fake');
});

test('a sourceRef.storeRef alone yields nothing, and a warning', () => {
  const set = parseOne(withSpec(`${sound}  dataFrom: [{sourceRef: {storeRef: {name: fake}}}]\n`));
  assert.deepEqual(it(set).dataFrom, []);
  assert.deepEqual(
    set.warnings.map((warning) => warning.message),
    ['yields nothing: it has neither extract nor find'],
  );
});

test('v1beta1 knows neither manifest, CreateOrMerge, syncWindows, merge nor nullBytePolicy', () => {
  const old = 'external-secrets.io/v1beta1';
  const spec = it(
    parseOne(withSpec(`${sound}  target: {template: {templateFrom: [{target: Labels, literal: x}]}}\n`, old)),
  );
  assert.equal(spec.target.template?.templateFrom[0]?.target, 'Labels');
  const fields = [
    'syncWindows: {kind: allow}',
    'target: {manifest: {}}',
    'target: {template: {metadata: {finalizers: []}}}',
  ];
  for (const field of fields) {
    const set = parseOne(withSpec(`${sound}  ${field}\n`, old));
    assert.deepEqual([set.problems.length, set.warnings.length], [0, 1], field);
  }
  const policy = parseOne(withSpec(`${sound}  target: {creationPolicy: CreateOrMerge}\n`, old));
  assert.equal(policy.problems.length, 1);
  const target = parseOne(
    withSpec(`${sound}  target: {template: {templateFrom: [{target: labels}]}}\n`, old),
  );
  assert.equal(target.problems.length, 1);
});

test('the hash follows spec, labels and annotations, and nothing else', () => {
  const hash = (text: string) => it(parseOne(text)).hash;
  const base = withSpec(sound);
  const metadata = (extra: string) => base.replace('  name: it', `  name: it\n  ${extra}`);
  assert.equal(hash(base), hash(`# A comment.\n${base}`));
  assert.equal(
    hash(base),
    hash(base.replace('{secretKey: a, remoteRef: {key: k}}', '{remoteRef: {key: k}, secretKey: a}')),
  );
  assert.equal(hash(base), hash(metadata('resourceVersion: "7"')));
  assert.notEqual(hash(base), hash(metadata('labels: {a: b}')));
  assert.notEqual(hash(base), hash(metadata('annotations: {force-sync: "1"}')));
  assert.notEqual(hash(base), hash(base.replace('key: k', 'key: l')));
});
