import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { openHttp } from '../../src/base/http.ts';
import { Sidecar } from '../agent/sidecar.ts';
import { pod } from '../inject/pods.ts';
import { authority } from '../peers/certificates.ts';
import { findProgram, freePort, missing, type Peer, startPeer, until } from '../peers/process.ts';
import { startVault, type Vault } from '../peers/vault.ts';
import { documentsOf, type Loose, manifests } from './documents.ts';

const run = promisify(execFile);
const overlay = 'kustomize/overlays/monitoring';
const main = join(import.meta.dirname, '../../agent/main.ts');

function rulesText(): string {
  const [rule] = documentsOf(`${overlay}/prometheusrule.yaml`) as [Loose];
  return stringify(rule.spec);
}

const dashboard: Loose = JSON.parse(readFileSync(join(manifests, overlay, 'dashboard.json'), 'utf8'));

/** Of every panel, as Grafana would ask them: all namespaces, over a short while. */
const queries: readonly (readonly [string, string])[] = dashboard.panels.flatMap((panel: Loose) =>
  panel.targets.map(({ expr }: Loose) => [
    panel.title,
    expr.replaceAll('$namespace', '.*').replaceAll('$__rate_interval', '10s'),
  ]),
);

describe('alerts and recording rules', { skip: missing('prometheus', ['promtool']) }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'esa-rules-'));
  after(() => rmSync(folder, { recursive: true }));

  test('are what promtool takes, and do what their tests say', async () => {
    writeFileSync(join(folder, 'rules.yaml'), rulesText());
    copyFileSync(join(import.meta.dirname, 'monitoring/rules.yaml'), join(folder, 'tests.yaml'));
    const promtool = findProgram('promtool') ?? 'promtool';
    await run(promtool, ['check', 'rules', 'rules.yaml'], { cwd: folder });
    await run(promtool, ['test', 'rules', 'tests.yaml'], { cwd: folder });
  });

  test('every alert has a test', () => {
    const [rule] = documentsOf(`${overlay}/prometheusrule.yaml`) as [Loose];
    const alerts = rule.spec.groups.flatMap(({ rules }: Loose) =>
      rules.flatMap(({ alert }: Loose) => alert ?? []),
    );
    const tests = readFileSync(join(import.meta.dirname, 'monitoring/rules.yaml'), 'utf8');
    for (const alert of alerts) assert.ok(tests.includes(alert), alert);
  });
});

const specs = (vault: string): string => `
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {token: root}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault}
spec:
  provider:
    vault:
      server: ${vault}
      path: secret
      version: v2
      auth: {tokenSecretRef: {name: token, key: token}}
${externalSecret('db', 'app', 'password')}
${externalSecret('tls', 'app', 'certificate')}
${externalSecret('absent', 'nowhere', 'password')}
`;

function externalSecret(name: string, key: string, property: string): string {
  return `---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}}
spec:
  refreshInterval: 1s
  secretStoreRef: {name: vault}
  data: [{secretKey: value, remoteRef: {key: ${key}, property: ${property}}}]`;
}

const without = missing('prometheus', ['prometheus']) || missing('vault', ['vault']);

/** Grafana is not here: its queries are asked of a Prometheus that scrapes a running agent and a running injector. */
describe('the dashboard', { skip: without }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'esa-prometheus-'));
  const peers: Peer[] = [];
  const ca = authority('Test webhook CA');
  const insecure = openHttp({ keepAliveMs: 1 });
  const trusting = openHttp({ onlyCa: ca.cert, keepAliveMs: 1 });
  let agent: Sidecar;
  let vault: Vault;
  let url: string;
  let webhook: string;

  before(async () => {
    const served = ca.issue({ names: ['127.0.0.1'] });
    vault = await startVault();
    await vault.put('secret/app', { password: 'one', certificate: served.cert });
    agent = await Sidecar.prepare({ 'specs.yaml': specs(vault.url) }, { env: { POD_NAMESPACE: 'apps' } });
    await agent.start();
    const injector = await startInjector(served);
    await startPrometheus([agent.port, injector]);
  });
  after(async () => {
    for (const peer of peers) await peer.stop();
    await agent?.remove();
    await vault?.stop();
    await Promise.all([insecure.close(), trusting.close()]);
    rmSync(folder, { recursive: true });
  });

  const startInjector = async (pair: { cert: string; key: string }): Promise<number> => {
    const [port, metrics] = [await freePort(), await freePort()];
    const files = [join(folder, 'tls.crt'), join(folder, 'tls.key')] as const;
    writeFileSync(files[0], pair.cert);
    writeFileSync(files[1], pair.key);
    webhook = `https://127.0.0.1:${port}/mutate`;
    const flags = [`--cert-file=${files[0]}`, `--key-file=${files[1]}`, `--webhook=127.0.0.1:${port}`];
    const args = [main, 'injector', ...flags, `--listen=127.0.0.1:${metrics}`];
    const ready = async () => {
      const probe = { method: 'GET', url: `http://127.0.0.1:${metrics}/readyz` };
      return (await insecure.request(probe)).status === 200;
    };
    peers.push(await startPeer(process.execPath, args, { ready }));
    return metrics;
  };

  const startPrometheus = async (ports: readonly number[]): Promise<void> => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const static_configs = [{ targets: ports.map((each) => `127.0.0.1:${each}`), labels: { pod: 'a' } }];
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [join(folder, 'rules.yaml')],
      scrape_configs: [{ job_name: 'agents', honor_labels: true, static_configs }],
    };
    writeFileSync(join(folder, 'rules.yaml'), rulesText());
    writeFileSync(join(folder, 'prometheus.yaml'), stringify(config));
    const args = [
      `--config.file=${join(folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ];
    const ready = async () =>
      (await insecure.request({ method: 'GET', url: `${url}/-/ready` })).status === 200;
    peers.push(await startPeer('prometheus', args, { ready }));
  };

  /** What Prometheus answers; an error of the query throws. */
  const ask = async (query: string): Promise<readonly Loose[]> => {
    const at = `${url}/api/v1/query?query=${encodeURIComponent(query)}`;
    const { body } = await insecure.request({ method: 'GET', url: at });
    const answer = JSON.parse(body.toString());
    assert.equal(answer.status, 'success', `${query}: ${answer.error}`);
    return answer.data.result;
  };

  const review = async (): Promise<void> => {
    const request = {
      uid: 'u',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      operation: 'CREATE',
      namespace: 'apps',
      object: pod(),
    };
    const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
    const headers = { 'content-type': 'application/json' };
    assert.equal((await trusting.request({ method: 'POST', url: webhook, headers, body })).status, 200);
  };

  for (const [title, query] of queries) {
    test(`${title}: ${query.slice(0, 60)}`, async () => {
      let result: readonly Loose[] = [];
      await until(
        async () => {
          await review();
          result = await ask(query);
          return result.length > 0 && result.every(({ value }) => value[1] !== 'NaN');
        },
        20_000,
        250,
      );
    });
  }

  test('what it shows is true', async () => {
    const [one] = queries.filter(([title]) => title === 'Not ready').map(([, query]) => query);
    await until(async () => (await ask(one!))[0]?.value[1] === '1');
    const [ends] = queries.filter(([title]) => title.startsWith('Leases')).map(([, query]) => query);
    const [lease] = await ask(ends!);
    assert.deepEqual(lease.metric, { namespace: 'apps', name: 'tls' });
    assert.ok(Number(lease.value[1]) > 80_000);
  });

  test('the recording rules hold something too', async () => {
    const [rule] = documentsOf(`${overlay}/prometheusrule.yaml`) as [Loose];
    const records = rule.spec.groups.flatMap(({ rules }: Loose) =>
      rules.flatMap(({ record }: Loose) => record ?? []),
    );
    for (const record of records) await until(async () => (await ask(record)).length > 0, 20_000, 250);
  });
});
