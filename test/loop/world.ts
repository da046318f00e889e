import { AgentError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { Delivery } from '../../src/loop/delivery.ts';
import { Kept } from '../../src/loop/kept.ts';
import { Loop } from '../../src/loop/loop.ts';
import type { LoopEvent } from '../../src/loop/state.ts';
import { Stores } from '../../src/loop/stores.ts';
import type { Fetched, GetRead } from '../../src/plan/fetched.ts';
import type { Payload } from '../../src/plan/payload.ts';
import type { Client, Provider, StoreContext } from '../../src/providers/provider.ts';
import type { Adopted, Sink, Written } from '../../src/sinks/sink.ts';
import { type ExternalSecret, type Find, type SpecSet, type Store, storeId } from '../../src/spec/spec.ts';
import { ManualClock } from '../base/manual-clock.ts';

/** A store whose answers the test decides, and which notes when it was asked what. */
export class ScriptedStore {
  readonly values = new Map<string, string>();
  /** Thrown for every read while set; or only for the keys it names. */
  fault: AgentError | undefined;
  readonly faults = new Map<string, AgentError>();
  /** Keys whose reads never come back. */
  readonly hanging = new Set<string>();
  /** Keys whose reads wait for this promise, and then answer what the store held when they were asked. */
  readonly gates = new Map<string, Promise<void>>();
  /** Reads that wait for their gate now. */
  reading = 0;
  /** How many reads were under way when a client was closed. */
  readonly closedDuring: number[] = [];
  readonly calls: { readonly atMs: number; readonly keys: readonly string[] }[] = [];
  readonly #clock: ManualClock;
  readonly #batches: boolean;

  constructor(clock: ManualClock, options: { batches?: boolean } = {}) {
    this.#clock = clock;
    this.#batches = options.batches ?? false;
  }

  get provider(): Provider {
    return {
      label: 'Scripted',
      traits: { lookup: 'path', absentProperty: 'error', extract: 'raw', findConvertsFirst: false },
      parse: () => undefined,
      endpoints: () => [],
      open: async () => this.#client(),
    };
  }

  #client(): Client {
    const one = (read: GetRead): Fetched | AgentError => {
      const fault = this.fault ?? this.faults.get(read.key);
      if (fault !== undefined) return fault;
      const value = this.values.get(read.key);
      return value === undefined
        ? { kind: 'absent', reason: 'no such key' }
        : { kind: 'text', value: Secret.of(value) };
    };
    return {
      get: async (read) => {
        this.calls.push({ atMs: this.#clock.monotonic(), keys: [read.key] });
        if (this.hanging.has(read.key)) await new Promise(() => {});
        const outcome = one(read);
        this.reading++;
        await this.gates.get(read.key);
        this.reading--;
        if (outcome instanceof AgentError) throw outcome;
        return outcome;
      },
      find: async () => {
        this.calls.push({ atMs: this.#clock.monotonic(), keys: [...this.values.keys()] });
        if (this.fault !== undefined) throw this.fault;
        const entries = [...this.values].map(([key, value]) => [key, Secret.of(value)] as const);
        return { kind: 'map', entries: new Map(entries) };
      },
      close: async () => void this.closedDuring.push(this.reading),
      ...(this.#batches && {
        getMany: async (reads: readonly GetRead[]) => {
          this.calls.push({ atMs: this.#clock.monotonic(), keys: reads.map((read) => read.key) });
          return reads.map(one);
        },
      }),
    };
  }
}

/** A sink in memory, atomic by nature. */
export class MemorySink implements Sink {
  readonly name = 'memory';
  readonly held = new Map<string, { payload: Payload; adopted: Adopted }>();
  publications = 0;
  fault: AgentError | undefined;

  async publish(externalSecret: ExternalSecret, payload: Payload): Promise<Written> {
    if (this.fault !== undefined) throw this.fault;
    this.publications++;
    const generation = `g${this.publications}`;
    const keys = [...payload.data.keys()].sort();
    this.held.set(externalSecret.target.name, {
      payload,
      adopted: { generation, keys, payloadHash: payload.hash },
    });
    return { changed: true, generation, changedKeys: keys };
  }

  async adopt(externalSecret: ExternalSecret): Promise<Adopted | undefined> {
    return this.held.get(externalSecret.target.name)?.adopted;
  }

  async remove(targetName: string): Promise<void> {
    this.held.delete(targetName);
  }

  async sweep(liveTargets: ReadonlySet<string>): Promise<readonly string[]> {
    const swept = [...this.held.keys()].filter((name) => !liveTargets.has(name));
    for (const name of swept) this.held.delete(name);
    return swept;
  }

  /** The values of a target as text; undefined when it is not there. */
  read(targetName: string): Record<string, string> | undefined {
    const held = this.held.get(targetName);
    return held && Object.fromEntries([...held.payload.data].map(([key, value]) => [key, value.text()]));
  }
}

export interface SpecOptions {
  readonly keys?: readonly string[];
  /** Whatever the store has, in place of `keys`. */
  readonly find?: true;
  readonly refreshIntervalMs?: number;
  readonly refreshPolicy?: ExternalSecret['refreshPolicy'];
  readonly deletionPolicy?: ExternalSecret['target']['deletionPolicy'];
  readonly optional?: true;
  readonly storeName?: string;
  readonly syncWindows?: ExternalSecret['syncWindows'];
  readonly targetName?: string;
  readonly target?: Partial<ExternalSecret['target']>;
  readonly uid?: string;
  readonly options?: Partial<ExternalSecret['options']>;
  /** Part of the hash: another revision is another spec. */
  readonly revision?: number;
}

/** `data` entries whose secretKey is the remote key. */
export function externalSecret(name: string, options: SpecOptions = {}): ExternalSecret {
  const store = storeId('SecretStore', options.storeName ?? 'store');
  return {
    name,
    namespace: 'apps',
    uid: options.uid,
    at: {},
    labels: new Map(),
    annotations: new Map(),
    hash: JSON.stringify([name, options]),
    refreshPolicy: options.refreshPolicy ?? 'Periodic',
    refreshIntervalMs: options.refreshIntervalMs ?? 3_600_000,
    syncWindows: options.syncWindows,
    target: {
      name: options.targetName ?? name,
      creationPolicy: 'Owner',
      deletionPolicy: options.deletionPolicy ?? 'Retain',
      immutable: false,
      template: undefined,
      ...options.target,
    },
    data: (options.keys ?? (options.find ? [] : ['key'])).map((key) => ({
      at: {},
      secretKey: key,
      remoteRef: {
        key,
        property: '',
        version: '',
        metadataPolicy: 'None',
        conversionStrategy: 'Default',
        decodingStrategy: 'None',
        nullBytePolicy: 'Ignore',
      },
      storeId: store,
    })),
    dataFrom: options.find ? [{ at: {}, kind: 'find', storeId: store, find: anything, rewrite: [] }] : [],
    options: {
      format: 'files',
      fileMode: undefined,
      optional: options.optional ?? new Set(),
      maxStaleness: undefined,
      refreshMs: undefined,
      ...options.options,
    },
  };
}

const anything: Find = {
  path: undefined,
  nameRegexp: '.',
  tags: undefined,
  conversionStrategy: 'Default',
  decodingStrategy: 'None',
  nullBytePolicy: 'Ignore',
};

export function specSet(
  externalSecrets: readonly ExternalSecret[],
  problems: readonly AgentError[] = [],
  storeRevision = 0,
): SpecSet {
  const ids = new Set(
    externalSecrets.flatMap(({ data, dataFrom }) => [...data, ...dataFrom].map((entry) => entry.storeId)),
  );
  const stores = [...ids].map((id): [string, Store] => [
    id,
    {
      id,
      kind: 'SecretStore',
      name: id.split('/')[1]!,
      namespace: 'apps',
      at: {},
      annotations: new Map(),
      provider: id.split('/')[1]!,
      config: undefined,
      hash: `${id} ${storeRevision}`,
      retry: { maxRetries: undefined, retryIntervalMs: undefined },
    },
  ]);
  return {
    externalSecrets,
    stores: new Map(stores),
    secrets: new Map(),
    configMaps: new Map(),
    problems,
    warnings: [],
    hash: JSON.stringify(externalSecrets.map((spec) => spec.hash)),
  };
}

/** A loop in a world of its own: its clock, its stores, its sink. */
export class World {
  readonly clock: ManualClock;
  readonly store: ScriptedStore;
  readonly sink: MemorySink;
  readonly events: LoopEvent[] = [];
  readonly loop: Loop;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(
    options: {
      clock?: ManualClock;
      seed?: number;
      batches?: boolean;
      onError?: 'block' | 'ignore';
      sink?: MemorySink;
      /** Sinks that are written after the one in memory. */
      also?: (clock: ManualClock) => readonly Sink[];
      kept?: Kept;
      providers?: (clock: ManualClock) => Record<string, Provider>;
      /** Told everything as it happens. */
      observe?: (event: LoopEvent) => void;
    } = {},
  ) {
    this.clock = options.clock ?? new ManualClock({ seed: options.seed ?? 1 });
    this.store = new ScriptedStore(this.clock, options.batches ? { batches: true } : {});
    this.sink = options.sink ?? new MemorySink();
    const observe = (event: LoopEvent): void => {
      this.events.push(event);
      options.observe?.(event);
    };
    this.loop = new Loop({
      clock: this.clock,
      log: silentLog,
      stores: new Stores({
        catalog: { store: this.store.provider, ...options.providers?.(this.clock) },
        contextOf: () => ({}) as StoreContext,
        clock: this.clock,
        log: silentLog,
      }),
      delivery: new Delivery({
        sinks: [this.sink, ...(options.also?.(this.clock) ?? [])],
        log: silentLog,
        observe,
      }),
      kept: options.kept ?? new Kept({ folder: undefined, podUid: '', log: silentLog }),
      sources: {
        wholeConfigMap: async (name: string) => Promise.reject(new Error(`no ConfigMap ${name} here`)),
        wholeSecret: async (name: string) => Promise.reject(new Error(`no Secret ${name} here`)),
      },
      observe,
      onError: options.onError ?? 'block',
    });
  }

  async accept(specs: SpecSet, whole = specs.problems.length === 0): Promise<void> {
    await this.loop.accept(specs, whole, this.#stop.signal);
  }

  /** Starts the loop, which then runs until `stop`. */
  async start(...externalSecrets: ExternalSecret[]): Promise<void> {
    await this.accept(specSet(externalSecrets));
    this.#running = this.loop.run(() => false, this.#stop.signal);
    await this.clock.advance(0);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the test ended'));
    await this.#running;
  }

  state(name: string) {
    const state = this.loop.view().targets.get(name);
    if (state === undefined) throw new Error(`no target ${name}`);
    return state;
  }
}
