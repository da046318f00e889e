import { AgentError, type At } from '../base/errors.ts';
import type { IdentitySource } from '../identity/identity.ts';

/** A `serviceAccountRef`. */
export interface AccountRef {
  readonly name: string;
  readonly namespace: string | undefined;
}

/** The agent is its pod and nobody else. Throws SpecInvalid where a spec names another service account. */
export function checkServiceAccount(
  { serviceAccount, at }: { readonly serviceAccount: AccountRef | undefined; readonly at: At },
  identity: IdentitySource,
): void {
  if (serviceAccount === undefined) return;
  const { name, namespace } = serviceAccount;
  if (namespace !== undefined && identity.namespace !== undefined && namespace !== identity.namespace) {
    throw foreignAccount(
      `${namespace}/${name}`,
      `${identity.namespace}/${identity.serviceAccount ?? '(unknown)'}`,
      at,
    );
  }
  if (identity.serviceAccount === undefined || identity.serviceAccount === name) return;
  throw foreignAccount(name, identity.serviceAccount, at);
}

function foreignAccount(wanted: string, own: string, at: AgentError['at']): AgentError {
  return new AgentError('SpecInvalid', `serviceAccountRef names ${wanted}, and this pod is ${own}`, {
    at,
    remedy: `the agent logs in as its own pod: give the pod serviceAccountName ${wanted}, or name ${own} here`,
  });
}
