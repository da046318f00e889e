import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export type PeerName =
  | 'vault'
  | 'aws'
  | 'kubernetes'
  | 'node'
  | 'java'
  | 'helm'
  | 'kubectl'
  | 'gator'
  | 'opa'
  | 'prometheus'
  | 'eso';

/** Where a program is on PATH (or in KUBEBUILDER_ASSETS), or undefined. */
export function findProgram(name: string): string | undefined {
  const folders = [process.env['KUBEBUILDER_ASSETS'], ...(process.env['PATH'] ?? '').split(delimiter)];
  for (const folder of folders) {
    if (folder && existsSync(join(folder, name))) return join(folder, name);
  }
  return undefined;
}

/**
 * Whether the tests of a peer are to be skipped: the reason when its programs are missing, else false.
 * Where ESA_TEST_REQUIRE names the peer, missing is an error, so that CI cannot skip by accident.
 */
export function missing(peer: PeerName, programs: readonly string[]): string | false {
  const absent = programs.filter((program) => findProgram(program) === undefined);
  if (absent.length === 0) return false;
  const reason = `${absent.join(', ')} not on PATH`;
  if ((process.env['ESA_TEST_REQUIRE'] ?? '').split(',').includes(peer)) {
    throw new Error(`ESA_TEST_REQUIRE names ${peer}, but ${reason}`);
  }
  return reason;
}

export interface Peer {
  readonly pid: number;
  /** What it printed, both streams, up to now. */
  output(): string;
  /** Ends it and waits. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export async function startPeer(
  program: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; ready: () => Promise<boolean>; deadlineMs?: number },
): Promise<Peer> {
  const path = findProgram(program) ?? program;
  const child = spawn(path, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-200_000);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-200_000);
  });
  const peer: Peer = { pid: child.pid ?? -1, output: () => output, stop: (signal) => stop(child, signal) };
  try {
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`${program} exited with ${child.exitCode}:\n${output}`);
      return await options.ready().catch(() => false);
    }, options.deadlineMs ?? 30_000);
  } catch (error) {
    await peer.stop('SIGKILL');
    throw error;
  }
  return peer;
}

async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await gone;
  clearTimeout(timer);
}

/** Polls until `condition` holds; an error of the condition ends the wait at once. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 10_000,
  stepMs = 20,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    if (await condition()) return;
    if (performance.now() > end)
      throw new Error(`not true within ${deadlineMs} ms: ${condition.toString().slice(0, 200)}`);
    await delay(stepMs);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
