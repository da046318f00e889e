import type { Clock } from '../src/base/clock.ts';
import type { Log } from '../src/base/log.ts';
import { type IdentitySource, openIdentity } from '../src/identity/identity.ts';
import { type ObjectReferences, openReferences, type ReferenceSources } from '../src/identity/references.ts';
import type { LoopEvent } from '../src/loop/state.ts';
import { Stores } from '../src/loop/stores.ts';
import { catalog } from '../src/providers/catalog.ts';
import type { Memory, Network, Provider, StoreContext } from '../src/providers/provider.ts';
import type { Store } from '../src/spec/spec.ts';
import type { Cluster } from './cluster.ts';
import type { Config } from './config.ts';
import { networkOf } from './network.ts';
import { allowed, assertUrls } from './store-urls.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface WorldParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Facts of stores that outlive the process. */
  readonly kept: Memory;
  readonly observe: (event: LoopEvent) => void;
  /** The documents that references resolve against first. */
  readonly documents: ReferenceSources['documents'];
  /** Whose objects references resolve to last; unset where the API server is not to be asked. */
  readonly cluster?: Cluster;
}

/** What stores are talked to with: the agent and the doctor have it from here, so that both meet the same answers. */
export interface World {
  readonly identity: IdentitySource;
  readonly namespace: string | undefined;
  readonly references: ObjectReferences;
  readonly stores: Stores;
}

/** Throws UsageError, exit code 78, when the network's options are wrong. Nothing is connected to before a store is read. */
export async function openWorld(config: Config, env: Env, parts: WorldParts): Promise<World> {
  const { clock, log, documents } = parts;
  const role = config.roleArn === undefined ? {} : { ESA_ROLE_ARN: config.roleArn };
  const identity = await openIdentity({
    mode: config.identity,
    env: Object.freeze({ ...env, ...role }),
    tokensDir: config.tokens,
  });
  const { secrets: secretsDir, configMaps: configMapsDir } = config;
  const objects = parts.cluster?.objects(identity.namespace);
  const references = openReferences({ documents, secretsDir, configMapsDir, objects });
  const network = { ...networkOf(config, env), storesAllow: allowed(config.storesAllow) };
  const { storesAllow, insecureStores: insecure } = config;
  const urlPolicy = { storesAllow, insecure, env: identity.env };
  const contextOf = (store: Store, provider: Provider): StoreContext => {
    assertUrls(store, urlPolicy, { store: store.id });
    return contextFor(store, provider, { ...parts, identity, references, network, config });
  };
  const stores = new Stores({ catalog, contextOf, clock, log });
  return { identity, namespace: identity.namespace, references, stores };
}

interface ContextParts extends WorldParts {
  readonly config: Config;
  readonly identity: IdentitySource;
  readonly references: StoreContext['references'];
  readonly network: Network;
}

function contextFor(store: Store, provider: Provider, parts: ContextParts): StoreContext {
  const { clock, log, identity, references, network, kept, config } = parts;
  const prefix = `${store.id} `;
  return {
    clock,
    log,
    identity,
    references,
    network,
    awsBatch: config.awsBatch,
    memory: {
      get: (key) => kept.get(prefix + key),
      set: (key, value) => kept.set(prefix + key, value),
    },
    observe: (call, status, durationMs) =>
      parts.observe({ kind: 'call', storeId: store.id, provider: provider.label, call, status, durationMs }),
  };
}
