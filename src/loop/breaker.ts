import { type Clock, uniform } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { BreakerState } from './state.ts';

/**
 * Protects one store from us. It opens after five rounds in a row that ended in transient failures; then one
 * probe goes out every 30 to 60 s until one succeeds. Retries also draw from a token bucket, so that many
 * ExternalSecrets that fail one by one cannot make a storm that no single backoff sees.
 */
export class Breaker {
  readonly #clock: Clock;
  #failuresInRow = 0;
  #probeAtMs = 0;
  #probing = false;
  #lastError: AgentError | undefined;
  #tokens: number = limits.retryBudgetTokens;
  #refilledMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#refilledMs = clock.monotonic();
  }

  get state(): BreakerState {
    if (this.#failuresInRow < limits.breakerFailures) return 'closed';
    return this.#probing ? 'half-open' : 'open';
  }

  /** Ms until a round may go out: 0 now. While a probe is out, others wait for what it finds. */
  waitMs(): number {
    if (this.state === 'closed') return 0;
    if (this.#probing) return limits.breakerProbeMinMs;
    return Math.max(0, this.#probeAtMs - this.#clock.monotonic());
  }

  /** What failed last, asking for no attempt before `waitMs` is over. */
  refusal(): AgentError {
    const last = this.#lastError ?? new AgentError('Unavailable', 'the store does not answer');
    return new AgentError(last.code, last.message, {
      at: last.at,
      cause: last,
      retryAfterMs: this.waitMs(),
      ...(last.remedy === undefined ? {} : { remedy: last.remedy }),
    });
  }

  /** A round begins; with the breaker open it is the probe. */
  begin(): void {
    if (this.state === 'open') this.#probing = true;
  }

  /** A round ended, with the failure if nothing in it was answered; true when this closed an open breaker, so that what waits may go at once. */
  end(failure: AgentError | undefined): boolean {
    const wasOpen = this.state !== 'closed';
    this.#probing = false;
    this.#lastError = failure;
    this.#failuresInRow = failure === undefined ? 0 : this.#failuresInRow + 1;
    if (failure !== undefined) {
      this.#probeAtMs =
        this.#clock.monotonic() + uniform(this.#clock, limits.breakerProbeMinMs, limits.breakerProbeMaxMs);
    }
    return wasOpen && failure === undefined;
  }

  /** Takes a token for one retry: the ms by which the retry must be put off, 0 when there was a token. */
  takeRetry(): number {
    const nowMs = this.#clock.monotonic();
    const earned = (nowMs - this.#refilledMs) / limits.retryBudgetRefillMs;
    this.#tokens = Math.min(limits.retryBudgetTokens, this.#tokens + earned);
    this.#refilledMs = nowMs;
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : -this.#tokens * limits.retryBudgetRefillMs;
  }
}
