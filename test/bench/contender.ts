import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../peers/process.ts';

/** A program that is to deliver files. */
export interface Contender {
  readonly name: string;
  /** Where it tells its metrics; unset where that is not asked for. */
  readonly metrics?: string;
  /** Writes its configuration for one start into an empty folder. */
  prepare(work: Workspace, count: number): Start;
}

export interface Workspace {
  /** Configuration; on disk. */
  readonly config: string;
  /** Where the files are to arrive: memory, where the machine has a memory file system to offer. */
  readonly output: string;
}

export interface Start {
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** One path for each secret, and what it must hold where that is known. */
  readonly files: readonly { readonly path: string; readonly text: string | undefined }[];
}

export interface Memory {
  /** Pages that only this process has, which is what it costs a node. */
  readonly privateDirtyKiB: number;
  readonly rssKiB: number;
}

export interface Running {
  /** From the start of the process to the last file. */
  readonly coldMs: number;
  /** Of the CPU, until then. */
  readonly coldCpuMs: number;
  /** Of the CPU, until now. */
  cpuMs(): number;
  memory(): Memory;
  readonly metrics: string | undefined;
  stop(): Promise<void>;
}

const memoryFolder = '/dev/shm';
const pollMs = 2;
const deadlineMs = 60_000;

/** Starts a contender and waits until every file holds what it must. */
export async function start(contender: Contender, count: number): Promise<Running> {
  const root = mkdtempSync(join(tmpdir(), 'bench-'));
  const volume = mkdtempSync(join(existsSync(memoryFolder) ? memoryFolder : tmpdir(), 'bench-'));
  const work = { config: join(root, 'config'), output: join(volume, 'output') };
  for (const folder of Object.values(work)) mkdirSync(folder);
  const { command, env, files } = contender.prepare(work, count);

  const began = performance.now();
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: root, env });
  const output = outputOf(child);
  const stop = async (): Promise<void> => {
    await ended(child);
    for (const folder of [root, volume]) rmSync(folder, { recursive: true, force: true });
  };
  try {
    const coldMs = (await delivered(files, child)) - began;
    const pid = child.pid ?? -1;
    const cpuMs = (): number => cpuMsOf(pid);
    const { metrics } = contender;
    return { coldMs, coldCpuMs: cpuMs(), cpuMs, memory: () => memoryOf(pid), metrics, stop };
  } catch (error) {
    await stop();
    throw new Error(`${contender.name} with ${count} secrets: ${error}\n${output()}`);
  }
}

/** When the last file was there. Files that were seen are not looked at again, so that waiting costs little. */
async function delivered(files: Start['files'], child: ChildProcess): Promise<number> {
  const end = performance.now() + deadlineMs;
  for (const { path } of files) {
    while (!existsSync(path)) {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
      if (performance.now() > end) throw new Error(`${path} did not arrive in ${deadlineMs / 1000} s`);
      await delay(pollMs);
    }
  }
  const at = performance.now();
  const wrong = files.find(({ path, text }) => text !== undefined && readFileSync(path, 'utf8') !== text);
  if (wrong !== undefined) throw new Error(`${wrong.path} has another content`);
  return at;
}

/** Of all its threads, as the scheduler counts it: in nanoseconds, where `/proc/PID/stat` has ticks of 10 ms. */
function cpuMsOf(pid: number): number {
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  );
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6;
}

function memoryOf(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]);
  return { privateDirtyKiB: field('Private_Dirty'), rssKiB: field('Rss') };
}

function outputOf(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-20_000);
    });
  }
  return () => text;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await until(() => child.exitCode !== null || child.signalCode !== null, 10_000);
  clearTimeout(late);
}
