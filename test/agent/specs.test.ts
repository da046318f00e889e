import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Specs } from '../../agent/specs.ts';
import { systemClock } from '../../src/base/clock.ts';
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
