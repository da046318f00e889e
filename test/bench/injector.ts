/**
 * The webhook as the API server meets it: AdmissionReviews of pods over kept TLS connections, 200 a second, the server
 * bound to one core. Prints reviews, latencies from the first byte sent to the last one read, and how many a second
 * the server could answer at most.
 *
 *   npm run bench:injector [-- --json]
 *
 * The server is the bundle in dist/ (npm run build), bound by `taskset` where there is one.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runtimeFlags } from '../../scripts/measure.ts';
import { authority } from '../peers/certificates.ts';
import { freePort, until } from '../peers/process.ts';

const perSecond = 200;
const seconds = 10;
const mostSeconds = 5;
/** Connections in flight while the most is measured. */
const lanes = 8;

const main = join(import.meta.dirname, '..', '..', 'dist', 'main.cjs');
if (!existsSync(main)) throw new Error('there is no dist/main.cjs: npm run build');

/** A pod as a Deployment of a mesh makes it: what a busy cluster sends, about 6 KB. */
function reviewOf(uid: string): string {
  const container = (name: string): object => ({
    name,
    image: `registry.example/${name}:1`,
    env: Array.from({ length: 20 }, (_, i) => ({ name: `VARIABLE_${i}`, value: `the value of number ${i}` })),
    ports: [{ containerPort: 8080 }],
    volumeMounts: [{ name: 'kube-api-access', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
    securityContext: { runAsUser: 1001, capabilities: { drop: ['ALL'] } },
  });
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: 'web-',
      labels: { app: 'web', 'agent.external-secrets.io/inject': 'true' },
      annotations: { 'agent.external-secrets.io/config': 'web-secrets' },
    },
    spec: {
      containers: [container('web'), container('cache')],
      initContainers: [container('migrate')],
      volumes: [{ name: 'kube-api-access' }],
    },
  };
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid,
      kind: { group: '', version: 'v1', kind: 'Pod' },
      operation: 'CREATE',
      namespace: 'apps',
      object,
    },
  });
}

interface Target {
  readonly port: number;
  readonly ca: string;
  readonly agent: Agent;
}

/** Milliseconds of one review. */
function ask({ port, ca, agent }: Target, body: string): Promise<number> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        path: '/mutate',
        method: 'POST',
        ca,
        agent,
        headers: { 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        let text = '';
        response.on('data', (part: Buffer) => {
          text += part.toString('latin1');
        });
        response.on('end', () => {
          if (text.includes('JSONPatch')) resolve(performance.now() - start);
          else reject(new Error(`${response.statusCode}: ${text.slice(0, 300)}`));
        });
      },
    );
    asked.once('error', reject);
    asked.end(body);
  });
}

/** Sent by the clock, whether or not the one before is answered: a slow answer does not slow the rest down. */
async function paced(target: Target): Promise<number[]> {
  const start = performance.now();
  const asked: Promise<number>[] = [];
  for (let i = 0; i < perSecond * seconds; i++) {
    const wait = start + (i * 1_000) / perSecond - performance.now();
    if (wait > 0) await delay(wait);
    asked.push(ask(target, reviewOf(`paced-${i}`)));
  }
  return await Promise.all(asked);
}

async function most(target: Target): Promise<number> {
  const start = performance.now();
  let answered = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() - start < mostSeconds * 1_000) {
      await ask(target, reviewOf('most'));
      answered++;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return answered / ((performance.now() - start) / 1_000);
}

async function startInjector(folder: string, port: number, probes: number): Promise<ChildProcess> {
  const flags = [
    '--cert-file',
    join(folder, 'tls.crt'),
    '--key-file',
    join(folder, 'tls.key'),
    '--log-level',
    'warn',
  ];
  const node = [process.execPath, ...runtimeFlags, main];
  const command = [
    ...node,
    'injector',
    ...flags,
    '--webhook',
    `127.0.0.1:${port}`,
    '--listen',
    `127.0.0.1:${probes}`,
  ];
  const bound =
    spawnSync('taskset', ['--version']).status === 0 ? ['taskset', '--cpu-list', '0', ...command] : command;
  const child = spawn(bound[0]!, bound.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] });
  await until(
    async () => (await fetch(`http://127.0.0.1:${probes}/readyz`).catch(() => undefined))?.status === 200,
  );
  return child;
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

const folder = await mkdtemp(join(tmpdir(), 'bench-injector-'));
const ca = authority('Bench CA');
const { cert, key } = ca.issue({ names: ['127.0.0.1'] });
await Promise.all([writeFile(join(folder, 'tls.crt'), cert), writeFile(join(folder, 'tls.key'), key)]);
const port = await freePort();
const child = await startInjector(folder, port, await freePort());
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const target = { port, ca: ca.cert, agent };
try {
  for (let i = 0; i < 500; i++) await ask(target, reviewOf(`warm-${i}`));
  const times = (await paced(target)).sort((a, b) => a - b);
  const result = {
    reviews: times.length,
    perSecond,
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    mostMs: times.at(-1) ?? Number.NaN,
    mostPerSecond: await most(target),
  };
  if (process.argv.includes('--json')) console.log(JSON.stringify(result, null, 2));
  else {
    const { p50Ms, p99Ms, mostMs, mostPerSecond } = result;
    console.log(
      `${result.reviews} reviews at ${perSecond}/s: p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, longest ${mostMs.toFixed(2)} ms`,
    );
    console.log(`at most ${Math.round(mostPerSecond)} reviews/s over ${lanes} connections`);
  }
} finally {
  agent.destroy();
  child.kill('SIGTERM');
  await rm(folder, { recursive: true });
}
