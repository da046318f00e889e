import { AgentError, type At } from '../src/base/errors.ts';
import { assertStoreUrl } from '../src/base/http.ts';
import { catalog } from '../src/providers/catalog.ts';
import type { Store } from '../src/spec/spec.ts';

/** Where stores, and their logins, may point to. */
export interface UrlPolicy {
  /** Empty allows any host. */
  readonly storesAllow: readonly string[];
  /** Whether plain http will do. */
  readonly insecure: boolean;
  /** The identity's: it may move an endpoint. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Throws SpecInvalid when a store, or its login, may not be talked to. `as` names the store in the fault. */
export function assertUrls(store: Store, { storesAllow, insecure, env = {} }: UrlPolicy, as: At): void {
  const provider = catalog[store.provider];
  const allow = allowed(storesAllow);
  const at = { ...store.at, ...provider?.endpointAt?.(store.config), ...as };
  for (const url of provider?.endpoints(store.config, env) ?? [])
    assertStoreUrl(url, { allow, insecure }, at);
}

/** Why the agent would not talk to a store, were it told the same. */
export function urlFaults(store: Store, policy: UrlPolicy): readonly AgentError[] {
  try {
    assertUrls(store, policy, { object: store.id });
    return [];
  } catch (error) {
    if (error instanceof AgentError) return [error];
    throw error;
  }
}

/** Undefined allows any host. */
export function allowed(storesAllow: readonly string[]): readonly string[] | undefined {
  return storesAllow.length === 0 ? undefined : storesAllow;
}
