import { type Clock, withDeadline } from '../base/clock.ts';
import { AgentError, asAgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Fetched } from '../plan/fetched.ts';
import type { Plan, Read } from '../plan/plan.ts';
import type { Client } from '../providers/provider.ts';
import type { Store } from '../spec/spec.ts';
import { answered, Outage } from './outage.ts';
import type { Stores } from './stores.ts';

export type Outcome = Fetched | AgentError;

/** By read id. None rejects: a failure is a value, since one read's failure is not another's. */
export type Outcomes = ReadonlyMap<string, Promise<Outcome>>;

export interface FetchContext {
  readonly stores: Stores;
  readonly storeOf: (storeId: string) => Store;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** What has to end first: a sink looks at what it may replace before its new values are read. */
  readonly after?: Promise<void> | undefined;
  /** The breaker is open, and nothing was sent. */
  readonly refused?: (storeId: string) => void;
  /** An open breaker closed: what waits for this store may go at once. */
  readonly recovered: (storeId: string) => void;
}

type GetRead = Extract<Read, { kind: 'get' }>;

/**
 * Hop 4: every read of the plan, once. Stores go side by side; within one, `getMany` takes what it can and the
 * rest goes out a few at a time. Each read settles on its own, so a slow key holds up only who needs it.
 */
export function fetch(plan: Plan, context: FetchContext): Outcomes {
  const outcomes = new Map<string, Promise<Outcome>>();
  for (const [storeId, reads] of Map.groupBy(plan.values(), (read) => read.storeId)) {
    const settlers = new Map<string, (outcome: Outcome) => void>();
    for (const read of reads) {
      outcomes.set(read.id, new Promise<Outcome>((resolve) => settlers.set(read.id, resolve)));
    }
    const settle = (read: Read, outcome: Outcome): void => settlers.get(read.id)?.(outcome);
    void round(context.storeOf(storeId), reads, { ...context, settle });
  }
  return outcomes;
}

interface Round extends FetchContext {
  readonly settle: (read: Read, outcome: Outcome) => void;
}

/** All reads of one store, under its breaker. */
async function round(store: Store, reads: readonly Read[], context: Round): Promise<void> {
  if (context.after !== undefined) await context.after;
  const breaker = context.stores.breaker(store.id);
  if (breaker.waitMs() > 0) {
    const refusal = breaker.refusal();
    context.refused?.(store.id);
    for (const read of reads) context.settle(read, refusal);
    return;
  }
  const probe = breaker.state !== 'closed';
  breaker.begin();
  const outcomes: Outcome[] = [];
  const settle = (read: Read, outcome: Outcome): void => {
    outcomes.push(outcome);
    context.settle(read, outcome);
  };
  try {
    await context.stores.use(store, async (opened) => {
      const client = await deadline(context, (signal) => abortable(opened, signal));
      await readAll(client, reads, { ...context, settle }, probe);
    });
  } catch (thrown) {
    const error = asAgentError(thrown, 'Unavailable', { store: store.id });
    outcomes.push(error);
    for (const read of reads) context.settle(read, error);
  }
  if (context.signal.aborted) return;
  const failure = outcomes.some(answered)
    ? undefined
    : outcomes.find((outcome) => outcome instanceof AgentError);
  if (breaker.end(failure)) context.recovered(store.id);
}

async function readAll(client: Client, reads: readonly Read[], round: Round, probe: boolean): Promise<void> {
  let rest = reads;
  if (probe && reads[0] !== undefined) {
    const outcome = await readOne(client, reads[0], round);
    if (!answered(outcome)) {
      for (const read of reads) round.settle(read, outcome);
      return;
    }
    round.settle(reads[0], outcome);
    rest = reads.slice(1);
  }
  const gets = rest.filter((read): read is GetRead => read.kind === 'get');
  const together = client.getMany !== undefined && gets.length > 1;
  const single = together ? rest.filter((read) => read.kind === 'find') : rest;
  await Promise.all([together ? readMany(client, gets, round) : undefined, pooled(client, single, round)]);
}

async function readMany(client: Client, gets: readonly GetRead[], round: Round): Promise<void> {
  try {
    const getMany = client.getMany?.bind(client);
    const reads = gets.map((read) => read.get);
    const outcomes = await deadline(round, async (signal) => await getMany?.(reads, signal), limits.syncMs);
    gets.forEach((read, i) => {
      round.settle(read, outcomes?.[i] ?? new AgentError('Unavailable', 'the store left out an answer'));
    });
  } catch (thrown) {
    const error = asAgentError(thrown, 'Unavailable');
    for (const read of gets) round.settle(read, error);
  }
}

async function pooled(client: Client, reads: readonly Read[], round: Round): Promise<void> {
  const queue = [...reads];
  const outage = new Outage(round.clock);
  const worker = async (): Promise<void> => {
    for (let read = queue.shift(); read !== undefined; read = queue.shift()) {
      const outcome = outage.error ?? (await readOne(client, read, round));
      outage.note(outcome);
      round.settle(read, outcome);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limits.requestsInFlight, reads.length) }, worker));
}

async function readOne(client: Client, read: Read, round: Round): Promise<Outcome> {
  try {
    if (read.kind === 'get') return await deadline(round, (signal) => client.get(read.get, signal));
    const find = client.find?.bind(client);
    if (find === undefined) {
      return new AgentError('SpecInvalid', 'this store cannot find: its provider has no list', {
        at: { store: read.storeId },
        remedy: 'name each key in data or dataFrom.extract',
      });
    }
    return await deadline(round, (signal) => find(read.find, signal), limits.syncMs);
  } catch (thrown) {
    return asAgentError(thrown, 'Unavailable', { store: read.storeId });
  }
}

/** Providers bound each request themselves; this bounds a read whatever the provider does. */
function deadline<T>(
  round: FetchContext,
  work: (signal: AbortSignal) => Promise<T>,
  ms: number = limits.readMs,
): Promise<T> {
  const expired = (): AgentError =>
    new AgentError('Unavailable', `no answer within ${ms / 1000} s`, {
      remedy: 'is the store reachable from here?',
    });
  return withDeadline(round.clock, { ms, signal: round.signal, expired }, work);
}

/** Waits for what is shared with other rounds without being able to abort it for them. */
function abortable<T>(shared: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    shared.then(resolve, reject);
  });
}
