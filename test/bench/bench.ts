/**
 * The agent beside `vault agent`, in one run on one machine, on the same Vault and the same secrets: cold start to
 * the last file, and memory after an idle while. Starts alternate, so that what else the machine does meets both;
 * the figures are medians, and what to look at is the ratios.
 *
 * Run as it is, it also writes its table into docs/performance.md; with --json or other counts it does not.
 *
 *   npm run bench -- [--counts 1,10,100] [--runs 5] [--idle 10] [--entry dist/main.cjs] [--json]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { missing } from '../peers/process.ts';
import { startVault } from '../peers/vault.ts';
import { type Contender, type Memory, type Running, start } from './contender.ts';
import { agent, stock, vaultAgent } from './contenders.ts';

interface Sample extends Memory {
  readonly coldMs: number;
}

interface Row {
  readonly count: number;
  readonly measure: keyof Sample;
  /** Medians, by the contender's name. */
  readonly medians: Readonly<Record<string, number>>;
}

const measures: Readonly<
  Record<keyof Sample, { readonly title: string; readonly show: (value: number) => string }>
> = {
  coldMs: { title: 'cold start', show: (ms) => `${ms.toFixed(0)} ms` },
  privateDirtyKiB: { title: 'Private_Dirty', show: (kib) => `${(kib / 1024).toFixed(1)} MiB` },
  rssKiB: { title: 'RSS', show: (kib) => `${(kib / 1024).toFixed(1)} MiB` },
};

/** One start of every contender, one after the other, then their memory after all have idled together. */
async function round(
  contenders: readonly Contender[],
  count: number,
  idleMs: number,
): Promise<readonly Sample[]> {
  const running: Running[] = [];
  try {
    for (const contender of contenders) running.push(await start(contender, count));
    await delay(idleMs);
    return running.map(({ coldMs, memory }) => ({ coldMs, ...memory() }));
  } finally {
    await Promise.all(running.map((one) => one.stop()));
  }
}

async function measure(contenders: readonly Contender[], plan: Plan): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const count of plan.counts) {
    const samples = new Map(contenders.map(({ name }) => [name, [] as Sample[]]));
    for (let run = 0; run < plan.runs; run++) {
      // Whoever went first goes last.
      const order = contenders.map((_, i) => contenders[(i + run) % contenders.length]!);
      const taken = await round(order, count, plan.idleMs);
      for (const [i, { name }] of order.entries()) samples.get(name)?.push(taken[i]!);
      process.stderr.write(`${count} secrets, run ${run + 1} of ${plan.runs}\n`);
    }
    for (const measure of Object.keys(measures) as (keyof Sample)[]) {
      const medianOf = (name: string): number => median((samples.get(name) ?? []).map((one) => one[measure]));
      rows.push({
        count,
        measure,
        medians: Object.fromEntries(contenders.map(({ name }) => [name, medianOf(name)])),
      });
    }
  }
  return rows;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The last contender is the peer that the others are divided by. */
function table(rows: readonly Row[], names: readonly string[]): string {
  const peer = names.at(-1)!;
  const ours = names.slice(0, -1);
  const head = ['secrets', 'measure', ...names, ...ours.map((name) => `${name} / ${peer}`)];
  const lines = rows.map(({ count, measure, medians }) => {
    const { title, show } = measures[measure];
    const ratios = ours.map((name) => `${(medians[name]! / medians[peer]!).toFixed(2)} x`);
    return [`${count}`, title, ...names.map((name) => show(medians[name]!)), ...ratios];
  });
  const widths = head.map((_, column) => Math.max(...[head, ...lines].map((line) => line[column]!.length)));
  const show = (line: readonly string[]): string =>
    line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return [head, ...lines].map(show).join('\n');
}

const page = join(import.meta.dirname, '..', '..', 'docs', 'performance.md');
const part = /(<!-- bench: [^>]*-->\n)[\s\S]*?(<!-- \/bench -->)/;

/** Puts the table into the page, in the place of the last one. */
function record(rows: readonly Row[], names: readonly string[]): void {
  const lines = table(rows, names)
    .split('\n')
    .map((line) => `| ${line.trim().split(/ {2,}/).join(' | ')} |`);
  const [head = '', ...body] = lines;
  const rule = head.replace(/[^|]+/g, '---');
  const text = [head, rule, ...body].join('\n');
  writeFileSync(
    page,
    readFileSync(page, 'utf8').replace(part, (_, open, close) => `${open}\n${text}\n\n${close}`),
  );
}

interface Plan {
  readonly counts: readonly number[];
  readonly runs: number;
  readonly idleMs: number;
}

const defaultCounts = '1,10,100';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      counts: { type: 'string', default: defaultCounts },
      runs: { type: 'string', default: '5' },
      idle: { type: 'string', default: '10' },
      entry: { type: 'string', default: join(import.meta.dirname, '..', '..', 'dist', 'main.cjs') },
      json: { type: 'boolean', default: false },
    },
  });
  const entry = resolve(values.entry);
  const absent = missing('vault', ['vault']);
  if (absent !== false) throw new Error(`the peer is not here: ${absent}`);
  if (!existsSync(entry)) throw new Error(`${entry} is not there: run npm run build first`);
  if (process.platform !== 'linux') throw new Error('memory is read from /proc, which only Linux has');

  const plan: Plan = {
    counts: values.counts.split(',').map(Number),
    runs: Number(values.runs),
    idleMs: Number(values.idle) * 1000,
  };
  const vault = await startVault();
  try {
    const role = await stock(vault, Math.max(...plan.counts));
    const ours = (['one', 'each'] as const).map((shape) => agent({ vault, role, entry, shape }));
    const contenders = [...ours, vaultAgent(vault, role)];
    const rows = await measure(contenders, plan);
    const names = contenders.map(({ name }) => name);
    if (!values.json && values.counts === defaultCounts) record(rows, names);
    process.stdout.write(values.json ? `${JSON.stringify(rows, null, 2)}\n` : `${table(rows, names)}\n`);
  } finally {
    await vault.stop();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
});
