import type { Clock } from '../base/clock.ts';
import type { AgentError, At } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { IdentitySource } from '../identity/identity.ts';
import type { References } from '../identity/references.ts';
import type { Fetched, GetRead, Traits } from '../plan/fetched.ts';
import type { Find, SpecNode, Store } from '../spec/spec.ts';

/**
 * The port between the loop and a store type. `parse` runs with the spec, without the store's SDK; `open`
 * loads the SDK and makes a client that lives until the store's spec changes. Login is the client's own
 * affair: it happens at first use and again when the token ages.
 */
export interface Provider {
  /** As ESO labels its api-call metrics: `AWS/SecretsManager`, `HashiCorp/Vault`, `Fake`. */
  readonly label: string;
  readonly traits: Traits;
  /** The provider's config out of `spec.provider.<name>`; throws AgentError SpecInvalid with the field's place. */
  parse(node: SpecNode): unknown;
  /** URLs that this config will talk to, logins included, for `--stores-allow` and the https rule. `env` is the
   * identity's: where it moves an endpoint, the moved one is told. */
  endpoints(config: unknown, env?: IdentitySource['env']): readonly string[];
  /** The field that says the endpoint; absent where none does. */
  endpointAt?(config: unknown): At | undefined;
  open(store: Store, context: StoreContext): Promise<Client>;
}

export interface Client {
  /** One remote key, whole: `property` is looked up later, purely. A missing key is `absent`, never an error. */
  get(read: GetRead, signal: AbortSignal): Promise<Fetched>;
  /** Several at once, in the order asked; an element may be an error of its own. Throws only when all failed alike. */
  getMany?(reads: readonly GetRead[], signal: AbortSignal): Promise<readonly (Fetched | AgentError)[]>;
  /** Every key that matches; `absent` where ESO's provider reports "no secret". */
  find?(find: Find, signal: AbortSignal): Promise<Fetched>;
  /** Who the store thinks we are, for `check --connect` and the line at start. Never a token. */
  whoami?(signal: AbortSignal): Promise<Identity>;
  /** Ends the session. `revoke`: also give back the token, where it is ours to give. */
  close?(options: { readonly revoke: boolean }): Promise<void>;
}

export interface Identity {
  /** ARN, Vault entity, … */
  readonly principal: string;
  /** How we came to be it: `irsa`, `pod-identity`, `kubernetes`, … */
  readonly method: string;
  readonly details: Readonly<Record<string, string>>;
}

/** What a provider is given of the world. */
export interface StoreContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly identity: IdentitySource;
  readonly references: References;
  readonly network: Network;
  /** Counts one API call of the store: `call` as ESO names it. */
  observe(call: string, status: 'success' | 'error', durationMs: number): void;
  readonly awsBatch: 'auto' | 'never';
  /** Small facts that outlive the process (a remembered denial), in `--state`. Undefined value deletes. */
  readonly memory: Memory;
}

export interface Memory {
  get(key: string): string | undefined;
  set(key: string, value: string | undefined): void;
}

export interface Network {
  readonly proxy: string | undefined;
  readonly noProxy: readonly string[];
  /** PEM of `--ca-file`, trusted besides the system's roots. */
  readonly ca: string | undefined;
  /** `--stores-allow`, for what a store redirects to; undefined allows any host. */
  readonly storesAllow?: readonly string[] | undefined;
}
