import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { findProgram, missing } from '../peers/process.ts';
import { documentsOf, type Loose } from './documents.ts';

const run = promisify(execFile);
const suite = join(import.meta.dirname, 'gatekeeper/suite.yaml');

describe('the Gatekeeper policy, by gator', { skip: missing('gator', ['gator']) }, () => {
  test('does what its suite says', async () => {
    const { stdout } = await run(findProgram('gator') ?? 'gator', ['verify', '--verbose', suite]);
    assert.match(stdout, /PASS/);
    assert.doesNotMatch(stdout, /FAIL|skipped/i);
  });
});

describe('the Gatekeeper policy, by opa', { skip: missing('opa', ['opa']) }, () => {
  const opa = findProgram('opa') ?? 'opa';
  const folder = mkdtempSync(join(tmpdir(), 'esa-opa-'));
  after(() => rmSync(folder, { recursive: true }));
  const [template] = documentsOf('kustomize/overlays/gatekeeper/template.yaml') as [Loose];
  const policy = join(folder, 'policy.rego');
  writeFileSync(policy, template.spec.targets[0].code[0].source.rego);

  const violations = async (object: Loose): Promise<readonly string[]> => {
    const input = join(folder, 'input.json');
    writeFileSync(input, JSON.stringify({ review: { object }, parameters: {} }));
    const query = 'data.externalsecretstoretls.violation';
    const flags = ['--strict-builtin-errors', '--format', 'json', '--data', policy, '--input', input];
    const { stdout } = await run(opa, ['eval', ...flags, query]);
    return JSON.parse(stdout).result[0].expressions[0].value.map(({ msg }: Loose) => msg);
  };
  const configMap = (more: object): Loose => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'specs', labels: { 'agent.external-secrets.io/specs': 'true' } },
    ...more,
  });
  const store = '{kind: SecretStore, metadata: {name: s}, spec: {provider: {vault: {server: "http://v"}}}}';

  test('passes the strict check', async () => {
    await run(opa, ['check', '--strict', policy]);
  });

  test('no way to write a store hides it', async () => {
    const ways = [
      store,
      `--- ${store}`,
      `a: 1\n...\n${store}`,
      `a: 1\r\n---\r\n${store}`,
      `a: 1\n---\t${store}`,
      `kind: List\nitems: [${store}]`,
      store.replace('"http://v"', '" hTTp://v"'),
      `---\n---\n${store}`,
    ];
    for (const text of ways) {
      const found = await violations(configMap({ data: { 'a.yaml': text } }));
      assert.deepEqual(found, ['SecretStore/s: spec.provider.vault.server is reached without TLS'], text);
    }
    const encoded = Buffer.from(store).toString('base64');
    for (const more of [{ data: { 'a.JSON': store } }, { binaryData: { 'a.yml': encoded } }])
      assert.equal((await violations(configMap(more))).length, 1);
  });

  test('what holds no specs is left alone', async () => {
    for (const more of [
      {},
      { data: {} },
      { data: { 'notes.txt': store } },
      { data: { 'a.yaml': '' } },
      { data: { 'a.yaml': '- 1\n- x' } },
    ])
      assert.deepEqual(await violations(configMap(more)), []);
  });
});
