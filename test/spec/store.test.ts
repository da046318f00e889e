import assert from 'node:assert/strict';
import { test } from 'node:test';
import { regexpMatcher } from '../../src/spec/store-ref.ts';
import { it, lines, parse, secretOf } from './samples.ts';

function store(
  provider: string,
  options: { kind?: string; spec?: string; version?: string; metadata?: string } = {},
): string {
  const { kind = 'SecretStore', spec = '', version = 'v1', metadata = '' } = options;
  return `apiVersion: external-secrets.io/${version}
kind: ${kind}
metadata: {name: s${metadata}}
spec:
  provider: ${provider}
${spec}`;
}

const fake = '{fake: {data: [{key: k, value: v}]}}';
const user = secretOf('it').replace('name: fake', 'name: s');
const clusterUser = secretOf('it').replace('name: fake', 'kind: ClusterSecretStore\n    name: s');

test('a store gives its provider the structure with its defaults', () => {
  const vault = '{vault: {server: "https://v", auth: {kubernetes: {role: r}}}}';
  const set = parse(store(vault, { spec: '  retrySettings: {maxRetries: 2, retryInterval: 3s}\n' }));
  const found = set.stores.get('SecretStore/s');
  assert.deepEqual(found?.config, {
    server: 'https://v',
    version: 'v2',
    auth: { kubernetes: { mountPath: 'kubernetes', role: 'r' } },
  });
  assert.equal(found?.provider, 'vault');
  assert.equal(found?.namespace, 'app');
  assert.deepEqual(found?.retry, { maxRetries: 2, retryIntervalMs: 3_000 });
});

const refused: readonly (readonly [string, string])[] = [
  [store('{}'), 'spec.provider: must have exactly one provider, but has none'],
  [store('{fake: {data: []}, aws: {}}'), 'spec.provider: must have exactly one provider, but has fake, aws'],
  [store('{vualt: {}}'), 'spec.provider.vualt: unknown provider "vualt"; did you mean "vault"?'],
  [
    store('{alibaba: {}}', { version: 'v1beta1' }),
    'spec.provider.alibaba: not supported by this version: spec.provider.alibaba',
  ],
  [store('{fake: {}}'), 'spec.provider.fake: data is required'],
  [store('{fake: null}'), 'spec.provider.fake: must be an object, but is null'],
  [
    store('{fake: {data: [{key: 1, value: v}]}}'),
    'spec.provider.fake.data[0].key: must be a string, but is a number',
  ],
  [store('{vault: {server: "http://v"}}'), 'spec.provider.vault.server: the server must be https'],
  [
    store('{vault: {server: x, version: v3}}'),
    'spec.provider.vault.version: unknown value "v3"; did you mean "v1"?',
  ],
  [store('{vault: {server: x, caBundle: "%"}}'), 'spec.provider.vault.caBundle: is not valid base64'],
  [
    store('{vault: {server: x, caProvider: {type: Secrets, name: a}}}'),
    'spec.provider.vault.caProvider.type: unknown value "Secrets"; did you mean "Secret"?',
  ],
  [store('{aws: {service: SecretsManager}}'), 'spec.provider.aws: region is required'],
  [
    store('{aws: {service: SecretManager, region: x}}'),
    'spec.provider.aws.service: unknown value "SecretManager"; did you mean "SecretsManager"?',
  ],
  [
    store('{aws: {service: SecretsManager, region: x, customSessionTags: {esoNamespace: x}}}'),
    'spec.provider.aws.customSessionTags: must not have any of esoNamespace, esoStoreName, esoStoreKind',
  ],
  [store('{gcpsm: {location: 1}}'), 'spec.provider.gcpsm.location: must be a string, but is a number'],
  [
    store('{doppler: {auth: {}}}'),
    'spec.provider.doppler.auth: must have exactly one of secretRef, oidcConfig',
  ],
  [
    store('{ovh: {auth: {}, okmsid: a, server: b, okmsTimeout: 0}}'),
    'spec.provider.ovh.okmsTimeout: must be at least 1',
  ],
  [store('{kubernetes: {}}', { version: 'v1beta1' }), 'spec.provider.kubernetes: auth is required'],
  [
    store(fake, { spec: '  controller: other\n' }),
    'spec.controller: the store belongs to the controller "other"',
  ],
  [
    store(fake, { spec: '  refreshInterval: -1\n' }),
    'spec.refreshInterval: must be whole seconds, 0 or more, or a duration',
  ],
  [store(fake, { spec: '  refreshInterval: -1s\n' }), 'spec.refreshInterval: must not be negative'],
  [
    store(fake, { spec: '  refreshInterval: 1d\n' }),
    'spec.refreshInterval: the duration "1d" has the unknown unit "d"',
  ],
  [
    store(fake, { version: 'v1beta1', spec: '  refreshInterval: 1h\n' }),
    'spec.refreshInterval: must be an integer, but is a string',
  ],
  [
    store(fake, { spec: '  retrySettings: {retryInterval: soon}\n' }),
    'spec.retrySettings.retryInterval: the duration "soon" has no number before its unit',
  ],
  [
    store(fake, { metadata: ', namespace: other' }),
    'metadata.namespace: the namespace "other" is not the pod\'s own ("app")',
  ],
  [
    store(fake, { metadata: ', annotations: {agent.external-secrets.io/audiense: x}' }),
    'metadata.annotations["agent.external-secrets.io/audiense"]: unknown annotation "agent.external-secrets.io/audiense"; did you mean "audience"?',
  ],
  [
    store('{vault: {server: "https://v", auth: {tokenSecretRef: {name: a, key: b, namespace: other}}}}'),
    'spec.provider.vault.auth.tokenSecretRef.namespace: the namespace "other" is not the pod\'s own ("app")',
  ],
];

for (const [text, expected] of refused) {
  test(`refused: ${expected}`, () => {
    const set = parse(`${text}---\n${user}`);
    const [problem] = set.problems;
    assert.equal(`${problem?.at.field}: ${problem?.message}`, expected);
    assert.equal(problem?.at.object, 'SecretStore/s');
    assert.deepEqual(
      set.problems.slice(1).map(({ at, message }) => `${at.object}: ${message}`),
      ['ExternalSecret/it: SecretStore/s is refused; see its own problem'],
    );
  });
}

test('the controllers of ESO and of the agent are taken', () => {
  for (const controller of ['""', 'default', 'external-secrets-agent']) {
    assert.equal(parse(store(fake, { spec: `  controller: ${controller}\n` })).stores.size, 1);
  }
});

test("a Vault's own namespace is not the cluster's", () => {
  const set = parse(store('{vault: {server: "https://v", namespace: team, auth: {namespace: team}}}'));
  assert.deepEqual(lines(set.problems), []);
});

test('a ClusterSecretStore may name its own namespace in references', () => {
  const vault = '{vault: {server: "https://v", auth: {tokenSecretRef: {name: a, key: b, namespace: app}}}}';
  assert.deepEqual(lines(parse(store(vault, { kind: 'ClusterSecretStore' })).problems), []);
});

test('a provider that is not built is checked, and refused where it is used', () => {
  const set = parse(`${store('{gcpsm: {projectID: p}}')}---\n${user}`);
  assert.deepEqual(lines(set.warnings), [
    'specs.yaml:5:14: SecretStore/s: spec.provider.gcpsm: SpecInvalid: not supported by this version: spec.provider.gcpsm (leave these secrets to External Secrets Operator, or keep them in a store of fake, aws, vault)',
  ]);
  assert.deepEqual(lines(set.problems), [
    'specs.yaml:13:5: ExternalSecret/it: spec.secretStoreRef.name: SpecInvalid: not supported by this version: spec.provider.gcpsm of SecretStore/s',
  ]);
});

test('a store of the other kind is named', () => {
  const set = parse(`${store(fake)}---\n${clusterUser}`);
  assert.deepEqual(
    set.problems.map(({ message }) => message),
    ['there is no ClusterSecretStore/s; a SecretStore has that name'],
  );
});

const conditions: readonly (readonly [string, string])[] = [
  ['[]', ''],
  ['[{namespaces: [app]}]', ''],
  ['[{namespaces: [other]}, {namespaceRegexes: ["^a.p$"]}]', ''],
  ['[{namespaceSelector: {matchLabels: {a: b}}, namespaces: [app]}]', ''],
  [
    '[{namespaces: [other]}]',
    'ClusterSecretStore/s is not for the namespace app: its conditions admit others',
  ],
  [
    '[{namespaceRegexes: ["^b"]}]',
    'ClusterSecretStore/s is not for the namespace app: its conditions admit others',
  ],
  [
    '[{namespaces: [other]}, {namespaceSelector: {}}]',
    'not supported by this version: spec.conditions[1].namespaceSelector of ClusterSecretStore/s',
  ],
];

for (const [list, message] of conditions) {
  test(`conditions ${list}: ${message === '' ? 'admitted' : 'refused'}`, async () => {
    const text = `${store(fake, { kind: 'ClusterSecretStore', spec: `  conditions: ${list}\n` })}---\n${clusterUser}`;
    const set = parse(text, { matchesRegexp: await regexpMatcher([{ text }]) });
    assert.deepEqual(
      set.problems.map((problem) => problem.message),
      message === '' ? [] : [message],
    );
    if (message === '') assert.equal(it(set).data[0]?.storeId, 'ClusterSecretStore/s');
  });
}

test('an expression that RE2 does not know is refused', async () => {
  const text = store(fake, {
    kind: 'ClusterSecretStore',
    spec: '  conditions: [{namespaceRegexes: ["(?=a)"]}]\n',
  });
  const set = parse(text, { matchesRegexp: await regexpMatcher([{ text }]) });
  assert.deepEqual(lines(set.problems), [
    'specs.yaml:6:36: ClusterSecretStore/s: spec.conditions[0].namespaceRegexes[0]: SpecInvalid: "(?=a)" is not an RE2 expression',
  ]);
});

test('the hash of a store follows what it is opened with', () => {
  const hash = (text: string) => parse(text).stores.get('SecretStore/s')?.hash;
  const base = hash(store(fake));
  assert.equal(hash(store('{fake: {data: [{value: v, key: k}]}}')), base);
  assert.notEqual(hash(store('{fake: {data: [{key: k, value: w}]}}')), base);
  assert.notEqual(hash(store(fake, { spec: '  retrySettings: {maxRetries: 1}\n' })), base);
  assert.notEqual(
    hash(store(fake, { metadata: ', annotations: {agent.external-secrets.io/audience: a}' })),
    base,
  );
});

test('what is empty has its content at the wrong depth', () => {
  const [problem] = parse(store('{fake: null}')).problems;
  assert.equal(problem?.remedy, 'write its content below it, further in');
});

test('takes the role of AWS, which an error names as a remedy, as an annotation', () => {
  const annotations = '{agent.external-secrets.io/role-arn: "arn:aws:iam::1:role/a"}';
  const set = parse(store(fake, { metadata: `, annotations: ${annotations}` }));
  assert.deepEqual(set.problems, []);
  assert.equal(set.stores.size, 1);
});
