/**
 * The agent beside `vault agent`, in one run on one machine, on the same Vault and the same secrets: cold start to
 * the last file, memory after an idle while, and CPU of waiting; and what has no peer: requests for entries that
 * share keys, the cost of many refreshes, the bytes of the image. What to look at is the ratios.
 *
 * Run as it is, it also writes its tables into docs/performance.md; with --json or other figures it does not.
 *
 *   npm run bench -- [--counts 1,10,100] [--runs 9] [--idle 10] [--only starts,idle,…] [--entry dist/main.cjs] [--json]
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort, missing } from '../peers/process.ts';
import { startVault, type Vault } from '../peers/vault.ts';
import { type AppRole, agentOfFake, agentOfVault, stock, vaultAgent } from './contenders.ts';
import { measureImage } from './image.ts';
import { plain, record, type Table } from './record.ts';
import { countRequests } from './requests.ts';
import { measureStarts, type StartsPlan } from './starts.ts';
import { measureIdleCpu, measureRefreshes } from './steady.ts';

interface Bench {
  readonly vault: Vault;
  readonly role: AppRole;
  readonly entry: string;
  readonly starts: StartsPlan;
}

/** By the name of their place in the page. */
const tables = {
  starts: async ({ vault, role, entry, starts }) => {
    const ours = (['one', 'each'] as const).map((shape) =>
      agentOfVault({ entry, url: vault.url, role, shape }),
    );
    return await measureStarts([...ours, vaultAgent(vault, role)], starts);
  },
  idle: async ({ vault, role, entry }) => {
    const refreshInterval = '1m';
    const ours = agentOfVault({ entry, url: vault.url, role, shape: 'one', refreshInterval });
    const peer = vaultAgent(vault, role, refreshInterval);
    return await measureIdleCpu([ours, peer], { secrets: 10, settleMs: 20_000, measuredMs: 240_000 });
  },
  requests: async ({ vault, role, entry }) => await countRequests(vault, role, entry),
  refreshes: async ({ entry }) => {
    const contender = agentOfFake(entry, await freePort());
    return await measureRefreshes(contender, { externalSecrets: 100, refreshes: 10_000 });
  },
  image: async ({ entry }) => measureImage(entry),
} satisfies Record<string, (bench: Bench) => Promise<Table>>;

type Name = keyof typeof tables;
const names = Object.keys(tables) as Name[];

const defaultCounts = '1,10,100';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      counts: { type: 'string', default: defaultCounts },
      runs: { type: 'string', default: '9' },
      idle: { type: 'string', default: '10' },
      only: { type: 'string', default: names.join() },
      entry: { type: 'string', default: join(import.meta.dirname, '..', '..', 'dist', 'main.cjs') },
      json: { type: 'boolean', default: false },
    },
  });
  const entry = resolve(values.entry);
  const absent = missing('vault', ['vault']);
  if (absent !== false) throw new Error(`the peer is not here: ${absent}`);
  // Tests of the bundle leave it without its code cache, and then a start takes twice as long.
  if (!existsSync(entry) || !existsSync(join(dirname(entry), 'start.cjs.cache')))
    throw new Error(`${entry} or its code cache is not there: run npm run build first`);
  if (process.platform !== 'linux') throw new Error('memory is read from /proc, which only Linux has');

  const counts = values.counts.split(',').map(Number);
  const starts = { counts, runs: Number(values.runs), idleMs: Number(values.idle) * 1000 };
  const recorded = !values.json && values.counts === defaultCounts;
  const vault = await startVault();
  try {
    const role = await stock(vault, Math.max(10, ...counts));
    const found: Partial<Record<Name, Table>> = {};
    for (const name of values.only.split(',').map(nameOf)) {
      const table = await tables[name]({ vault, role, entry, starts });
      found[name] = table;
      if (recorded) record(name, table);
      if (!values.json) process.stdout.write(`${plain(table)}\n\n`);
    }
    if (values.json) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
  } finally {
    await vault.stop();
  }
}

function nameOf(text: string): Name {
  const name = names.find((each) => each === text);
  if (name === undefined) throw new Error(`--only ${text}: there are ${names.join(', ')}`);
  return name;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
});
