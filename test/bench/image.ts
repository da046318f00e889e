import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Table } from './record.ts';

/** What the image has beside Node and the libraries that Node is linked with: the folder of the bundle. */
export function measureImage(entry: string): Table {
  const folder = dirname(entry);
  const sizeOf = (name: string): number => statSync(join(folder, name)).size;
  const names = readdirSync(folder);
  const bytes = (some: readonly string[]): string =>
    `${(some.reduce((sum, name) => sum + sizeOf(name), 0) / 1e6).toFixed(2)} MB`;
  const caches = names.filter((name) => name.endsWith('.cache'));
  return [
    ['added to the Node base', 'bytes'],
    ['code', bytes(names.filter((name) => !caches.includes(name)))],
    ['code caches', bytes(caches)],
    ['all', bytes(names)],
  ];
}
