import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A table: its head, and a line for each row. */
export type Table = readonly (readonly string[])[];

/** For a terminal: columns two spaces apart, the first `left` of them aligned on their left. */
export function plain(table: Table, left = 2): string {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)));
  const pad = (cell: string, i: number): string =>
    i < left ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!);
  return table.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}

const page = join(import.meta.dirname, '..', '..', 'docs', 'performance.md');

/** Puts a table into the page, in the place of the last one of that name. */
export function record(name: string, [head = [], ...lines]: Table): void {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const text = [row(head), row(head.map(() => '---')), ...lines.map(row)].join('\n');
  const part = new RegExp(`(<!-- bench ${name}: [^>]*-->\\n)[\\s\\S]*?(<!-- /bench -->)`);
  const before = readFileSync(page, 'utf8');
  if (!part.test(before)) throw new Error(`docs/performance.md has no place for the table ${name}`);
  writeFileSync(
    page,
    before.replace(part, (_, open, close) => `${open}\n${text}\n\n${close}`),
  );
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export const mib = (kib: number): string => `${(kib / 1024).toFixed(1)} MiB`;
export const ratio = (ours: number, peers: number): string => `${(ours / peers).toFixed(2)} x`;
