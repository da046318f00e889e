import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Traits } from '../plan/fetched.ts';
import type { Client, Provider, StoreContext } from '../providers/provider.ts';
import type { Store } from '../spec/spec.ts';
import { Breaker } from './breaker.ts';
import type { BreakerState } from './state.ts';

export type Catalog = Readonly<Record<string, Provider>>;

interface OpenStore {
  readonly hash: string;
  readonly client: Promise<Client>;
  /** Rounds that read through it now. */
  users: number;
  /** Called when the last of them has ended, once nobody new may use it. */
  idle: (() => void) | undefined;
}

/** The open clients and the breakers, one a store and spec: a store whose spec changed is another store. */
export class Stores {
  readonly #catalog: Catalog;
  readonly #contextOf: (store: Store, provider: Provider) => StoreContext;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #open = new Map<string, OpenStore>();
  readonly #breakers = new Map<string, Breaker>();
  /** Of the specs in force, by store id. */
  #hashes: ReadonlyMap<string, string> = new Map();

  constructor(parts: {
    catalog: Catalog;
    /** Throws AgentError when the store may not be talked to (`--stores-allow`, plain http). */
    contextOf: (store: Store, provider: Provider) => StoreContext;
    clock: Clock;
    log: Log;
  }) {
    this.#catalog = parts.catalog;
    this.#contextOf = parts.contextOf;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  providerOf(store: Store): Provider {
    const provider = this.#catalog[store.provider];
    if (provider === undefined) throw new Error(`no provider ${store.provider}: parse let it through`);
    return provider;
  }

  traitsOf(store: Store): Traits {
    return this.providerOf(store).traits;
  }

  /** The client of a store, opened at first use and again when the store's spec changed. */
  client(store: Store): Promise<Client> {
    return this.#openStore(store).client;
  }

  /** Lends the client to `work`: whatever becomes of the store meanwhile, it is not closed before that ends. */
  async use<T>(store: Store, work: (client: Promise<Client>) => Promise<T>): Promise<T> {
    const open = this.#openStore(store);
    open.users++;
    try {
      return await work(open.client);
    } finally {
      open.users--;
      if (open.users === 0) open.idle?.();
    }
  }

  #openStore(store: Store): OpenStore {
    const open = this.#open.get(store.id);
    if (open?.hash === store.hash) return open;
    if (open !== undefined) void this.#retire(store.id, open);
    const client = this.#openClient(store);
    const entry: OpenStore = { hash: store.hash, client, users: 0, idle: undefined };
    this.#open.set(store.id, entry);
    // A store that could not be opened is opened anew at the next round.
    client.catch(() => {
      if (this.#open.get(store.id) === entry) this.#open.delete(store.id);
    });
    return entry;
  }

  async #openClient(store: Store): Promise<Client> {
    const provider = this.providerOf(store);
    return await provider.open(store, this.#contextOf(store, provider));
  }

  breaker(storeId: string): Breaker {
    let breaker = this.#breakers.get(storeId);
    if (breaker === undefined) {
      breaker = new Breaker(this.#clock);
      this.#breakers.set(storeId, breaker);
    }
    return breaker;
  }

  breakerStates(): ReadonlyMap<string, BreakerState> {
    return new Map([...this.#breakers].map(([id, breaker]) => [id, breaker.state]));
  }

  /** Lets go of stores that no spec names any more, or that have another spec now. */
  retain(stores: ReadonlyMap<string, Store>): void {
    for (const [id, hash] of this.#hashes) if (stores.get(id)?.hash !== hash) this.#breakers.delete(id);
    this.#hashes = new Map([...stores].map(([id, { hash }]) => [id, hash]));
    for (const [id, open] of [...this.#open]) {
      if (stores.get(id)?.hash === open.hash) continue;
      this.#open.delete(id);
      void this.#retire(id, open);
    }
  }

  /** Closes a client once nobody reads through it: its token may not be revoked under a read. */
  async #retire(storeId: string, open: OpenStore): Promise<void> {
    if (open.users > 0) {
      await new Promise<void>((resolve) => {
        open.idle = resolve;
      });
    }
    await this.#close(storeId, open, true);
  }

  async closeAll(options: { readonly revoke: boolean }): Promise<void> {
    const open = [...this.#open];
    this.#open.clear();
    await Promise.all(open.map(([id, entry]) => this.#close(id, entry, options.revoke)));
  }

  async #close(storeId: string, open: OpenStore, revoke: boolean): Promise<void> {
    try {
      const client = await open.client;
      await client.close?.({ revoke });
    } catch (error) {
      this.#log.debug({ store: storeId, err: error }, 'store not closed cleanly');
    }
  }
}
