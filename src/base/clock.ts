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
  // `performance` would load five more of Node's modules.
  monotonic: () => Number(process.hrtime.bigint()) / 1e6,
  sleep: (ms, signal) => (signal === undefined ? unheard(ms) : heard(ms, signal)),
  random: () => Math.random(),
};

function unheard(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

/** Not Node's promise of a timer: most sleeps are ended, and that one makes an error of its own for each. */
function heard(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal.addEventListener('abort', abort, { once: true });
  });
}

/** Uniform in [low, high). */
export function uniform(clock: Clock, low: number, high: number): number {
  return low + (high - low) * clock.random();
}

/**
 * Runs `work` under a deadline of this clock: its signal aborts after `ms`, or when `signal` does, and the
 * result rejects then even where the work does not listen. Once the work has ended its signal aborts as well: what is
 * left of it is for nobody.
 */
export async function withDeadline<T>(
  clock: Clock,
  deadline: { readonly ms: number; readonly signal: AbortSignal; readonly expired: () => Error },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { ms, signal, expired } = deadline;
  const inner = new AbortController();
  const { promise: over, reject } = Promise.withResolvers<never>();
  over.catch(() => {});
  const end = (reason: unknown): void => {
    reject(reason);
    inner.abort(reason);
  };
  const abort = (): void => end(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  clock.sleep(ms, inner.signal).then(
    () => end(expired()),
    () => {},
  );
  try {
    return await Promise.race([work(inner.signal), over]);
  } finally {
    signal.removeEventListener('abort', abort);
    inner.abort(workEnded);
  }
}

/** Made once: a reason of its own would be made, with its stack, at every abort. */
const workEnded = new Error('the work ended');
