import { type Clock, uniform } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { AwsFault, codeOfFault } from './aws-fault.ts';

/** How often one call is tried here; the loop's own backoff is around it. */
export interface Attempts {
  readonly count: number;
  /** Fixed, as the store's `retrySettings.retryInterval`; undefined draws a short one. */
  readonly pauseMs: number | undefined;
}

/** One quick second try for a dropped connection or a passing throttle; all else is the loop's. */
export const defaultAttempts: Attempts = { count: 2, pauseMs: undefined };

export interface AttemptContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly attempts: Attempts;
  /** Told of every single try. */
  readonly observe: (status: 'success' | 'error', durationMs: number) => void;
}

export async function attempted<T>(context: AttemptContext, work: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    const started = context.clock.monotonic();
    try {
      const result = await work();
      context.observe('success', context.clock.monotonic() - started);
      return result;
    } catch (thrown) {
      const took = context.clock.monotonic() - started;
      context.observe('error', took);
      const mayRetry = tried < context.attempts.count && took < limits.awsQuickFailureMs;
      if (!mayRetry || context.signal.aborted || !isPassing(thrown)) throw thrown;
      await context.clock.sleep(pauseMs(context, tried, thrown), context.signal);
    }
  }
}

function isPassing(thrown: unknown): boolean {
  if (thrown instanceof AgentError) return thrown.code === 'Unavailable';
  if (!(thrown instanceof AwsFault) || (thrown.retryAfterMs ?? 0) > limits.awsPauseCapMs) return false;
  const code = codeOfFault(thrown);
  return code === 'Unavailable' || code === 'Throttled';
}

/** The bases are those of the SDKs' new retry mode: 50 ms for a fault, 1 s for a throttle; full jitter. */
function pauseMs(context: AttemptContext, tried: number, thrown: unknown): number {
  if (context.attempts.pauseMs !== undefined) return Math.min(context.attempts.pauseMs, limits.awsPauseCapMs);
  const asked = thrown instanceof AwsFault ? thrown.retryAfterMs : undefined;
  if (asked !== undefined) return asked;
  const base = thrown instanceof AwsFault && codeOfFault(thrown) === 'Throttled' ? 1_000 : 50;
  return uniform(context.clock, 0, Math.min(base * 2 ** (tried - 1), limits.awsPauseCapMs));
}
