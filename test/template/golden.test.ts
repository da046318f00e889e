import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { functions as library } from '../../src/template/functions/functions.ts';
import { type Case, type Family, type Outcome, outcomeOf } from './corpus.ts';

// Expected outcomes come from Go's own engine: test/golden/template/generate. The kind `yaml` belongs to
// the assembly of targets and is run there.

const golden = join(import.meta.dirname, '..', 'golden', 'template');

function read(...path: string[]): unknown {
  return JSON.parse(readFileSync(join(golden, ...path), 'utf8'));
}

for (const file of readdirSync(join(golden, 'cases'))) {
  const { functions, data, typed, cases } = read('cases', file) as Family;
  const templates = cases.filter(({ kind }) => kind === undefined);
  if (templates.length === 0) continue;
  const table = functions === 'eso' ? library : {};
  test(`${file}: ${templates.length} templates give what Go gives`, async () => {
    const expected = read('expected', file) as Record<string, Outcome>;
    const differences: string[] = [];
    for (const each of templates) {
      const filled: Case = each.data ? each : { ...each, ...(data && { data }), ...(typed && { typed }) };
      const actual = await outcomeOf(filled, table);
      const wanted = expected[each.name];
      if (JSON.stringify(actual) === JSON.stringify(wanted)) continue;
      differences.push(
        `${each.name}\n  ${JSON.stringify(each.template)}\n  Go:   ${JSON.stringify(wanted)}\n  here: ${JSON.stringify(actual)}`,
      );
    }
    assert.equal(
      differences.length,
      0,
      `${differences.length} differ:\n${differences.slice(0, Number(process.env['ESA_TEST_SHOWN'] ?? 10)).join('\n')}`,
    );
  });
}
