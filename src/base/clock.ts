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

/**
 * Runs `work` under a deadline of this clock: its signal aborts after `ms`, or when `signal` does, and the
 * result rejects then even where the work does not listen.
 */
export async function withDeadline<T>(
  clock: Clock,
  deadline: { readonly ms: number; readonly signal: AbortSignal; readonly expired: () => Error },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const inner = new AbortController();
  const expiry = clock.sleep(deadline.ms, AbortSignal.any([ended.signal, deadline.signal])).then(
    () => {
      throw deadline.expired();
    },
    (reason: unknown) => {
      throw reason;
    },
  );
  expiry.catch((reason: unknown) => inner.abort(reason));
  try {
    return await Promise.race([work(inner.signal), expiry]);
  } finally {
    ended.abort(new Error('the work ended'));
  }
}
