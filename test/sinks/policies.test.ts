import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { expected, type Row, rows } from './policy-rows.ts';

const file = join(import.meta.dirname, '../golden/policies/expected.json');
const golden: Record<string, object> = JSON.parse(readFileSync(file, 'utf8'));

/** docs/eso-departures.md has these, with the reason. */
const departures: readonly ((row: Row) => boolean)[] = [
  // What a controller of another kind owns is not overwritten, under Orphan either.
  ({ creation, state, deletion, answer }) =>
    creation === 'Orphan' && state === 'foreign' && !(deletion !== 'Merge' && answer === 'absent'),
  // Only a Secret that this ExternalSecret wrote is deleted.
  ({ creation, deletion, state, answer }) =>
    creation === 'Owner' &&
    deletion === 'Delete' &&
    answer === 'absent' &&
    !['absent', 'ours'].includes(state),
];

test('the table of policies is ESO’s own, but for what is departed from on purpose', () => {
  const known = rows.filter(({ name }) => golden[name] !== undefined);
  assert.equal(known.length, Object.keys(golden).length);
  for (const row of known) {
    const outcome = expected(row);
    const ours = { ...outcome, data: outcome.data ?? null };
    if (departures.some((departs) => departs(row))) assert.notDeepEqual(ours, golden[row.name], row.name);
    else assert.deepEqual(ours, golden[row.name], row.name);
  }
});
