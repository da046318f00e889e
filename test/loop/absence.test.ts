import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confirm, isConfirmed } from '../../src/loop/absence.ts';

test('three proofs, thirty seconds apart, confirm an absence', () => {
  const first = confirm(undefined, ['a'], 0);
  const second = confirm(first, ['a'], 30_000);
  const third = confirm(second, ['a'], 60_000);
  assert.deepEqual([first, second, third].map(isConfirmed), [false, false, true]);
});

test('proofs closer than thirty seconds are one', () => {
  let absence = confirm(undefined, ['a'], 0);
  for (let ms = 1_000; ms < 30_000; ms += 1_000) absence = confirm(absence, ['a'], ms);
  assert.equal(absence.confirmations, 1);
});

test('another set of keys starts anew', () => {
  const two = confirm(confirm(undefined, ['a'], 0), ['a'], 30_000);
  assert.equal(confirm(two, ['a', 'b'], 60_000).confirmations, 1);
});
