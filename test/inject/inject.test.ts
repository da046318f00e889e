import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { cli } from '../../agent/cli.ts';
import { unifiedDiff } from '../../agent/diff.ts';
import { testHost } from '../agent/host.ts';
import { names } from './pods.ts';

const folder = mkdtempSync(join(tmpdir(), 'inject-'));

function file(text: string): string {
  const path = join(folder, `${Math.abs(text.length * 31 + text.charCodeAt(text.length >> 1))}.yaml`);
  writeFileSync(path, text);
  return path;
}

async function inject(text: string, ...flags: string[]) {
  const host = testHost();
  const code = await cli(['inject', '-f', file(text), ...flags], host);
  return { code, out: host.out(), err: host.err() };
}

const template = (indent: number) =>
  `metadata:
  labels: {agent.external-secrets.io/inject: "true"} # keep me
  annotations: {agent.external-secrets.io/config: specs}
spec:
  terminationGracePeriodSeconds: 12345678901234567890
  containers:
  - name: app
    image: app:1
`.replaceAll(/^(?=.)/gm, ' '.repeat(indent));

const workloads: Readonly<Record<string, string>> = {
  Pod: `apiVersion: v1\nkind: Pod\n${template(0)}`,
  Deployment: `kind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n${template(4)}`,
  StatefulSet: `kind: StatefulSet\nspec:\n  template:\n${template(4)}`,
  DaemonSet: `kind: DaemonSet\nspec:\n  template:\n${template(4)}`,
  Job: `kind: Job\nspec:\n  template:\n${template(4)}`,
  CronJob: `kind: CronJob\nspec:\n  jobTemplate:\n    spec:\n      template:\n${template(8)}`,
  List: `kind: List\nitems:\n- kind: Deployment\n  spec:\n    template:\n${template(6)}`,
};

describe('inject', () => {
  after(() => rmSync(folder, { recursive: true }));
  for (const [kind, text] of Object.entries(workloads)) {
    test(`a ${kind}, its comments and numbers as they were; twice is once`, async () => {
      const once = await inject(text);
      assert.equal(once.code, 0, once.err);
      assert.match(once.out, /# keep me/);
      assert.match(once.out, /12345678901234567890/);
      assert.match(once.out, /- name: external-secrets-agent\n/);
      assert.equal((await inject(once.out, '--diff')).out, '');
    });
  }

  test('several documents, those of others untouched', async () => {
    const { out, err } = await inject(
      `${workloads['Deployment']}---\nkind: Service\nmetadata: {name: x}\n---\nkind: Pod\nspec: {containers: [{name: a}]}\n`,
    );
    const documents = parseAllDocuments(out).map((document) => document.toJS());
    assert.deepEqual(
      documents.map(({ kind }) => kind),
      ['Deployment', 'Service', 'Pod'],
    );
    assert.match(err, /note: \S+: Pod\/: untouched: its pods have no label/);
  });

  test('aliases are written out before anything is changed', async () => {
    const text = `x: &c [{name: app, image: a}]\n${workloads['Pod']?.replace(/containers:[\s\S]*/, 'containers: *c\n')}`;
    const { code, out } = await inject(text);
    assert.equal(code, 0);
    const [made] = parseAllDocuments(out).map((document) => document.toJS());
    assert.equal(made.x[0].volumeMounts, undefined);
    assert.equal(made.spec.containers[0].volumeMounts.length, 1);
    assert.deepEqual(names(made.spec.initContainers), ['external-secrets-agent']);
  });

  test('--diff is a unified diff', async () => {
    const { out } = await inject(workloads['Pod'] ?? '', '--diff');
    assert.match(out, /^@@ -\d+,\d+ \+\d+,\d+ @@\n/);
    assert.match(out, /^\+ +- name: esa-secrets$/m);
  });

  test('a refusal is 78, with nothing printed', async () => {
    const { code, out, err } = await inject((workloads['Pod'] ?? '').replace('/config', '/confg'));
    assert.deepEqual([code, out], [78, '']);
    assert.match(err, /^refused: \S+: Pod\/: UnknownAnnotation: agent\.external-secrets\.io\/confg: /);
  });

  test('inline specs are refused and warned of as the webhook does', async () => {
    const inline = (spec: string) =>
      (workloads['Pod'] ?? '').replace('config: specs', `spec: ${JSON.stringify(spec)}`);
    const store = (server: string) =>
      `apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: s}\nspec: {provider: {vault: {server: "${server}", path: kv, auth: {tokenSecretRef: {name: a, key: b}}}}}\n`;
    const bad = await inject(inline('kind: ExternalSekret'));
    assert.deepEqual([bad.code, bad.out], [78, '']);
    assert.match(bad.err, /^refused: \S+: Pod\/: spec:1:\d+: .*ExternalSekret/);
    const plain = await inject(inline(store('http://vault:8200')));
    assert.equal(plain.code, 0, plain.err);
    assert.match(plain.err, /^warning: \S+: Pod\/: .*vault:8200 would be reached over plain http/m);
    const strict = await inject(inline(store('http://vault:8200')), '--require-tls');
    assert.equal(strict.code, 78);
    const elsewhere = await inject(inline(store('https://evil.example')), '--stores-allow=vault.example');
    assert.match(elsewhere.err, /^refused: .*not among the hosts of --stores-allow/m);
  });

  test('no file is 64, no YAML 78 with its place', async () => {
    const host = testHost();
    assert.equal(await cli(['inject'], host), 64);
    const { code, err } = await inject('a: [');
    assert.equal(code, 78);
    assert.match(err, /:1:\d+: SpecInvalid: this is not YAML/);
  });

  test('standard input', () => {
    const main = join(import.meta.dirname, '..', '..', 'agent', 'main.ts');
    const done = spawnSync(process.execPath, [main, 'inject', '-f', '-'], {
      input: workloads['Pod'] ?? '',
      encoding: 'utf8',
    });
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, /external-secrets-agent/);
  });
});

test('a diff counts lines as patch does', () => {
  assert.deepEqual(unifiedDiff('a\nb\nc\n', 'a\nB\nc\nd\n'), [
    '@@ -1,3 +1,4 @@',
    ' a',
    '-b',
    '+B',
    ' c',
    '+d',
  ]);
  assert.deepEqual(unifiedDiff('a\n', 'a\n'), []);
});
