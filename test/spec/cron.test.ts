import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AgentError } from '../../src/base/errors.ts';
import { parseSchedule, windowsPermit } from '../../src/spec/cron.ts';

const hourMs = 3_600_000;
// A Monday.
const opensMs = Date.UTC(2026, 5, 1, 22);
const nightly = { schedule: '0 22 * * *', durationMs: 2 * hourMs };

function allows(schedule: string, durationMs: number, atMs: number): boolean {
  return windowsPermit({ kind: 'allow', windows: [{ schedule, durationMs }] }, atMs);
}

test('a window is active from its firing to its end, both included', () => {
  const at = (ms: number) => allows(nightly.schedule, nightly.durationMs, opensMs + ms);
  assert.equal(at(-1_000), false);
  assert.equal(at(0), true);
  assert.equal(at(hourMs), true);
  assert.equal(at(2 * hourMs), true);
  assert.equal(at(2 * hourMs + 1_000), false);
  assert.equal(at(5 * hourMs), false);
  assert.equal(at(24 * hourMs + hourMs), true);
});

test('allow needs one active window, deny none', () => {
  const early = { schedule: '0 4 * * *', durationMs: hourMs };
  const inside = opensMs + hourMs;
  assert.equal(windowsPermit({ kind: 'allow', windows: [early, nightly] }, inside), true);
  assert.equal(windowsPermit({ kind: 'allow', windows: [early] }, inside), false);
  assert.equal(windowsPermit({ kind: 'deny', windows: [early, nightly] }, inside), false);
  assert.equal(windowsPermit({ kind: 'deny', windows: [early] }, inside), true);
});

test('a schedule that cannot be read is never active', () => {
  const broken = { schedule: 'not-a-cron', durationMs: hourMs };
  assert.equal(windowsPermit({ kind: 'allow', windows: [broken] }, opensMs), false);
  assert.equal(windowsPermit({ kind: 'deny', windows: [broken] }, opensMs), true);
});

// Expected values were made by robfig/cron v3.0.1 as ESO asks it: Next(at - duration - 1s).
const firings: readonly (readonly [string, string, boolean])[] = [
  ['0 12 1 * MON', '2026-06-01T12:00:00Z', true],
  ['0 12 15 * MON', '2026-06-08T12:00:00Z', true],
  ['0 12 15 * MON', '2026-06-09T12:00:00Z', false],
  ['0 12 */2 * MON', '2026-06-02T12:00:00Z', false],
  ['0 12 * * MON', '2026-06-02T12:00:00Z', false],
  ['0 12 ? * mon-fri', '2026-06-05T12:00:00Z', true],
  ['*/15 9-17 * * 1-5', '2026-06-01T09:45:00Z', true],
  ['5/20 * * * *', '2026-06-01T09:25:00Z', true],
  ['0 0 29 2 *', '2028-02-29T00:00:00Z', true],
  ['0 0 31 2 *', '2028-02-29T00:00:00Z', false],
  ['0 0 1 JAN *', '2027-01-01T00:00:00Z', true],
  ['@hourly', '2026-06-01T09:00:00Z', true],
  ['@daily', '2026-06-01T00:00:00Z', true],
  ['@weekly', '2026-06-07T00:00:00Z', true],
  ['@weekly', '2026-06-01T00:00:00Z', false],
  ['@monthly', '2026-06-01T00:00:00Z', true],
  ['@yearly', '2026-01-01T00:00:00Z', true],
  ['@annually', '2026-06-01T00:00:00Z', false],
];

for (const [schedule, at, expected] of firings) {
  test(`${schedule} at ${at} is ${expected ? 'active' : 'not active'}`, () => {
    assert.equal(allows(schedule, 60_000, Date.parse(at)), expected);
  });
}

test('@every has no anchor: it is active when its delay fits the window', () => {
  assert.equal(allows('@every 1h', hourMs, opensMs), true);
  assert.equal(allows('@every 1h', hourMs - 2_000, opensMs), false);
});

const refused: readonly (readonly [string, string])[] = [
  ['0 22 * *', 'the schedule "0 22 * *" has 4 fields instead of 5'],
  ['60 * * * *', 'the schedule "60 * * * *" has 60 for the minute, which runs from 0 to 59'],
  ['0 0 0 * *', 'the schedule "0 0 0 * *" has 0 for the day of month, which runs from 1 to 31'],
  ['0 0 * * 7', 'the schedule "0 0 * * 7" has 7 for the day of week, which runs from 0 to 6'],
  ['*/0 * * * *', 'the schedule "*/0 * * * *" has */0 for the minute, which runs from 0 to 59'],
  ['5-1 * * * *', 'the schedule "5-1 * * * *" has 5-1 for the minute, which runs from 0 to 59'],
  ['a * * * *', 'the schedule "a * * * *" cannot read "a"'],
  ['@nightly', 'the schedule "@nightly" knows no "@nightly"'],
  ['@every soon', 'the duration "soon" has no number before its unit'],
];

for (const [schedule, message] of refused) {
  test(`the schedule ${schedule} is refused`, () => {
    assert.throws(() => parseSchedule(schedule), { code: 'SpecInvalid', message });
  });
}

test('any text is a schedule or our error, and asking about it ends', () => {
  const pieces = fc.constantFrom(
    '*',
    '?',
    '/',
    '-',
    ',',
    ' ',
    '1',
    '59',
    '0',
    'mon',
    'JAN',
    '@every ',
    '5m',
    '@daily',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 20 }), fc.integer({ min: 0, max: 4e12 }), (parts, atMs) => {
      const schedule = parts.join('');
      assert.equal(typeof allows(schedule, 400 * 24 * hourMs, atMs), 'boolean');
      try {
        parseSchedule(schedule);
      } catch (error) {
        assert.ok(error instanceof AgentError);
      }
    }),
    { seed: 3, numRuns: 500 },
  );
});
