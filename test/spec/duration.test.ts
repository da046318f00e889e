import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AgentError } from '../../src/base/errors.ts';
import { formatDuration, parseDuration } from '../../src/spec/duration.ts';

// Expected values are those of Go's time.ParseDuration (go1.26), in nanoseconds.
const accepted: readonly (readonly [string, number])[] = [
  ['0', 0],
  ['-0', 0],
  ['+0', 0],
  ['5s', 5e9],
  ['+5s', 5e9],
  ['-5s', -5e9],
  ['1h0m0s', 3.6e12],
  ['1h15m30.918s', 4_530_918_000_000],
  ['1.5h', 5.4e12],
  ['.5s', 5e8],
  ['1.s', 1e9],
  ['10ns', 10],
  ['11us', 11_000],
  ['12µs', 12_000],
  ['12μs', 12_000],
  ['13ms', 13_000_000],
  ['1h1h', 7.2e12],
  ['0.3333333333333333333h', 1_200_000_000_000],
  ['0.9999999999999999999999999s', 1e9],
  ['9223372036854775807ns', 2 ** 63],
  ['-9223372036854775808ns', -(2 ** 63)],
  ['0.100000000000000000000h', 3.6e11],
];

for (const [text, ns] of accepted) {
  test(`${text} is ${ns} ns`, () => assert.equal(parseDuration(text) + 0, ns / 1e6));
}

const refused: readonly (readonly [string, string])[] = [
  ['', 'the duration "" is empty'],
  ['-', 'the duration "-" has no number'],
  ['3', 'the duration "3" has a number without a unit'],
  ['s', 'the duration "s" has no number before its unit'],
  ['.s', 'the duration ".s" has no number before its unit'],
  ['1d', 'the duration "1d" has the unknown unit "d"'],
  ['1h 2m', 'the duration "1h 2m" has the unknown unit "h "'],
  ['1H', 'the duration "1H" has the unknown unit "H"'],
  ['1constructor', 'the duration "1constructor" has the unknown unit "constructor"'],
  ['--1s', 'the duration "--1s" has no number before its unit'],
  ['9223372036854775808ns', 'the duration "9223372036854775808ns" is longer than about 292 years'],
  ['3000000h', 'the duration "3000000h" is longer than about 292 years'],
];

for (const [text, message] of refused) {
  test(`${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => parseDuration(text), {
      code: 'SpecInvalid',
      message,
      remedy: 'write a Go duration: numbers with the units h, m, s, ms, us, ns, such as 90s or 1h30m',
    });
  });
}

test('any text is a number or our error', () => {
  const pieces = fc.constantFrom(
    '1',
    '0',
    '.',
    '-',
    '+',
    'h',
    'm',
    's',
    'ms',
    'µ',
    'ns',
    ' ',
    'x',
    '99999999999',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      try {
        assert.ok(Number.isFinite(parseDuration(parts.join(''))));
      } catch (error) {
        assert.ok(error instanceof AgentError);
      }
    }),
    { seed: 1, numRuns: 2_000 },
  );
});

test('durations are printed for people, and read back', () => {
  assert.equal(formatDuration(0), '0s');
  assert.equal(formatDuration(3_600_000), '1h');
  assert.equal(formatDuration(5_400_000), '1h30m');
  assert.equal(formatDuration(61_250), '1m1s250ms');
  assert.equal(formatDuration(-1_500), '-1s500ms');
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 1e12 }), (ms) => parseDuration(formatDuration(ms)) === ms),
    { seed: 2 },
  );
});
