/**
 * The agent beside `vault agent` in real pods: the working set of each container, as the kubelet measures and evicts
 * by it. Both log in as the pod to the same Vault over TLS and read the same secrets every minute. One pod of each
 * kind runs from the start to the end and is not counted: the first on a node pays for the pages of the program's
 * file, which all others share. Figures are medians of the runs. Run as it is, it also writes its table into
 * docs/performance.md.
 *
 *   ESA_TEST_VAULT_IMAGE=… npm run bench:pods -- [--counts 1,10,100] [--runs 3] [--idle 45] [--json]
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { appPod, filesFolder, pod, restricted, sidecarPod } from '../node/pods.ts';
import { type Door, World } from '../node/world.ts';
import { clusterMissing, containerOf, isRunning, kubectl, type Namespace } from '../peers/cluster.ts';
import { until } from '../peers/process.ts';
import { nameOf, numbers, textOf } from './contenders.ts';
import { median, mib, plain, ratio, record, type Table } from './record.ts';

const kinds = ['agent', 'vault'] as const;
type Kind = (typeof kinds)[number];

interface Bench {
  readonly namespace: Namespace;
  readonly door: Door;
  readonly ca: string;
  readonly vaultImage: string;
}

interface Plan {
  readonly counts: readonly number[];
  readonly runs: number;
  readonly idleMs: number;
}

interface Row {
  readonly count: number;
  /** Medians, in bytes. */
  readonly workingSets: Readonly<Record<Kind, number>>;
}

const user = { runAsUser: 1001, runAsGroup: 1001 };

/** An app that says `all` when every file is there. */
const waiting = (folder: string, count: number): string =>
  `until [ $(ls ${folder} 2>/dev/null | wc -l) -ge ${count} ]; do sleep 0.2; done; echo all; exec sleep 86400`;

/** One ExternalSecret with an entry for each secret. */
async function agentPod(bench: Bench, count: number, suffix: string): Promise<object> {
  const name = `agent-${count}-${suffix}`;
  const documents = bench.door.specs('app').split('---\n');
  const data = numbers(count).map((i) => ({
    secretKey: nameOf(i),
    remoteRef: { key: `bench/${nameOf(i)}`, property: 'value' },
  }));
  const externalSecret = {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name: 'app' },
    spec: { refreshInterval: '1m', secretStoreRef: { name: 'vault' }, data },
  };
  await bench.namespace.configMap(name, `${documents[0]}---\n${stringify(externalSecret)}`);
  const script = waiting(`${filesFolder}/app`, count);
  return pod(name, sidecarPod({ specs: name, script, app: user, agent: user }));
}

/** One template and one file for each secret, as its own documentation shows it. */
async function vaultPod(bench: Bench, count: number, suffix: string): Promise<object> {
  const name = `vault-${count}-${suffix}`;
  const config = '/etc/vault-agent';
  const templates = numbers(count).map(
    (i) => `template {
  contents    = "{{ with secret \\"secret/data/bench/${nameOf(i)}\\" }}{{ .Data.data.value }}{{ end }}"
  destination = "${filesFolder}/app/${nameOf(i)}"
}`,
  );
  const hcl = `vault {
  address = "${bench.door.url}"
  ca_cert = "${config}/ca.pem"
}
auto_auth {
  method "kubernetes" {
    config = {
      role       = "app"
      token_path = "/tokens/vault"
    }
  }
}
template_config { static_secret_render_interval = "1m" }
${templates.join('\n')}
`;
  const data = { 'agent.hcl': hcl, 'ca.pem': bench.ca };
  await bench.namespace.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });
  const container = {
    name: 'vault',
    image: bench.vaultImage,
    restartPolicy: 'Always',
    command: ['/vault', 'agent', `-config=${config}/agent.hcl`, '-log-level=error'],
    env: [{ name: 'HOME', value: '/tmp' }],
    securityContext: { ...restricted, runAsNonRoot: true, ...user },
    volumeMounts: [
      { name: 'config', mountPath: config, readOnly: true },
      { name: 'files', mountPath: filesFolder },
      { name: 'tokens', mountPath: '/tokens', readOnly: true },
    ],
  };
  const token = { audience: 'vault', path: 'vault', expirationSeconds: 3600 };
  const { containers, ...spec } = appPod({ script: waiting(`${filesFolder}/app`, count), app: user });
  const volumeMounts = [{ name: 'files', mountPath: filesFolder, readOnly: true }];
  return pod(name, {
    ...spec,
    initContainers: [container],
    containers: containers.map((each) => ({ ...each, volumeMounts })),
    volumes: [
      { name: 'config', configMap: { name } },
      { name: 'files', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
      { name: 'tokens', projected: { sources: [{ serviceAccountToken: token }] } },
    ],
  });
}

const makers = { agent: agentPod, vault: vaultPod } satisfies Record<Kind, unknown>;

/** Starts one pod of each kind for each count; resolves when all have all their files. */
async function start(bench: Bench, counts: readonly number[], suffix: string): Promise<void> {
  for (const count of counts) {
    for (const kind of kinds) await bench.namespace.apply(await makers[kind](bench, count, suffix));
  }
  for (const count of counts) {
    for (const kind of kinds) {
      const name = `${kind}-${count}-${suffix}`;
      await bench.namespace.pod(name, (each) => isRunning(each, 'app'));
      await until(async () => (await bench.namespace.logs(name, 'app')).includes('all'), 60_000, 500);
    }
  }
}

/** By the pod's name, what the kubelet last measured of the container that the pod is about. */
async function workingSets(namespace: Namespace): Promise<Map<string, number>> {
  const nodes = JSON.parse(await namespace.kubectl(['get', 'pods', '-o', 'json'])).items;
  const names = new Set<string>(nodes.map((each: { spec: { nodeName: string } }) => each.spec.nodeName));
  const found = new Map<string, number>();
  for (const node of names) {
    const { pods } = JSON.parse(await kubectl(['get', '--raw', `/api/v1/nodes/${node}/proxy/stats/summary`]));
    for (const { podRef, containers = [] } of pods) {
      if (podRef.namespace !== namespace.name) continue;
      const own = containers.find(({ name }: { name: string }) => podRef.name.startsWith(`${name}-`));
      if (own !== undefined) found.set(podRef.name, own.memory.workingSetBytes);
    }
  }
  return found;
}

async function measure(bench: Bench, plan: Plan): Promise<readonly Row[]> {
  const samples = new Map<string, number[]>();
  await start(bench, [10], 'first');
  for (let run = 0; run < plan.runs; run++) {
    await start(bench, plan.counts, `run${run}`);
    await delay(plan.idleMs);
    const found = await workingSets(bench.namespace);
    for (const count of plan.counts) {
      for (const kind of kinds) {
        const name = `${kind}-${count}-run${run}`;
        const { restartCount } = containerOf(await bench.namespace.get('pod', name), kind);
        const bytes = found.get(name);
        if (bytes === undefined || restartCount !== 0)
          throw new Error(`${name} did not last: ${restartCount} restarts`);
        samples.set(`${kind}-${count}`, [...(samples.get(`${kind}-${count}`) ?? []), bytes]);
        await bench.namespace.kubectl(['delete', 'pod', name, '--wait=false']);
      }
    }
    process.stderr.write(`run ${run + 1} of ${plan.runs}\n`);
  }
  const medianOf = (kind: Kind, count: number): number => median(samples.get(`${kind}-${count}`) ?? []);
  return plan.counts.map((count) => ({
    count,
    workingSets: { agent: medianOf('agent', count), vault: medianOf('vault', count) },
  }));
}

function tableOf(rows: readonly Row[]): Table {
  const lines = rows.map(({ count, workingSets: { agent, vault } }) => [
    `${count}`,
    mib(agent / 1024),
    mib(vault / 1024),
    ratio(agent, vault),
  ]);
  return [['secrets', 'agent', 'vault agent', 'agent / vault agent'], ...lines];
}

const defaultCounts = '1,10,100';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      counts: { type: 'string', default: defaultCounts },
      runs: { type: 'string', default: '3' },
      idle: { type: 'string', default: '45' },
      json: { type: 'boolean', default: false },
    },
  });
  const absent = clusterMissing();
  if (absent !== false) throw new Error(`there is no cluster to measure in: ${absent}`);
  const vaultImage = process.env['ESA_TEST_VAULT_IMAGE'];
  if (!vaultImage) throw new Error('ESA_TEST_VAULT_IMAGE must name an image with the program /vault');
  const plan: Plan = {
    counts: values.counts.split(',').map(Number),
    runs: Number(values.runs),
    idleMs: Number(values.idle) * 1000,
  };
  const world = await World.start();
  try {
    for (const i of numbers(Math.max(10, ...plan.counts))) {
      await world.vault.put(`secret/bench/${nameOf(i)}`, { value: textOf(i) });
    }
    const [namespace, door] = [await world.namespace(), await world.door()];
    const rows = await measure({ namespace, door, ca: world.ca.cert, vaultImage }, plan);
    const table = tableOf(rows);
    if (!values.json && values.counts === defaultCounts) record('pods', table);
    process.stdout.write(values.json ? `${JSON.stringify(rows, null, 2)}\n` : `${plain(table)}\n`);
  } finally {
    await world.stop();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
});
