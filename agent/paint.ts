import { stripVTControlCharacters, styleText } from 'node:util';
import type { Output } from './host.ts';

export type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style, text: string) => string;

/** Colours text where the output shows colours. */
export function paintFor(output: Pick<Output, 'colour'>): Paint {
  return (style, text) => (output.colour ? styleText(style, text, { validateStream: false }) : text);
}

/** Rows as columns two spaces apart; colours take no room. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...rows.map((row) => widthOf(row[i] ?? ''))),
  );
  return rows.map((row) =>
    row
      .map((cell, i) => padded(cell, widths[i]!))
      .join('  ')
      .trimEnd(),
  );
}

function padded(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - widthOf(cell)));
}

export function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** Words broken into lines of at most `width`, each after the first indented; a longer word stands alone. What
 * follows the first line of the text itself is an excerpt, whose columns are kept. */
export function wrap(text: string, width: number, indent = 0): string {
  const [first = '', ...excerpt] = text.split('\n');
  const lines: string[] = [];
  for (const word of first.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= width - indent) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return [...lines, ...excerpt].join(`\n${' '.repeat(indent)}`);
}

/** How long, in the two largest units that matter: `45s`, `3m`, `2h10m`, `5d`. */
export function shortDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  return `${Math.floor(hours / 24)}d`;
}
