import { type Clock, uniform } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { ExternalSecret } from '../spec/spec.ts';

/** The interval in force, ms; 0 means once. The annotation `refresh` beats spec.refreshInterval. */
export function intervalMsOf(externalSecret: ExternalSecret): number {
  if (externalSecret.refreshPolicy !== 'Periodic') return 0;
  const intervalMs = externalSecret.options.refreshMs ?? externalSecret.refreshIntervalMs;
  return intervalMs <= 0 ? 0 : Math.max(intervalMs, limits.refreshFloorMs);
}

/** Ids of the stores an ExternalSecret reads, sorted, each once. */
export function storeIdsOf(externalSecret: ExternalSecret): readonly string[] {
  const entries = [...externalSecret.dataFrom, ...externalSecret.data];
  return [...new Set(entries.map((entry) => entry.storeId))].sort();
}

/**
 * The draws of one round. What shares stores and interval gets the same draw, so that it stays together and
 * goes on sharing reads and batches. The first refresh comes after U(0.5, 1) of the interval, which breaks the
 * lock-step of a rollout; later ones after U(0.9, 1): always early, never late.
 */
export class Draws {
  readonly #clock: Clock;
  readonly #factors = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ms from the start of the round to the next refresh; undefined when none is to come. */
  nextRefreshMs(externalSecret: ExternalSecret, first: boolean): number | undefined {
    const intervalMs = intervalMsOf(externalSecret);
    if (intervalMs === 0) return undefined;
    const key = `${first} ${intervalMs} ${storeIdsOf(externalSecret).join(' ')}`;
    const factor = this.#factors.get(key) ?? uniform(this.#clock, first ? 0.5 : 0.9, 1);
    this.#factors.set(key, factor);
    return factor * intervalMs;
  }
}

/** How much earlier than due a periodic refresh may ride along with another of its store. */
export function earlyMsOf(externalSecret: ExternalSecret): number {
  return intervalMsOf(externalSecret) / 10;
}
