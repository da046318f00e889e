import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError, describe } from '../../src/base/errors.ts';
import { Secret, type SecretMap } from '../../src/base/secret.ts';
import { keyTemplate } from '../../src/plan/key-template.ts';
import type { Payload } from '../../src/plan/payload.ts';
import { inputHash, type Rendered, render, type TemplateSources } from '../../src/plan/render.ts';
import type { Template, TemplateFrom, TemplateText } from '../../src/spec/spec.ts';
import { ManualClock } from '../base/manual-clock.ts';

const { signal } = new AbortController();
const clock = new ManualClock();

const fetched = secrets({ user: 'admin', password: 'p: "ss"', 'db-host': 'db' });

function secrets(values: Readonly<Record<string, string | Buffer>>): SecretMap {
  return new Map(Object.entries(values).map(([key, value]) => [key, Secret.of(value)]));
}

const sources: TemplateSources = {
  wholeConfigMap: async (name) => {
    if (name === 'conf') {
      return secrets({
        'app.conf': 'user={{ .user }}\n',
        keys: 'host: {{ index . "db-host" }}\nport: 012\non: yes\n',
        broken: 'x\n  {{ .nope }}',
      });
    }
    throw new AgentError('TemplateFailed', `there is no ConfigMap ${name}`);
  },
  wholeSecret: async () => secrets({ tpl: 'C4N4RY {{ .user }}', bad: 'C4N4RY {{ .nope }}' }),
};

function text(template: string): TemplateText {
  return { text: template, at: { file: 'es.yaml', line: 20, column: 11 } };
}

function templateFrom(from: Partial<TemplateFrom>): TemplateFrom {
  return {
    at: { file: 'es.yaml', line: 30, column: 7 },
    target: 'Data',
    valuesDecodingStrategy: 'None',
    configMap: undefined,
    secret: undefined,
    literal: undefined,
    ...from,
  };
}

function spec(template: Partial<Template> | undefined): Rendered {
  const whole: Template = {
    at: { file: 'es.yaml', line: 10, column: 5 },
    type: '',
    mergePolicy: 'Replace',
    labels: new Map(),
    annotations: new Map(),
    finalizers: [],
    data: new Map(),
    templateFrom: [],
    ...template,
  };
  return {
    labels: new Map([['team', 'a']]),
    annotations: new Map(),
    target: {
      name: 'db',
      creationPolicy: 'Owner',
      deletionPolicy: 'Retain',
      immutable: false,
      template: template === undefined ? undefined : whole,
    },
  };
}

async function rendered(template: Partial<Template> | undefined, entries = fetched): Promise<Payload> {
  return await render(spec(template), entries, { sources, hash: 'h', clock, signal });
}

function plain(payload: Payload): Record<string, string> {
  return Object.fromEntries([...payload.data].map(([key, value]) => [key, value.text()]));
}

async function failure(template: Partial<Template>): Promise<AgentError> {
  try {
    await rendered(template);
  } catch (thrown) {
    assert.ok(thrown instanceof AgentError);
    return thrown;
  }
  throw new Error('It rendered.');
}

test('without a template the fetched keys are delivered as they are', async () => {
  const payload = await rendered(undefined);
  assert.equal(payload.data, fetched);
  assert.deepEqual(
    [payload.type, payload.labels, payload.annotations, payload.hash],
    ['', undefined, undefined, 'h'],
  );
});

test('a template of metadata only keeps the fetched keys', async () => {
  const payload = await rendered({
    type: 'kubernetes.io/basic-auth',
    labels: new Map([
      ['tier', text('db')],
      ['who', text('{{ .user }}')],
    ]),
    annotations: new Map([['note', text('{{ .user | upper }}')]]),
  });
  assert.deepEqual(Object.keys(plain(payload)), ['user', 'password', 'db-host']);
  assert.equal(payload.type, 'kubernetes.io/basic-auth');
  assert.deepEqual(
    [...payload.labels!],
    [
      ['tier', 'db'],
      ['who', 'admin'],
    ],
  );
  assert.deepEqual([...payload.annotations!], [['note', 'ADMIN']]);
});

test('Replace leaves the fetched keys out, Merge keeps them beneath', async () => {
  const data = new Map([['user', text('<{{ .user }}>')]]);
  assert.deepEqual(plain(await rendered({ data })), { user: '<admin>' });
  assert.deepEqual(plain(await rendered({ data, mergePolicy: 'Merge' })), {
    user: '<admin>',
    password: 'p: "ss"',
    'db-host': 'db',
  });
});

test('template.data wins over templateFrom, a later templateFrom over an earlier one', async () => {
  const payload = await rendered({
    templateFrom: [
      templateFrom({ literal: text('a: one\nb: one\nc: one') }),
      templateFrom({ literal: text('b: two\nc: two') }),
    ],
    data: new Map([['c', text('three')]]),
  });
  assert.deepEqual(plain(payload), { a: 'one', b: 'two', c: 'three' });
});

test('of one templateFrom the ConfigMap comes first, then the Secret, then the literal', async () => {
  const payload = await rendered({
    templateFrom: [
      templateFrom({
        configMap: { name: 'conf', items: [{ key: 'app.conf', templateAs: 'Values' }] },
        secret: { name: 's', items: [{ key: 'tpl', templateAs: 'Values' }] },
        literal: text('app.conf: literal'),
      }),
    ],
  });
  assert.deepEqual(plain(payload), { 'app.conf': 'literal', tpl: 'C4N4RY admin' });
});

test('keys and values are read as YAML 1.1', async () => {
  const configMap = { name: 'conf', items: [{ key: 'keys', templateAs: 'KeysAndValues' as const }] };
  const payload = await rendered({ templateFrom: [templateFrom({ configMap })] });
  assert.deepEqual(plain(payload), { host: 'db', port: '10', true: 'true' });
  const quoted = templateFrom({ literal: text('password: {{ .password | quote }}') });
  assert.deepEqual(plain(await rendered({ templateFrom: [quoted] })), { password: 'p: "ss"' });
});

test('labels and annotations come from templateFrom too, and metadata wins', async () => {
  const payload = await rendered({
    templateFrom: [
      templateFrom({ target: 'Labels', literal: text('a: {{ .user }}\nb: from') }),
      templateFrom({ target: 'Annotations', literal: text('note: 1_000') }),
    ],
    labels: new Map([['b', text('own')]]),
  });
  assert.deepEqual([...payload.labels!].sort(), [
    ['a', 'admin'],
    ['b', 'own'],
  ]);
  assert.deepEqual([...payload.annotations!], [['note', '1000']]);
  assert.equal(payload.data.size, 0);
});

test('rendered values are decoded, keys never', async () => {
  const literal = text('aGk=: {{ "hi" | b64enc }}\nb: aGk=');
  const payload = await rendered({
    templateFrom: [templateFrom({ literal, valuesDecodingStrategy: 'Base64' })],
  });
  assert.deepEqual(plain(payload), { 'aGk=': 'hi', b: 'hi' });
  const bad = await failure({
    templateFrom: [templateFrom({ literal: text('a: "%"'), valuesDecodingStrategy: 'Base64' })],
  });
  assert.equal(bad.code, 'DecodeFailed');
  assert.equal(bad.at.key, 'a');
});

test('bytes that are no text pass through a template', async () => {
  const blob = Buffer.from([0xff, 0, 0xc3, 0x28]);
  const payload = await rendered({ data: new Map([['out', text('{{ .blob }}')]]) }, secrets({ blob }));
  assert.deepEqual(payload.data.get('out')!.reveal(), blob);
});

test('a fault in template.data has its place in the file', async () => {
  const error = await failure({ data: new Map([['app.conf', text('ok\n  x={{ .pasword }}')]]) });
  assert.deepEqual(error.at, { file: 'es.yaml', line: 21, column: 18 });
  assert.match(
    describe(error),
    /^es\.yaml:21:18: TemplateFailed: template "app\.conf", line 2, column 8: `\.pasword`/,
  );
  assert.match(error.message, /the fetched keys are db-host, password, user/);
});

test('a fault in a ConfigMap names it; a Secret is not quoted', async () => {
  const configMap = { name: 'conf', items: [{ key: 'broken', templateAs: 'Values' as const }] };
  const shown = await failure({ templateFrom: [templateFrom({ configMap })] });
  assert.match(shown.message, /template "ConfigMap\/conf\.broken", line 2, column 6/);
  assert.deepEqual(shown.at, { file: 'es.yaml', line: 30, column: 7 });
  const secret = { name: 's', items: [{ key: 'bad', templateAs: 'Values' as const }] };
  const hidden = await failure({ templateFrom: [templateFrom({ secret })] });
  assert.match(hidden.message, /template "Secret\/s\.bad", line 1/);
  assert.doesNotMatch(hidden.message, /C4N4RY/);
});

test('what is no flat YAML says so, with the way out', async () => {
  for (const literal of ['a: {b: 1}', '- a', 'a: [', 'plain']) {
    const error = await failure({ templateFrom: [templateFrom({ literal: text(literal) })] });
    assert.equal(error.code, 'TemplateFailed');
    assert.match(`${error.remedy}`, /\| quote/);
  }
});

test('a missing object or key is an error', async () => {
  const gone = { name: 'gone', items: [{ key: 'a', templateAs: 'Values' as const }] };
  assert.match(
    (await failure({ templateFrom: [templateFrom({ configMap: gone })] })).message,
    /no ConfigMap gone/,
  );
  const noKey = { name: 'conf', items: [{ key: 'a', templateAs: 'Values' as const }] };
  const error = await failure({ templateFrom: [templateFrom({ configMap: noKey })] });
  assert.equal(error.message, 'the ConfigMap conf has no key "a"');
  assert.match(`${error.remedy}`, /app\.conf, broken, keys/);
});

test('the hash of inputs changes with each of them, and with nothing else', async () => {
  const hashOf = (
    template: Partial<Template> | undefined,
    entries = fetched,
    from = sources,
  ): Promise<string> => inputHash(spec(template), entries, from, signal);
  const configMap = { name: 'conf', items: [{ key: 'app.conf', templateAs: 'Values' as const }] };
  const base: Partial<Template> = {
    data: new Map([['a', text('x')]]),
    templateFrom: [templateFrom({ configMap })],
  };
  const hash = await hashOf(base);
  const moved = { ...base, at: { line: 99 }, data: new Map([['a', { text: 'x', at: { line: 7 } }]]) };
  assert.equal(await hashOf(moved), hash);
  assert.equal(await hashOf(base, new Map([...fetched].reverse())), hash);
  const edited: TemplateSources = {
    ...sources,
    wholeConfigMap: async () => secrets({ 'app.conf': 'other' }),
  };
  const others = await Promise.all([
    hashOf(undefined),
    hashOf({ ...base, data: new Map([['a', text('y')]]) }),
    hashOf({ ...base, data: new Map([['b', text('x')]]) }),
    hashOf({ ...base, mergePolicy: 'Merge' }),
    hashOf({ ...base, type: 'Opaque' }),
    hashOf({ ...base, labels: new Map([['a', text('b')]]) }),
    hashOf({ ...base, annotations: new Map([['a', text('b')]]) }),
    hashOf({ ...base, finalizers: ['x'] }),
    hashOf({ ...base, templateFrom: [templateFrom({ configMap, target: 'Labels' })] }),
    hashOf({ ...base, templateFrom: [] }),
    hashOf(base, secrets({ user: 'admin' })),
    hashOf(base, new Map([...fetched, ['user', Secret.of('other')]])),
    hashOf(base, fetched, edited),
  ]);
  assert.equal(new Set([hash, ...others]).size, others.length + 1);
});

test('rewrite.transform renders keys, an unknown one as "no value"', async () => {
  const rename = await keyTemplate('{{ .value | upper | replace "/" "_" }}', clock);
  assert.equal(rename('db/pass'), 'DB_PASS');
  assert.equal((await keyTemplate('{{ .nope }}é', clock))('a'), '<no value>é');
  await assert.rejects(keyTemplate('{{ nope }}', clock), /there is no function "nope"/);
});
