import type { Payload } from '../plan/payload.ts';
import type { ExternalSecret } from '../spec/spec.ts';

export interface Written {
  readonly changed: boolean;
  /** Names the generation: `..data` points to it. */
  readonly generation: string;
  /** Keys added, changed or removed, sorted. Never values. */
  readonly changedKeys: readonly string[];
}

/** Where payloads go. A sink keeps what it has on every failure and throws AgentError PublishFailed. */
export interface Sink {
  readonly name: string;
  publish(externalSecret: ExternalSecret, payload: Payload, signal: AbortSignal): Promise<Written>;
  /** The ExternalSecret is gone from the specs, or deletionPolicy removes its target. */
  remove(targetName: string, signal: AbortSignal): Promise<void>;
}
