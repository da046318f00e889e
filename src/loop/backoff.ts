import { type Clock, uniform } from '../base/clock.ts';
import { type AgentError, verdictOf } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

export interface Failing {
  readonly error: AgentError;
  /** Consecutive failures, this one included: 1 or more. */
  readonly failures: number;
  /** True once the target holds a payload of this or an earlier spec. */
  readonly delivered: boolean;
  /** 0 means once. */
  readonly intervalMs: number;
}

/**
 * When to try again after a failure, in ms from now; undefined means not before the spec changes or someone
 * asks. Never zero.
 *
 * - Transient: equal jitter, 1 s doubling up to max(60 s, interval / 3).
 * - Settled (denied, not found): the same for six retries, then the interval only; before the first delivery
 *   at least every five minutes, so that a permission granted late starts the pod.
 * - Spec: at once what settled ones come to after six retries. What a spec refers to may be corrected without it.
 *
 * A Retry-After is the least wait, bounded so that a store cannot put an agent to sleep.
 */
export function retryDelayMs(failing: Failing, clock: Clock): number | undefined {
  const { error, failures, delivered, intervalMs } = failing;
  const verdict = verdictOf(error.code);
  if (verdict !== 'transient' && !hasRetryLeft({ error, failures })) {
    if (!delivered) return Math.min(intervalMs || limits.undeliveredRetryMs, limits.undeliveredRetryMs);
    return intervalMs === 0 ? undefined : uniform(clock, 0.9, 1) * intervalMs;
  }
  const capMs = Math.max(limits.backoffCapMs, intervalMs / 3);
  const stepMs = Math.min(capMs, limits.backoffBaseMs * 2 ** Math.min(failures - 1, 30));
  const delayMs = uniform(clock, 0.5, 1) * stepMs;
  // `||`: what is not a number is no wait.
  const askedMs = Math.min(error.retryAfterMs || 0, limits.retryAfterCapMs);
  return Math.max(delayMs, askedMs);
}

/** Whether `--once` may stop waiting for it: no retry would come but those at the interval. */
export function hasRetryLeft(failing: Pick<Failing, 'error' | 'failures'>): boolean {
  const verdict = verdictOf(failing.error.code);
  return verdict === 'transient' || (verdict === 'settled' && failing.failures <= limits.settledRetries);
}
