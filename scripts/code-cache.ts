/**
 * Writes beside each file of a bundle what V8 makes of it, from agents that start, log in, read, render and deliver:
 * one that has a Vault, one that has an AWS Secrets Manager, both played by a server that always gives the same
 * answers, so that what is cached is what a good start runs. To be run by the Node that will run the bundle:
 * `node scripts/code-cache.ts [FOLDER]`. Only what main.cjs is started with counts, so the flags are the image's.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { dist } from './bundle.ts';
import { openStore, rounds } from './code-cache-store.ts';
import { runtimeFlags } from './measure.ts';
import { root } from './steps.ts';

const deadlineMs = 60_000;

export async function cacheCode(folder = dist): Promise<void> {
  const names = await readdir(folder);
  for (const name of names) if (name.endsWith('.cache')) await rm(join(folder, name));
  const store = openStore();
  store.listen(0, '127.0.0.1');
  await once(store, 'listening');
  const url = `http://127.0.0.1:${(store.address() as AddressInfo).port}`;
  try {
    // A file that two of them load is as the first has it.
    for (const [name, specsOf] of Object.entries(rounds))
      await cacheRound(folder, { name, specs: specsOf(url), url });
  } finally {
    store.close();
  }
}

interface Round {
  readonly name: string;
  readonly specs: string;
  readonly url: string;
}

async function cacheRound(folder: string, { name, specs, url }: Round): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'code-cache-'));
  try {
    const child = await startIn(work, folder, { specs, url });
    const late = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
    const [code] = await once(child, 'exit');
    clearTimeout(late);
    if (code !== 0) throw new Error(`the bundle ended with ${code} before its start was over`);
    // What a start that fails has run is not what a start runs.
    if (!existsSync(join(work, 'output', name))) throw new Error(`the bundle did not deliver from ${name}`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function startIn(
  work: string,
  folder: string,
  { specs: text, url }: { specs: string; url: string },
): Promise<ChildProcess> {
  const specs = join(work, 'specs');
  await cp(join(root, 'manifests', 'examples', 'quickstart'), specs, { recursive: true });
  await writeFile(join(specs, 'stores.yaml'), text);
  await mkdir(join(work, 'tokens'));
  await writeFile(join(work, 'tokens', 'vault'), 'token');
  const preload = join(root, 'scripts', 'code-cache-preload.cjs');
  const places = ['specs', 'output', 'state', 'tokens'].flatMap((name) => [`--${name}`, join(work, name)]);
  const args = ['--require', preload, join(folder, 'main.cjs'), 'run', ...places, '--listen', '127.0.0.1:0'];
  return spawn(process.execPath, [...runtimeFlags, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ESA_LOG_LEVEL: 'error', AWS_ENDPOINT_URL: url },
  });
}

if (import.meta.main) await cacheCode(process.argv[2] === undefined ? dist : resolve(process.argv[2]));
