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
}

/** The open clients, one a store, and the breakers, which outlive a change of the store's spec. */
export class Stores {
  readonly #catalog: Catalog;
  readonly #contextOf: (store: Store, provider: Provider) => StoreContext;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #open = new Map<string, OpenStore>();
  readonly #breakers = new Map<string, Breaker>();

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
    const open = this.#open.get(store.id);
    if (open?.hash === store.hash) return open.client;
    if (open !== undefined) void this.#close(store.id, open, true);
    const client = this.#openClient(store);
    const entry = { hash: store.hash, client };
    this.#open.set(store.id, entry);
    // A store that could not be opened is opened anew at the next round.
    client.catch(() => {
      if (this.#open.get(store.id) === entry) this.#open.delete(store.id);
    });
    return client;
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

  /** Closes the clients of stores that no spec names any more. */
  retain(storeIds: ReadonlySet<string>): void {
    for (const [id, open] of [...this.#open]) {
      if (storeIds.has(id)) continue;
      this.#open.delete(id);
      this.#breakers.delete(id);
      void this.#close(id, open, true);
    }
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
