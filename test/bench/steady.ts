import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../peers/process.ts';
import { type Contender, type Running, start } from './contender.ts';
import { mib, ratio, type Table } from './record.ts';

/** What refreshing costs when the start is over. */
export interface SteadyPlan {
  readonly secrets: number;
  readonly settleMs: number;
  readonly measuredMs: number;
}

/** CPU of all contenders side by side, each refreshing its secrets every minute. The last is the peer. */
export async function measureIdleCpu(
  contenders: readonly Contender[],
  { secrets, settleMs, measuredMs }: SteadyPlan,
): Promise<Table> {
  const running: Running[] = [];
  try {
    for (const contender of contenders) running.push(await start(contender, secrets));
    await delay(settleMs);
    const before = running.map((one) => one.cpuMs());
    await delay(measuredMs);
    const perMinute = running.map((one, i) => ((one.cpuMs() - before[i]!) / measuredMs) * 60_000);
    const peer = contenders.at(-1)!.name;
    const figures = perMinute.map((cpuMs) => `${cpuMs.toFixed(1)} ms`);
    const ratios = perMinute.slice(0, -1).map((cpuMs) => ratio(cpuMs, perMinute.at(-1)!));
    return [
      [
        'measure',
        ...contenders.map(({ name }) => name),
        ...contenders.slice(0, -1).map(({ name }) => `${name} / ${peer}`),
      ],
      [`CPU a minute, ${secrets} secrets every minute`, ...figures, ...ratios],
    ];
  } finally {
    await Promise.all(running.map((one) => one.stop()));
  }
}

/** ExternalSecrets of the fake provider, each refreshed every second, until `refreshes` of them were made: CPU of
 * each quarter, and memory at its end. `syncsOf` asks the process how many it has made. */
export async function measureRefreshes(
  contender: Contender,
  plan: { readonly externalSecrets: number; readonly refreshes: number },
): Promise<Table> {
  const running = await start(contender, plan.externalSecrets);
  try {
    // Its doors open when all is delivered.
    await until(
      async () =>
        await fetch(contender.metrics ?? '').then(
          ({ ok }) => ok,
          () => false,
        ),
    );
    const lines: string[][] = [];
    let [syncs, cpuMs] = [await syncsOf(running), running.cpuMs()];
    for (let quarter = 1; quarter <= 4; quarter++) {
      const wanted = (plan.refreshes / 4) * quarter;
      let now = syncs;
      for (; now < wanted; now = await syncsOf(running)) await delay(250);
      const cpuNowMs = running.cpuMs();
      const each = (cpuNowMs - cpuMs) / (now - syncs);
      const { privateDirtyKiB, rssKiB } = running.memory();
      lines.push([now.toLocaleString('en'), `${each.toFixed(2)} ms`, mib(privateDirtyKiB), mib(rssKiB)]);
      process.stderr.write(`${now} refreshes\n`);
      [syncs, cpuMs] = [now, cpuNowMs];
    }
    return [['refreshes made', 'CPU for each since the line before', 'Private_Dirty', 'RSS'], ...lines];
  } finally {
    await running.stop();
  }
}

async function syncsOf({ metrics }: Running): Promise<number> {
  const text = await (await fetch(metrics ?? '')).text();
  const counts = [...text.matchAll(/^externalsecret_sync_calls_total\{[^}]*\} (\d+)$/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}
