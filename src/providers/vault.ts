import { assertStoreUrl } from '../base/http.ts';
import type { SpecNode, Store } from '../spec/spec.ts';
import type { Client, Provider, StoreContext } from './provider.ts';
import { parseVault, type VaultConfig } from './vault-config.ts';

/** HashiCorp Vault's KV engine, v1 and v2. */
export const vault: Provider = {
  label: 'HashiCorp/Vault',
  traits: {
    lookup: 'key-then-path',
    absentProperty: 'error',
    extract: 'byte-value',
    findConvertsFirst: false,
  },
  parse,
  endpoints: (config) => [(config as VaultConfig).server],
  endpointAt: (config) => (config as VaultConfig).serverAt,
  open,
};

function parse(node: SpecNode): VaultConfig {
  const config = parseVault(node);
  // Whether http is allowed and which hosts are is the process's to say, by `endpoints`.
  assertStoreUrl(config.server, { allow: undefined, insecure: true }, config.serverAt);
  return config;
}

/** Nothing is sent before the first read: login is part of it. */
async function open(store: Store, context: StoreContext): Promise<Client> {
  const { openVault } = await import('./vault-open.ts');
  return await openVault(store, context);
}
