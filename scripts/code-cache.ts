/**
 * Writes beside each file of a bundle what V8 makes of it, from an agent that starts, logs in to a store that
 * does not answer, and delivers the quickstart's secrets. To be run by the Node that will run the bundle:
 * `node scripts/code-cache.ts [FOLDER]`. Only what main.cjs is started with counts, so the flags are the image's.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { dist } from './bundle.ts';
import { runtimeFlags } from './measure.ts';
import { root } from './steps.ts';

const deadlineMs = 60_000;

/** Port 9 is nobody's: the client of the store is loaded, and refused. */
const unreachable = `apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: warm}
spec: {provider: {vault: {server: "http://127.0.0.1:9", path: secret, auth: {tokenSecretRef: {name: warm, key: token}}}}}
---
apiVersion: v1
kind: Secret
metadata: {name: warm}
stringData: {token: none}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: warm}
spec:
  secretStoreRef: {name: warm}
  data: [{secretKey: a, remoteRef: {key: a, property: b}}]
`;

export async function cacheCode(folder = dist): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'code-cache-'));
  const child = await startIn(work, folder);
  const late = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
  const [code] = await once(child, 'exit');
  clearTimeout(late);
  await rm(work, { recursive: true, force: true });
  if (code !== 0) throw new Error(`the bundle ended with ${code} before its start was over`);
}

async function startIn(work: string, folder: string): Promise<ChildProcess> {
  const specs = join(work, 'specs');
  await cp(join(root, 'manifests', 'examples', 'quickstart'), specs, { recursive: true });
  await writeFile(join(specs, 'unreachable.yaml'), unreachable);
  const preload = join(root, 'scripts', 'code-cache-preload.cjs');
  const places = ['--specs', specs, '--output', join(work, 'out'), '--state', join(work, 'state')];
  const args = ['--require', preload, join(folder, 'main.cjs'), 'run', ...places, '--listen', '127.0.0.1:0'];
  return spawn(process.execPath, [...runtimeFlags, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ESA_LOG_LEVEL: 'error' },
  });
}

if (import.meta.main) await cacheCode(process.argv[2] === undefined ? dist : resolve(process.argv[2]));
