import type { At } from '../src/base/errors.ts';
import { type Paint, widthOf } from './paint.ts';

/** What would move the cursor or turn the text around, one column each. */
const invisible = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/**
 * The line of the user's file that a fault points at, with a caret beneath its column; nothing where the place is
 * not known. What a Secret document holds is never shown.
 */
export function excerpt(
  at: At,
  text: string | undefined,
  options: { paint: Paint; columns: number },
): string[] {
  if (text === undefined || at.line === undefined || at.object?.startsWith('Secret/')) return [];
  const line = text.split(/\r?\n/)[at.line - 1];
  if (line === undefined || line.trim() === '') return [];
  const gutter = String(at.line);
  const clipped = clip(
    line.replace(invisible, ' '),
    (at.column ?? 1) - 1,
    options.columns - gutter.length - 6,
  );
  const { paint } = options;
  const lines = [`  ${paint('gray', `${gutter} |`)} ${clipped.text}`];
  if (at.column === undefined) return lines;
  const caret = `${' '.repeat(clipped.column)}${paint('red', '^')}`;
  return [...lines, `  ${paint('gray', `${' '.repeat(gutter.length)} |`)} ${caret}`];
}

/** A line too long for the terminal, cut so that its column is seen. */
function clip(
  line: string,
  column: number,
  width: number,
): { readonly text: string; readonly column: number } {
  if (widthOf(line) <= width) return { text: line, column };
  const start = column < width - 10 ? 0 : column - Math.floor(width / 2);
  const cut = line.slice(start, start + width - 2);
  const before = start > 0 ? '…' : '';
  const after = start + cut.length < line.length ? '…' : '';
  return { text: `${before}${cut}${after}`, column: column - start + before.length };
}
