/**
 * An application that reads a set of one moment: it resolves `..data` once and reads every key there, over and
 * over, and tells its parent of each new value it meets. `reader.ts TARGET KEYS`; ends with the channel.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const [target = '', keyCount = ''] = process.argv.slice(2);
const keys = Array.from({ length: Number(keyCount) }, (_, i) => `key${i}`);
let last: string | undefined;

/** The set of values in one generation; undefined when the generation went while it was read. */
function readSet(): ReadonlySet<string> | undefined {
  try {
    const generation = join(target, readlinkSync(join(target, '..data')));
    return new Set(keys.map((key) => readFileSync(join(generation, key), 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function turn(): void {
  const values = readSet();
  if (values !== undefined && values.size !== 1) process.send?.({ mixed: [...values] });
  const [value] = values ?? [];
  if (value !== undefined && value !== last) process.send?.({ value });
  last = value ?? last;
  setImmediate(turn);
}

process.on('disconnect', () => process.exit(0));
turn();
