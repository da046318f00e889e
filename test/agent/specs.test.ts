import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Specs } from '../../agent/specs.ts';
import { systemClock } from '../../src/base/clock.ts';
import { describe } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { catalog } from '../../src/providers/catalog.ts';

const good = `apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: s}
spec: {provider: {fake: {data: [{key: k, value: v}]}}}
`;

test('a set that becomes whole is another set, though its documents are the same', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'esa-specs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'good.yaml'), good);
  writeFileSync(join(folder, 'empty.yaml'), '');
  const config = { specs: [folder], only: [], once: false, format: 'files', refresh: undefined } as const;
  const specs = new Specs({ config, namespace: undefined, catalog, clock: systemClock, log: silentLog });
  const before = await specs.load();
  rmSync(join(folder, 'empty.yaml'));
  const after = await specs.load();
  assert.deepEqual([before.whole, after.whole], [false, true]);
  assert.notEqual(before.specs.hash, after.specs.hash);
});

test('what --only names and nobody wrote is a problem in a sidecar; what was removed is none', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'esa-specs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'specs.yaml');
  const named = (name: string): string => `---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}}
spec: {secretStoreRef: {name: s}, data: [{secretKey: a, remoteRef: {key: k}}]}
`;
  const specsOf = (only: readonly string[]): Specs => {
    const config = { specs: [folder], only, once: false, format: 'files', refresh: undefined } as const;
    return new Specs({ config, namespace: undefined, catalog, clock: systemClock, log: silentLog });
  };
  writeFileSync(file, good + named('order') + named('two'));
  const mistaken = await specsOf(['orders', 'two']).load();
  assert.deepEqual(mistaken.specs.problems.map(describe), [
    'SpecInvalid: --only names no ExternalSecret: orders; did you mean "order"? (there are: order, two)',
  ]);
  assert.equal(mistaken.whole, false, 'the start is held');

  const specs = specsOf(['order', 'two']);
  const before = await specs.load();
  assert.equal(before.whole, true);
  writeFileSync(file, good + named('order'));
  const after = await specs.load(before.specs);
  assert.deepEqual([after.whole, after.specs.problems], [true, []]);
});

test('--format and --refresh hold for every ExternalSecret that does not say it itself', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'esa-specs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const wants = (metadata: string): string => `---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: ${metadata}
spec: {secretStoreRef: {name: s}, data: [{secretKey: a, remoteRef: {key: k}}]}
`;
  const prefix = 'agent.external-secrets.io/';
  const own = `{name: own, annotations: {${prefix}refresh: 7s, ${prefix}format: json}}`;
  writeFileSync(join(folder, 'specs.yaml'), good + wants('{name: plain}') + wants(own));
  const config = { specs: [folder], only: [], once: false, format: 'env', refresh: '90s' } as const;
  const specs = new Specs({ config, namespace: undefined, catalog, clock: systemClock, log: silentLog });
  const { externalSecrets, problems } = (await specs.load()).specs;
  assert.deepEqual(problems, []);
  assert.deepEqual(
    externalSecrets.map(({ name, options: { format, refreshMs } }) => [name, format, refreshMs]),
    [
      ['plain', 'env', 90_000],
      ['own', 'json', 7_000],
    ],
  );
});
