import { setTimeout as delay } from 'node:timers/promises';
import { type Contender, type Memory, type Running, start } from './contender.ts';
import { median, mib, ratio, type Table } from './record.ts';

/** Starts of every contender with every count of secrets: what they take to the last file, and what they hold then. */
export interface StartsPlan {
  readonly counts: readonly number[];
  readonly runs: number;
  readonly idleMs: number;
}

interface Sample extends Memory {
  readonly coldMs: number;
  readonly cpuMs: number;
}

type Measure = keyof Sample;

const ms = (value: number): string => `${value.toFixed(0)} ms`;

const measures: Readonly<
  Record<
    Measure,
    {
      readonly title: string;
      readonly show: (value: number) => string;
      readonly of: (values: readonly number[]) => number;
      /** The ratio is the median of what it is in each round: the machine is a slower one for a minute at a time. */
      readonly paired?: true;
    }
  >
> = {
  coldMs: { title: 'cold start', show: ms, of: median, paired: true },
  cpuMs: { title: 'CPU to the last file, lowest', show: ms, of: (values) => Math.min(...values) },
  privateDirtyKiB: { title: 'Private_Dirty', show: mib, of: median },
  rssKiB: { title: 'RSS', show: mib, of: median },
};

/** The last contender is the peer that the others are divided by. */
export async function measureStarts(contenders: readonly Contender[], plan: StartsPlan): Promise<Table> {
  const names = contenders.map(({ name }) => name);
  const peer = names.at(-1)!;
  const ours = names.slice(0, -1);
  const lines: string[][] = [];
  for (const count of plan.counts) {
    const samples = await samplesOf(contenders, count, plan);
    for (const [measure, { title, show, of, paired }] of Object.entries(measures)) {
      const values = (name: string): number[] => samples.get(name)!.map((one) => one[measure as Measure]);
      const figures = names.map((name) => show(of(values(name))));
      const inRounds = (name: string): number[] => values(name).map((value, i) => value / values(peer)[i]!);
      const ratios = ours.map((name) =>
        paired ? ratio(median(inRounds(name)), 1) : ratio(of(values(name)), of(values(peer))),
      );
      lines.push([`${count}`, title, ...figures, ...ratios]);
    }
  }
  return [['secrets', 'measure', ...names, ...ours.map((name) => `${name} / ${peer}`)], ...lines];
}

async function samplesOf(
  contenders: readonly Contender[],
  count: number,
  plan: StartsPlan,
): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const samples = new Map(contenders.map(({ name }) => [name, [] as Sample[]]));
  // What the store does for the first time is nobody's cost.
  await round(contenders, count, 0);
  for (let run = 0; run < plan.runs; run++) {
    // Whoever went first goes last.
    const order = contenders.map((_, i) => contenders[(i + run) % contenders.length]!);
    const taken = await round(order, count, plan.idleMs);
    for (const [i, { name }] of order.entries()) samples.get(name)?.push(taken[i]!);
    process.stderr.write(`${count} secrets, run ${run + 1} of ${plan.runs}\n`);
  }
  return samples;
}

/** What a contender does after its last file, compiling and closing among it, is not to slow down the next one. */
const settleMs = 1_000;

/** One start of every contender, one after the other, then their memory after all have idled together. */
async function round(
  contenders: readonly Contender[],
  count: number,
  idleMs: number,
): Promise<readonly Sample[]> {
  const running: Running[] = [];
  try {
    for (const contender of contenders) {
      running.push(await start(contender, count));
      await delay(settleMs);
    }
    await delay(idleMs);
    return running.map(({ coldMs, coldCpuMs, memory }) => ({ coldMs, cpuMs: coldCpuMs, ...memory() }));
  } finally {
    await Promise.all(running.map((one) => one.stop()));
  }
}
