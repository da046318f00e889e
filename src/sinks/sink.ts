import type { Payload } from '../plan/payload.ts';
import type { ExternalSecret } from '../spec/spec.ts';

export interface Written {
  readonly changed: boolean;
  /** Names the generation: `..data` points to it. */
  readonly generation: string;
  /** Keys added, changed or removed, sorted. Never values. */
  readonly changedKeys: readonly string[];
  /** ESO's reason and message where the sync comes to another end than `SecretSynced`. */
  readonly reason?: 'SecretMissing';
  readonly message?: string;
  /** Nothing was written, as the sink changed since the values were fetched: they have to be fetched again. */
  readonly again?: true;
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
  /** False: nothing of this ExternalSecret goes here. Unset: everything does. */
  concerns?(externalSecret: ExternalSecret): boolean;
  /** Called before the values are fetched, where a later write must know what it may replace. Never fails, and
   * takes little time: every sink waits for it. */
  prepare?(externalSecret: ExternalSecret, signal: AbortSignal): Promise<void>;
  publish(externalSecret: ExternalSecret, payload: Payload, signal: AbortSignal): Promise<Written>;
  /** What is there now, when it is this ExternalSecret's, whole, and no value was tampered with; undefined
   * otherwise. Throws where that cannot be known now. Repairs modes and links on the way, since that needs no value. */
  adopt(externalSecret: ExternalSecret, signal: AbortSignal): Promise<Adopted | undefined>;
  /** deletionPolicy Delete takes all away; false when it has to be proven again. Unset: `remove` does it. */
  withdraw?(externalSecret: ExternalSecret, signal: AbortSignal): Promise<boolean>;
  /** The ExternalSecret is gone from the specs. */
  remove(targetName: string, signal: AbortSignal): Promise<void>;
  /** Removes what this sink made for targets that no spec names any more; returns their names. */
  sweep(liveTargets: ReadonlySet<string>): Promise<readonly string[]>;
}
