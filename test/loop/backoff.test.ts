import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AgentError, codes, verdictOf } from '../../src/base/errors.ts';
import { hasRetryLeft, retryDelayMs } from '../../src/loop/backoff.ts';
import { ManualClock } from '../base/manual-clock.ts';

const hourMs = 3_600_000;

test('a transient failure backs off from a second to the cap, with equal jitter', () => {
  const clock = new ManualClock();
  const error = new AgentError('Unavailable', 'refused');
  for (const [failures, stepMs] of [
    [1, 1_000],
    [2, 2_000],
    [5, 16_000],
    [11, 1_024_000],
    [20, 1_200_000],
  ] as const) {
    const delayMs = retryDelayMs({ error, failures, delivered: true, intervalMs: hourMs }, clock);
    assert.ok(delayMs !== undefined && delayMs >= stepMs / 2 && delayMs <= stepMs, `${failures}: ${delayMs}`);
  }
});

test('the cap is a minute where a third of the interval is shorter', () => {
  const clock = new ManualClock();
  const error = new AgentError('Unavailable', 'refused');
  const delayMs = retryDelayMs({ error, failures: 30, delivered: true, intervalMs: 60_000 }, clock);
  assert.ok(delayMs !== undefined && delayMs >= 30_000 && delayMs <= 60_000);
});

test('a permanently bad key costs six retries, then its interval', () => {
  const clock = new ManualClock();
  const error = new AgentError('Denied', 'no');
  const delays = Array.from({ length: 8 }, (_, i) =>
    retryDelayMs({ error, failures: i + 1, delivered: true, intervalMs: hourMs }, clock),
  );
  assert.ok(delays.slice(0, 6).every((delayMs) => delayMs! <= 32_000));
  assert.ok(delays.slice(6).every((delayMs) => delayMs! >= 0.9 * hourMs));
});

test('before the first delivery a denied key is tried every five minutes, or every interval if shorter', () => {
  const clock = new ManualClock();
  const error = new AgentError('Denied', 'no');
  const delay = (intervalMs: number) =>
    retryDelayMs({ error, failures: 7, delivered: false, intervalMs }, clock);
  assert.equal(delay(hourMs), 300_000);
  assert.equal(delay(0), 300_000);
  assert.equal(delay(60_000), 60_000);
});

test('with interval 0 a delivered target is not retried for ever', () => {
  const error = new AgentError('NotFound', 'no');
  assert.equal(
    retryDelayMs({ error, failures: 7, delivered: true, intervalMs: 0 }, new ManualClock()),
    undefined,
  );
});

test('what is wrong in the spec is tried at the interval only, since what it refers to may be corrected', () => {
  const clock = new ManualClock();
  const error = new AgentError('SpecInvalid', 'the certificate cannot be read');
  const delay = (delivered: boolean, intervalMs: number) =>
    retryDelayMs({ error, failures: 1, delivered, intervalMs }, clock);
  assert.ok(delay(true, hourMs)! >= 0.9 * hourMs);
  assert.equal(delay(true, 0), undefined);
  assert.equal(delay(false, hourMs), 300_000);
  assert.equal(hasRetryLeft({ error, failures: 1 }), false);
});

test('Retry-After is the least wait, and bounded', () => {
  const clock = new ManualClock();
  const delay = (retryAfterMs: number) =>
    retryDelayMs(
      {
        error: new AgentError('Throttled', 'slow', { retryAfterMs }),
        failures: 1,
        delivered: true,
        intervalMs: hourMs,
      },
      clock,
    );
  assert.equal(delay(17_000), 17_000);
  assert.equal(delay(10 ** 9), 600_000);
});

test('no failure is retried without a pause, and none for ever within --once but transient ones', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...codes),
      fc.integer({ min: 1, max: 1000 }),
      fc.boolean(),
      fc.constantFrom(0, 1_000, 60_000, hourMs),
      fc.option(fc.integer({ min: 0, max: 10 ** 9 }), { nil: undefined }),
      (code, failures, delivered, intervalMs, retryAfterMs) => {
        const error = new AgentError(code, 'x', retryAfterMs === undefined ? {} : { retryAfterMs });
        const delayMs = retryDelayMs(
          { error, failures, delivered, intervalMs },
          new ManualClock({ seed: failures }),
        );
        assert.ok(delayMs === undefined || delayMs >= 500);
        if (!delivered) assert.notEqual(delayMs, undefined, 'what was never delivered is never given up');
        if (failures > 6) assert.equal(hasRetryLeft({ error, failures }), verdictOf(code) === 'transient');
      },
    ),
    { seed: 1, numRuns: 2_000 },
  );
});
