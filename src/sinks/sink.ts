import type { Payload } from '../plan/payload.ts';
import type { ExternalSecret } from '../spec/spec.ts';

export interface Written {
  readonly changed: boolean;
  /** Names the generation: `..data` points to it. */
  readonly generation: string;
  /** Keys added, changed or removed, sorted. Never values. */
  readonly changedKeys: readonly string[];
}

/** What an earlier sync, perhaps of an earlier life, left whole in a sink. */
export interface Adopted {
  readonly generation: string;
  /** Sorted. */
  readonly keys: readonly string[];
  /** `Payload.hash` of then. */
  readonly payloadHash: string;
}

/** Where payloads go. A sink keeps what it has on every failure and throws AgentError PublishFailed. */
export interface Sink {
  readonly name: string;
  publish(externalSecret: ExternalSecret, payload: Payload, signal: AbortSignal): Promise<Written>;
  /** What is there now, when it is this ExternalSecret's, whole, and no value was tampered with; undefined
   * otherwise. Repairs modes and links on the way, since that needs no value. */
  adopt(externalSecret: ExternalSecret, signal: AbortSignal): Promise<Adopted | undefined>;
  /** The ExternalSecret is gone from the specs, or deletionPolicy removes its target. */
  remove(targetName: string, signal: AbortSignal): Promise<void>;
  /** Removes what this sink made for targets that no spec names any more; returns their names. */
  sweep(liveTargets: ReadonlySet<string>): Promise<readonly string[]>;
}
