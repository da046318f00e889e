import type { Clock } from '../base/clock.ts';
import { AgentError, verdictOf } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Outcome } from './fetch.ts';

/** The store answered, be it with a no. */
export function answered(outcome: Outcome): boolean {
  return !(outcome instanceof AgentError) || verdictOf(outcome.code) !== 'transient';
}

/**
 * Whether the reads of a round that still wait need not be sent: while the store answered none, after a login that was
 * refused, since all share it, and after `limits.roundPatienceMs`. Else a store that hangs would be asked for hundreds
 * of keys, one deadline after the other, before its breaker hears of it.
 */
export class Outage {
  readonly #clock: Clock;
  readonly #beganMs: number;
  #isAnswered = false;
  #error: AgentError | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#beganMs = clock.monotonic();
  }

  /** What the others come to; undefined while they are to be sent. */
  get error(): AgentError | undefined {
    return this.#isAnswered ? undefined : this.#error;
  }

  note(outcome: Outcome): void {
    if (answered(outcome)) this.#isAnswered = true;
    else if (outcome instanceof AgentError && (outcome.code === 'AuthFailed' || this.#isLong))
      this.#error = outcome;
  }

  get #isLong(): boolean {
    return this.#clock.monotonic() - this.#beganMs >= limits.roundPatienceMs;
  }
}
