import { AgentError } from '../src/base/errors.ts';
import { assertStoreUrl } from '../src/base/http.ts';
import { catalog } from '../src/providers/catalog.ts';
import type { Store } from '../src/spec/spec.ts';

/** Where stores, and their logins, may point to. */
export interface UrlPolicy {
  /** Empty allows any host. */
  readonly storesAllow: readonly string[];
  /** Whether plain http will do. */
  readonly insecure: boolean;
}

/** Why the agent would not talk to a store, were it told the same: its scheme, or its host. */
export function urlFaults(store: Store, { storesAllow, insecure }: UrlPolicy): readonly AgentError[] {
  const allow = storesAllow.length === 0 ? undefined : storesAllow;
  const provider = catalog[store.provider];
  const at = { ...store.at, object: store.id, ...provider?.endpointAt?.(store.config) };
  for (const url of provider?.endpoints(store.config, {}) ?? []) {
    try {
      assertStoreUrl(url, { allow, insecure }, at);
    } catch (error) {
      if (error instanceof AgentError) return [error];
      throw error;
    }
  }
  return [];
}
