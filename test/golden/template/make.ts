import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Family } from '../../template/corpus.ts';
import { builtins, comparisons } from './make/builtins.ts';
import { nested, secrets } from './make/case.ts';
import { control, variables } from './make/control.ts';
import { formats, printing } from './make/formats.ts';
import { fields, literals, parseErrors, syntax } from './make/syntax.ts';
import { flatYaml } from './make/yaml.ts';

/**
 * Writes the cases of the engine's own families; the function library's are written by hand. Afterwards, in
 * generate/: `go run . generate ..` records what Go makes of them.
 */
const families: Readonly<Record<string, Omit<Family, 'functions'>>> = {
  builtins: { data: secrets, cases: builtins() },
  comparisons: { cases: comparisons() },
  control: { data: secrets, cases: control() },
  fields: { data: nested, typed: true, cases: fields() },
  'flat-yaml': { cases: flatYaml() },
  formats: { cases: formats() },
  literals: { cases: literals() },
  'parse-errors': { cases: parseErrors() },
  printing: { cases: printing() },
  syntax: { data: secrets, cases: syntax() },
  variables: { data: secrets, cases: variables() },
};

for (const [name, { cases, ...family }] of Object.entries(families)) {
  const header = JSON.stringify({ functions: 'none', ...family }).slice(1, -1);
  const lines = cases.map((each) => JSON.stringify(each)).join(',\n');
  writeFileSync(
    join(import.meta.dirname, 'cases', `${name}.json`),
    `{${header},\n"cases": [\n${lines}\n]}\n`,
  );
}
