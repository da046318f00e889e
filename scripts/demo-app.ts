/**
 * The demo's application: it reads a secret, watches the folder as any program can, and says what it sees. It
 * knows nothing of the agent. Started with the target's folder.
 */
import { readdirSync, readFileSync, realpathSync, watch } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2] ?? '.';
let seen = '';

function look(): void {
  // All keys of one moment: resolve the link once and read there.
  const now = realpathSync(join(folder, '..data'));
  if (now === seen) return;
  const changed = readdirSync(now).filter((key) => read(now, key) !== read(seen, key));
  const words = seen === '' ? 'started with' : 'sees new values of';
  seen = now;
  process.send?.({ words, keys: changed, databaseUrl: read(now, 'database-url') });
}

function read(generation: string, key: string): string | undefined {
  try {
    return readFileSync(join(generation, key), 'utf8');
  } catch {
    return undefined;
  }
}

// A rename over `..data` is one event; the last generation is kept a while, so what was seen can still be read.
watch(folder, look);
look();
process.on('disconnect', () => process.exit(0));
