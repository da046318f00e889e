import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { type Case, type Outcome, outcomeOf } from './corpus.ts';

// Expected outcomes come from Go's own engines: test/golden/plan/generate.

const golden = join(import.meta.dirname, '..', 'golden', 'plan');

function read(...path: string[]): unknown {
  return JSON.parse(readFileSync(join(golden, ...path), 'utf8'));
}

for (const file of readdirSync(join(golden, 'cases'))) {
  const cases = read('cases', file) as readonly Case[];
  test(`${file}: ${cases.length} cases give what Go gives`, async () => {
    const expected = read('expected', file) as readonly Outcome[];
    assert.equal(expected.length, cases.length);
    const differences: string[] = [];
    for (const [index, asked] of cases.entries()) {
      const actual = await outcomeOf(asked);
      const wanted = expected[index];
      if (isDeepStrictEqual(actual, wanted)) continue;
      const [go, here] = [wanted, actual].map((outcome) => JSON.stringify(outcome));
      differences.push(`${JSON.stringify(asked)}\n  Go:   ${go}\n  here: ${here}`);
    }
    const shown = differences.slice(0, Number(process.env['ESA_TEST_SHOWN'] ?? 10));
    assert.equal(differences.length, 0, `${differences.length} differ:\n${shown.join('\n')}`);
  });
}
