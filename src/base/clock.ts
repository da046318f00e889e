import { setTimeout as delay } from 'node:timers/promises';

/** The one source of time and chance, so that tests own both. */
export interface Clock {
  /** Wall clock, ms since the epoch: for people, expiries and cron windows. */
  now(): number;
  /** Monotonic ms: for schedules and durations. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts. Does not keep the process alive
   * by itself when `signal` is absent. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? { ref: false } : { signal });
  },
  random: () => Math.random(),
};

/** Uniform in [low, high). */
export function uniform(clock: Clock, low: number, high: number): number {
  return low + (high - low) * clock.random();
}
