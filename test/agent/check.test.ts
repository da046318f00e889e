import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cli } from '../../agent/cli.ts';
import { testHost } from './host.ts';

let folder: string;
describe('the check command', () => {
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'check-'));
  });
  after(() => rm(folder, { recursive: true }));

  async function check(files: Record<string, string>, ...flags: string[]) {
    const place = await mkdtemp(join(folder, 'specs-'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(place, name), text);
    const host = testHost();
    const code = await cli(['check', place, ...flags], host);
    return { code, out: host.out().replaceAll(place, ''), err: host.err() };
  }

  const store = `apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: demo}
spec: {provider: {fake: {data: [{key: k, value: v}]}}}
`;

  const good = `apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: app
spec:
  secretStoreRef:
    name: demo
  data:
    - secretKey: a
      remoteRef:
        key: k
`;

  describe('check', () => {
    test('says ok and counts', async () => {
      assert.deepEqual(await check({ 'a.yaml': store, 'b.yaml': good }), {
        code: 0,
        out: 'ok: 2 files, 1 store, 1 ExternalSecret\n',
        err: '',
      });
    });

    test('shows the place with a caret, and the remedy', async () => {
      const { code, out } = await check({ 'a.yaml': store, 'b.yaml': good.replace('key: k', 'kee: k') });
      assert.equal(code, 78);
      assert.match(out, /^\/b\.yaml:11:9: ExternalSecret\/app: spec\.data\[0\]\.remoteRef/m);
      assert.match(out, /^ {2}11 \| {9}kee: k\n {5}\| {9}\^\n {2}→ /m);
      assert.match(out, /mistakes? in 2 files; usable: 1 store, 0 ExternalSecrets\n$/);
    });

    test('an unknown field, of which run only warns, is a mistake here', async () => {
      const { code, out } = await check({ 'a.yaml': store, 'b.yaml': `${good}  tardget: {}\n` });
      assert.equal(code, 78);
      assert.match(out, /unknown field "tardget"; did you mean "target"\?/);
    });

    test('faults are in the order of files and lines', async () => {
      const bad = good
        .replace('secretKey: a', 'secretKey: a/b')
        .replace('spec:\n', 'spec:\n  refreshInterval: x\n');
      const { out } = await check({ 'a.yaml': store, 'c.yaml': bad, 'b.yaml': 'kind: Nothing\n' });
      const places = [...out.matchAll(/^\/(\w+\.yaml):?(\d*)/gm)].map(
        ([, file, line]) => `${file} ${line!.padStart(3)}`,
      );
      assert.deepEqual(places, [...places].sort());
      assert.ok(places.length >= 3, out);
    });

    test('what a Secret document holds is not shown', async () => {
      const secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: "MARKER not base64"}\n';
      const { code, out } = await check({ 'a.yaml': store, 'b.yaml': good, 'c.yaml': secret });
      assert.equal(code, 78);
      assert.doesNotMatch(out, /MARKER/);
    });

    test('a long line is cut around the place', async () => {
      const long = `apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: x, labels: {${Array.from({ length: 30 }, (_, i) => `label-number-${i}: value`).join(', ')}}, nonsense: 1}\nspec: {secretStoreRef: {name: demo}, data: []}\n`;
      const { out } = await check({ 'a.yaml': store, 'b.yaml': long });
      assert.ok(
        out.split('\n').every((line) => !line.includes(' | ') || line.length <= 80),
        out,
      );
    });

    test('a folder that is not there, and one without specs, are mistakes', async () => {
      const host = testHost();
      assert.equal(await cli(['check', join(folder, 'nowhere')], host), 78);
      assert.match(host.out(), /nowhere: SpecInvalid: cannot be read: it is not there/);
      assert.equal((await check({})).code, 78);
    });

    test('a store that run would refuse is a mistake, unless the same flags allow it', async () => {
      const fake = '{fake: {data: [{key: k, value: v}]}}';
      const vault = (server: string) => store.replace(fake, `{vault: {server: "${server}"}}`);
      const plain = { 'a.yaml': vault('http://vault.example:8200') };
      const { code, out } = await check(plain);
      assert.equal(code, 78);
      assert.match(
        out,
        /^\/a\.yaml:4:27: SecretStore\/demo: spec\.provider\.vault\.server: SpecInvalid: vault\.example:8200 would be/m,
      );
      assert.match(out, /→ use https, or start with --insecure-stores/);
      assert.equal((await check(plain, '--insecure-stores')).code, 0);
      const secure = { 'a.yaml': vault('https://vault.example:8200') };
      assert.equal((await check(secure)).code, 0);
      assert.match(
        (await check(secure, '--stores-allow', 'other.example')).out,
        /SecretStore\/demo: spec\.provider\.vault\.server: SpecInvalid/,
      );
    });

    test('so is the endpoint of a SecretProviderClass, at its field', async () => {
      const file = (endpoint: string) => ({
        'a.yaml': `apiVersion: external-secrets.io/v1beta1
kind: SecretProviderClass
metadata: {name: aws}
spec:
  provider:
    aws:
      region: eu-west-1
      secretSmEndpoint: ${endpoint}
`,
      });
      const { code, out } = await check(file('http://aws.example'));
      assert.equal(code, 78);
      assert.match(
        out,
        /^\/a\.yaml:8:7: SecretProviderClass\/aws: spec\.provider\.aws\.secretSmEndpoint: SpecInvalid: aws/,
      );
      assert.equal((await check(file('https://aws.example'))).code, 0);
    });

    test('an expression that RE2 does not know is found before any sync meets it', async () => {
      const from = (entry: string) =>
        `${good.slice(0, good.indexOf('  data:'))}  dataFrom:\n    - ${entry}\n`;
      const find = await check({ 'a.yaml': store, 'b.yaml': from('find: {name: {regexp: "a(?=b)"}}') });
      assert.equal(find.code, 78);
      assert.match(
        find.out,
        /b\.yaml:9:7: ExternalSecret\/app: .*find\.name\.regexp "a\(\?=b\)" is not a regular/,
      );
      const rewrite = 'rewrite: [{regexp: {source: "(", target: x}}]';
      const { out } = await check({ 'a.yaml': store, 'b.yaml': from(`{extract: {key: k}, ${rewrite}}`) });
      assert.match(
        out,
        /b\.yaml:9:\d+: ExternalSecret\/app: spec\.dataFrom\[0\]\.rewrite\[0\]: .*rewrite\.regexp\.source "\(" is not a regular/,
      );
      assert.match(out, /RE2 syntax/);
    });

    test('--only names what there is', async () => {
      assert.equal((await check({ 'a.yaml': store, 'b.yaml': good }, '--only', 'app')).code, 0);
      const { code, err } = await check({ 'a.yaml': store, 'b.yaml': good }, '--only', 'ap');
      assert.equal(code, 64);
      assert.match(err, /--only names ap, which no ExternalSecret is called \(there is app\)/);
    });
  });

  describe('templates', () => {
    const withTemplate = (data: string) => `${good}  target:\n    template:\n      data:\n${data}`;

    test('an unknown function is found at its place in the file', async () => {
      const text = withTemplate('        url: |\n          first line\n          {{ .a | uper }}\n');
      const { code, out } = await check({ 'a.yaml': store, 'b.yaml': text });
      assert.equal(code, 78);
      assert.match(out, /^\/b\.yaml:17:\d+: .*TemplateFailed: /m);
      assert.match(out, /uper/);
      assert.match(out, /^ {2}17 \| {11}\{\{ \.a \| uper \}\}$/m);
      assert.match(out, /→ .*upper/);
    });

    test('a broken action in a single line too', async () => {
      const { code, out } = await check({
        'a.yaml': store,
        'b.yaml': withTemplate('        url: "{{ if }}"\n'),
      });
      assert.equal(code, 78);
      assert.match(out, /^\/b\.yaml:15:/m);
    });

    test('a ConfigMap among the specs is looked into', async () => {
      const configMap = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: t}\ndata: {k: "{{ nope }}"}\n';
      const from = `${good}  target:\n    template:\n      templateFrom:\n        - configMap: {name: t, items: [{key: k}]}\n`;
      const { code, out } = await check({ 'a.yaml': store, 'b.yaml': from, 'c.yaml': configMap });
      assert.equal(code, 78);
      assert.match(out, /^\/b\.yaml:15:11: .*TemplateFailed: template "ConfigMap\/t\.k", line 1, .*nope/m);
      assert.match(out, /^ {2}15 \| .*configMap: .*\n.*\^\n {4}\{\{ nope \}\}\n {7}\^\n/m);
    });

    test('so are Secrets, whose text is not shown, and the templates of labels and annotations', async () => {
      const secret =
        'apiVersion: v1\nkind: Secret\nmetadata: {name: t}\nstringData: {k: "MARKER {{ nope }}"}\n';
      const template = `metadata: {labels: {a: "{{ uper .a }}"}, annotations: {b: "{{ lowr .a }}"}}
      templateFrom:
        - {secret: {name: t, items: [{key: k}]}, literal: "{{ quot .a }}"}
`;
      const { code, out } = await check({
        'a.yaml': store,
        'b.yaml': `${good}  target:\n    template:\n      ${template}`,
        'c.yaml': secret,
      });
      assert.equal(code, 78);
      for (const name of ['nope', 'uper', 'lowr', 'quot'])
        assert.match(out, new RegExp(`no function "${name}"`));
      assert.doesNotMatch(out, /MARKER/);
      assert.match(out, /^\/b\.yaml:14:34: .*labels\.a: .*"uper"$/m);
      assert.match(out, /^\/b\.yaml:14:69: .*annotations\.b: .*"lowr"$/m);
    });
  });

  describe('check --render', () => {
    const url = `${good}  target:\n    template:\n      data:\n        url: "https://{{ .a }}/"\n`;
    const values = async (text: string) => {
      const file = join(await mkdtemp(join(folder, 'values-')), 'values.json');
      await writeFile(file, text);
      return file;
    };

    test('prints what the templates make of the values', async () => {
      const file = await values('{"a": "example.com"}');
      const { code, out, err } = await check(
        { 'a.yaml': store, 'b.yaml': url },
        '--render',
        '--values',
        file,
      );
      assert.deepEqual([code, err], [0, '']);
      assert.equal(out, 'app/url\n  https://example.com/\n\nok: 2 files, 1 store, 1 ExternalSecret\n');
    });

    test('labels and annotations are among it', async () => {
      const file = await values('{"a": "db", "b": "x"}');
      const metadata = `${url}      metadata: {labels: {tier: "{{ .a }}"}, annotations: {note: "{{ .b | upper }}"}}\n`;
      const files = { 'a.yaml': store, 'b.yaml': metadata };
      const { code, out } = await check(files, '--render', '--values', file);
      assert.equal(code, 0);
      assert.match(out, /\n\napp label tier\n {2}db\n\napp annotation note\n {2}X\n\n/);
    });

    test('a value that the template misses is a mistake', async () => {
      const file = await values('{}');
      const { code, out } = await check({ 'a.yaml': store, 'b.yaml': url }, '--render', '--values', file);
      assert.equal(code, 78);
      assert.match(out, /TemplateFailed/);
    });

    test('wants a JSON object', async () => {
      const file = await values('[]');
      const flags = ['--render', '--values', file];
      assert.match((await check({ 'a.yaml': store, 'b.yaml': url }, ...flags)).err, /is not a JSON object/);
      assert.equal((await check({ 'a.yaml': store, 'b.yaml': url }, '--render')).code, 64);
      assert.equal((await check({ 'a.yaml': store, 'b.yaml': url }, '--values', file)).code, 64);
    });
  });
});
