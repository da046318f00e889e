/** Writes the expected operations of test/inject/golden anew, from what the code makes now. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { patchOf } from './pods.ts';

const folder = join(import.meta.dirname, 'golden');
for (const name of readdirSync(folder)) {
  const { operations } = patchOf(parse(readFileSync(join(folder, name, 'pod.yaml'), 'utf8')));
  writeFileSync(
    join(folder, name, 'patch.yaml'),
    stringify(operations, { lineWidth: 0, aliasDuplicateObjects: false }),
  );
}
