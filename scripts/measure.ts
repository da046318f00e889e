import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dist } from './bundle.ts';
import { root } from './steps.ts';

/** As the image starts Node; test/repo/bundle.test.ts holds the Dockerfile to it. */
export const runtimeFlags = ['--max-semi-space-size=1', '--v8-pool-size=1', '--disable-sigusr1'] as const;
export const runtimeEnv = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '32768',
  MALLOC_TRIM_THRESHOLD_: '65536',
  UV_THREADPOOL_SIZE: '2',
} as const;

export interface Budget {
  readonly totalBytes: number;
  readonly mainBytes: number;
  readonly probeBytes: number;
  /** Node's own modules loaded, and files of dist/ read, when `run` delivers for the first time. */
  readonly deliveryModules: number;
  readonly deliveryFiles: number;
  readonly deliveryBytes: number;
  /** The same once it also listens, watches its specs and has nothing left to do but wait. */
  readonly startModules: number;
  readonly startFiles: number;
  readonly startBytes: number;
}

const budgetFile = join(root, 'scripts', 'bundle-budget.json');

export async function readBudget(): Promise<Budget> {
  return JSON.parse(await readFile(budgetFile, 'utf8')) as Budget;
}

export async function recordBudget(): Promise<void> {
  await writeFile(budgetFile, `${JSON.stringify(await measureBudget(), null, 2)}\n`);
}

/** What a process of the bundle with the quickstart's secrets has loaded. */
export interface Loaded {
  /** Node's own modules, as `process.moduleLoadList` names them. */
  readonly builtins: readonly string[];
  /** Files of dist/. */
  readonly files: readonly string[];
}

const deadlineMs = 20_000;

/** Counts and bytes, which are the same on every machine; nothing here is a time. */
export async function measureBudget(): Promise<Budget> {
  const sizes = await sizesOf(dist);
  const { delivered, settled } = await loadedAtStart();
  const bytesOf = ({ files }: Loaded): number => sum(files.map((file) => sizes.get(file) ?? 0));
  return {
    totalBytes: sum(sizes.values()),
    mainBytes: sizes.get('main.cjs') ?? 0,
    probeBytes: sizes.get('probe.cjs') ?? 0,
    deliveryModules: delivered.builtins.length,
    deliveryFiles: delivered.files.length,
    deliveryBytes: bytesOf(delivered),
    startModules: settled.builtins.length,
    startFiles: settled.files.length,
    startBytes: bytesOf(settled),
  };
}

/** At its first delivery, and when its start is over. */
export async function loadedAtStart(): Promise<{ readonly delivered: Loaded; readonly settled: Loaded }> {
  const folder = await mkdtemp(join(tmpdir(), 'bundle-'));
  const report = join(folder, 'report.json');
  const child = startBundle(folder, report);
  try {
    await until(async () => (await stat(report)).isFile());
    return JSON.parse(await readFile(report, 'utf8'));
  } finally {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (child.kill('SIGKILL')) await gone;
    await rm(folder, { recursive: true, force: true });
  }
}

async function sizesOf(folder: string): Promise<ReadonlyMap<string, number>> {
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return new Map(names.map((name, i) => [name, sizes[i]!]));
}

function startBundle(folder: string, report: string): ChildProcess {
  const preload = join(root, 'scripts', 'measure-preload.cjs');
  const specs = join(root, 'manifests', 'examples', 'quickstart');
  const flags = ['--specs', specs, '--output', join(folder, 'out'), '--state', join(folder, 'state')];
  return spawn(
    process.execPath,
    [
      ...runtimeFlags,
      '--require',
      preload,
      join(dist, 'main.cjs'),
      'run',
      ...flags,
      '--listen',
      '127.0.0.1:0',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ESA_TEST_REPORT: report, ESA_LOG_LEVEL: 'error' } },
  );
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await condition().catch(() => false))) {
    if (performance.now() > end) throw new Error(`the bundle did not deliver within ${deadlineMs / 1000} s`);
    await delay(20);
  }
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, number) => total + number, 0);
}
