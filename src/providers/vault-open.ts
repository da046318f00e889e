import type { Store } from '../spec/spec.ts';
import type { Client, StoreContext } from './provider.ts';
import { credentialsOf, isStatic } from './vault-auth.ts';
import { VaultClient } from './vault-client.ts';
import { audienceOf, type VaultConfig } from './vault-config.ts';
import { Session } from './vault-session.ts';
import { TrustedTransport } from './vault-trust.ts';
import { openWire } from './vault-wire.ts';

/** Where a Vault store's parts meet; loaded with the first Vault store, and node-vault with it. */
export async function openVault(store: Store, context: StoreContext): Promise<Client> {
  const config = store.config as VaultConfig;
  const { clock, log } = context;
  const credentials = credentialsOf(store, config, context);
  warnOfStatic(store, config, context);
  const trusted = new TrustedTransport(config, context);
  const host = new URL(config.server).host;
  const wire = await openWire({
    server: config.server,
    headers: config.headers,
    readYourWrites: config.readYourWrites,
    forwardInconsistent: config.forwardInconsistent,
    storesAllow: context.network.storesAllow,
    transport: () => trusted.current(),
    clock,
    observe: context.observe,
  });
  const namespace = config.authNamespace ?? config.namespace;
  const at = { store: store.id };
  const audience = audienceOf(config);
  const session = new Session({ credentials, wire, namespace, host, audience, at, clock, log });
  return new VaultClient({ config, context, wire, session, host, close: () => trusted.close() });
}

function warnOfStatic(store: Store, config: VaultConfig, context: StoreContext): void {
  if (context.identity.mode === 'local' || !isStatic(config.auth)) return;
  context.log.warn(
    { store: store.id, method: config.auth?.method },
    'the store logs in with stored credentials; auth.kubernetes or auth.jwt with the pod\u2019s own token needs none',
  );
}
