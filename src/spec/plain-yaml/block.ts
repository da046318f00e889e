import type { Cursor } from './cursor.ts';
import type { PlainTree } from './tree.ts';

const indentation = / +(?=[^ \n])/y;

/** Expressions do not count to any number. */
const indentLimit = 200;

/** As many dashes as the library may refuse, or a line of spaces. */
const doubtful = /(?:[-?:] +){9}|\n +\n/;

/** The lines below a block's header, which is `|` or `|-` and stands at `start`. */
export function readBlock(
  cursor: Cursor,
  tree: PlainTree,
  { header, start }: { readonly header: string; readonly start: number },
): boolean {
  const from = cursor.at;
  const indent = cursor.take(indentation)?.[0].length ?? 0;
  if (indent <= tree.column || indent > indentLimit) return false;
  cursor.at = from;
  const lines = cursor.take(linesIn(indent))![0];
  if (doubtful.test(lines)) return false;
  const text = withoutEnd(lines.slice(indent).replaceAll(`\n${' '.repeat(indent)}`, '\n'));
  return tree.fill(header === '|' ? `${text}\n` : text, start, from + indent);
}

const linesOf: RegExp[] = [];

/** Lines that start with so many spaces, and those without anything else. */
function linesIn(indent: number): RegExp {
  linesOf[indent] ??= new RegExp(`(?:(?: {${indent}}.*| *)\\n)*`, 'y');
  return linesOf[indent];
}

/** Without the ends of the last lines. */
function withoutEnd(text: string): string {
  let { length } = text;
  while (text[length - 1] === '\n') length--;
  return text.slice(0, length);
}
