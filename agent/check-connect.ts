import { systemClock, withDeadline } from '../src/base/clock.ts';
import { AgentError, asAgentError } from '../src/base/errors.ts';
import { limits } from '../src/base/limits.ts';
import { fetch, type Outcome } from '../src/loop/fetch.ts';
import type { Stores } from '../src/loop/stores.ts';
import { openLog } from '../src/observe/log.ts';
import { plan } from '../src/plan/plan.ts';
import { inputHash, render } from '../src/plan/render.ts';
import { type ShapeContext, shape } from '../src/plan/shape.ts';
import type { Identity } from '../src/providers/provider.ts';
import type { DataEntry, DataFromEntry, ExternalSecret, SpecSet, Store } from '../src/spec/spec.ts';
import { Cluster } from './cluster.ts';
import type { Config } from './config.ts';
import type { Host } from './host.ts';
import { openWorld, type World } from './world.ts';

/** One entry of one ExternalSecret, asked of its store. */
export interface EntryCheck {
  readonly externalSecret: string;
  readonly entry: DataEntry | DataFromEntry;
  readonly outcome:
    | { readonly kind: 'resolved'; readonly keys: readonly string[] }
    /** Allowed to be missing, and missing. */
    | { readonly kind: 'left-out'; readonly reason: string }
    | { readonly kind: 'failed'; readonly error: AgentError };
}

export interface StoreCheck {
  readonly store: Store;
  /** Undefined where the provider knows none, as the fake store's. */
  readonly whoami: Identity | AgentError | undefined;
  readonly entries: readonly EntryCheck[];
}

export interface ConnectReport {
  /** By store id. */
  readonly stores: readonly StoreCheck[];
  /** Of what all resolved: templates that then failed. */
  readonly targets: readonly AgentError[];
}

interface Visit {
  readonly specs: SpecSet;
  readonly chosen: readonly ExternalSecret[];
  readonly world: World;
  readonly signal: AbortSignal;
}

/**
 * The doctor: opens every store as the agent would, asks who we are to it, and reads every key that the chosen
 * ExternalSecrets name, once. Nothing is written, and no value leaves it. Never throws for a store's sake.
 */
export async function connect(
  specs: SpecSet,
  chosen: readonly ExternalSecret[],
  { config, host }: { readonly config: Config; readonly host: Host },
): Promise<ConnectReport> {
  const log = openLog({ level: 'warn', format: 'pretty', colour: host.stderr.colour });
  const memory = new Map<string, string>();
  const cluster = new Cluster(host.env, systemClock);
  const world = await openWorld(config, host.env, {
    clock: systemClock,
    log,
    observe: () => {},
    documents: () => specs,
    cluster,
    kept: {
      get: (key) => memory.get(key),
      set: (key, value) => void (value === undefined ? memory.delete(key) : memory.set(key, value)),
    },
  });
  const signal = AbortSignal.any([host.stopping, AbortSignal.timeout(limits.doctorMs)]);
  try {
    return await visit({ specs, chosen, world, signal });
  } finally {
    await world.stores.closeAll({ revoke: true });
    await cluster.close();
  }
}

async function visit(around: Visit): Promise<ConnectReport> {
  const { specs, chosen, world, signal } = around;
  const { stores } = world;
  const reads = fetch(plan(chosen), {
    stores,
    storeOf: (id) => specs.stores.get(id)!,
    clock: systemClock,
    signal,
    recovered: () => {},
  });
  const asked = [...specs.stores.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const identities = await Promise.all(asked.map((store) => whoIs(store, stores, signal)));
  const outcomes = new Map<string, Outcome>();
  for (const [id, outcome] of reads) outcomes.set(id, await outcome);
  const entries = await Promise.all(
    chosen.flatMap((spec) => entriesOf(spec).map(checkOf(spec, outcomes, around))),
  );
  const failed = new Set(
    entries.filter(({ outcome }) => outcome.kind === 'failed').map((each) => each.externalSecret),
  );
  const whole = chosen.filter(({ name }) => !failed.has(name));
  const targets = await Promise.all(whole.map((spec) => faultOfTarget(spec, outcomes, around)));
  return {
    stores: asked.map((store, i) => ({
      store,
      whoami: identities[i],
      entries: entries.filter(({ entry }) => entry.storeId === store.id),
    })),
    targets: targets.filter((fault) => fault !== undefined),
  };
}

async function whoIs(store: Store, stores: Stores, signal: AbortSignal): Promise<StoreCheck['whoami']> {
  const expired = () =>
    new AgentError('Unavailable', `no answer within ${limits.readMs / 1000} s`, {
      remedy: 'is the store reachable from here?',
    });
  try {
    return await withDeadline(systemClock, { ms: limits.readMs, signal, expired }, async (bounded) => {
      const client = await stores.client(store);
      return await client.whoami?.(bounded);
    });
  } catch (error) {
    return asAgentError(error, 'Unavailable', { store: store.id });
  }
}

function entriesOf({ dataFrom, data }: ExternalSecret): readonly (DataEntry | DataFromEntry)[] {
  return [...dataFrom, ...data];
}

/** One entry as if it stood alone, so that each has its own answer. What is proven absent is told under every
 * deletionPolicy: the doctor is asked whether keys resolve. */
function checkOf(
  spec: ExternalSecret,
  outcomes: ReadonlyMap<string, Outcome>,
  around: Visit,
): (entry: DataEntry | DataFromEntry) => Promise<EntryCheck> {
  return async (entry) => {
    const alone: ExternalSecret = {
      ...spec,
      target: { ...spec.target, deletionPolicy: 'Retain' },
      data: 'secretKey' in entry ? [entry] : [],
      dataFrom: 'secretKey' in entry ? [] : [entry],
    };
    const base = { externalSecret: spec.name, entry };
    try {
      const { entries, missing } = await shape(alone, outcomes, contextOf(around));
      const [absent] = missing;
      if (absent !== undefined) return { ...base, outcome: { kind: 'left-out', reason: absent.reason } };
      return { ...base, outcome: { kind: 'resolved', keys: [...entries.keys()].sort() } };
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      return { ...base, outcome: { kind: 'failed', error } };
    }
  };
}

/** What goes wrong between the fetched keys and the finished target. */
async function faultOfTarget(
  spec: ExternalSecret,
  outcomes: ReadonlyMap<string, Outcome>,
  around: Visit,
): Promise<AgentError | undefined> {
  const { world, signal } = around;
  const sources = world.references;
  try {
    const { entries } = await shape(spec, outcomes, contextOf(around));
    const hash = await inputHash(spec, entries, sources, signal);
    await render(spec, entries, { sources, hash, clock: systemClock, signal });
    return undefined;
  } catch (error) {
    return asAgentError(error, 'TemplateFailed', { ...spec.at, object: `ExternalSecret/${spec.name}` });
  }
}

function contextOf({ specs, world }: Visit): ShapeContext {
  return {
    traitsOf: (storeId) => world.stores.traitsOf(specs.stores.get(storeId)!),
    clock: systemClock,
  };
}
