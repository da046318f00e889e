import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from '../../src/base/errors.ts';
import { Breaker } from '../../src/loop/breaker.ts';
import { ManualClock } from '../base/manual-clock.ts';

const down = new AgentError('Unavailable', 'connection refused', { remedy: 'start it' });

function fail(breaker: Breaker, times: number): void {
  for (let i = 0; i < times; i++) {
    breaker.begin();
    breaker.end(down);
  }
}

test('it opens after five failed rounds in a row and names what failed', () => {
  const breaker = new Breaker(new ManualClock());
  fail(breaker, 4);
  assert.equal(breaker.state, 'closed');
  assert.equal(breaker.waitMs(), 0);
  fail(breaker, 1);
  assert.equal(breaker.state, 'open');
  const waitMs = breaker.waitMs();
  assert.ok(waitMs >= 30_000 && waitMs <= 60_000);
  const refusal = breaker.refusal();
  assert.deepEqual(
    [refusal.code, refusal.message, refusal.remedy, refusal.retryAfterMs],
    ['Unavailable', 'connection refused', 'start it', waitMs],
  );
});

test('an answer in between starts the count anew', () => {
  const breaker = new Breaker(new ManualClock());
  fail(breaker, 4);
  breaker.begin();
  assert.equal(breaker.end(undefined), false);
  fail(breaker, 4);
  assert.equal(breaker.state, 'closed');
});

test('one probe every 30 to 60 s, and the first answer closes it', async () => {
  const clock = new ManualClock();
  const breaker = new Breaker(clock);
  fail(breaker, 5);
  await clock.advance(Math.ceil(breaker.waitMs()));
  assert.equal(breaker.waitMs(), 0);
  breaker.begin();
  assert.equal(breaker.state, 'half-open');
  assert.ok(breaker.waitMs() > 0, 'others wait for the probe');
  assert.equal(breaker.end(down), false);
  assert.ok(breaker.waitMs() >= 30_000);
  await clock.advance(Math.ceil(breaker.waitMs()));
  breaker.begin();
  assert.equal(breaker.end(undefined), true);
  assert.equal(breaker.state, 'closed');
});

test('retries beyond the budget are put off by as much as they are too many', async () => {
  const clock = new ManualClock();
  const breaker = new Breaker(clock);
  const delays = Array.from({ length: 25 }, () => breaker.takeRetry());
  assert.deepEqual(delays.slice(0, 20), Array(20).fill(0));
  assert.deepEqual(delays.slice(20), [1_000, 2_000, 3_000, 4_000, 5_000]);
  await clock.advance(10_000);
  assert.equal(breaker.takeRetry(), 0);
});
