import type { CallContext } from '../func.ts';

/** Texts cut to a width, by the rules of goutils: it counts bytes and breaks at spaces only. */

const dots = '...';

/** At most `width` bytes, dots where something was left out. */
export function abbreviate(text: string, from: bigint, width: bigint): string {
  if (BigInt(text.length) <= width) return text;
  // Less than the text's length from here on.
  const room = Number(width);
  let offset = from > BigInt(text.length) ? text.length : Number(from);
  if (text.length - offset < room - 3) offset = text.length - (room - 3);
  if (offset <= 4) return text.slice(0, room - 3) + dots;
  if (room < 7) return '';
  if (offset + room - 3 < text.length) return dots + inner(text.slice(offset), room - 3);
  return dots + text.slice(text.length - (room - 3));
}

function inner(text: string, width: number): string {
  return text.length <= width ? text : text.slice(0, width - 3) + dots;
}

export interface WrapOptions {
  readonly width: bigint;
  readonly separator: string;
  /** Whether a word longer than a line is broken. */
  readonly breakWords: boolean;
}

/** Puts the separator in place of spaces, so that lines are at most `width` bytes. */
export function wrapLines(text: string, options: WrapOptions, context: CallContext): string {
  if (options.width >= BigInt(text.length)) return text;
  const width = Math.max(1, Number(options.width));
  const { separator, breakWords } = options;
  let wrapped = '';
  let offset = 0;
  while (text.length - offset > width) {
    if (text[offset] === ' ') {
      offset++;
      continue;
    }
    context.step();
    context.grow(separator.length);
    const line = nextLine(text, offset, width, breakWords);
    if (line === undefined) break;
    wrapped += text.slice(offset, line.end) + separator;
    offset = line.next;
  }
  return wrapped + text.slice(offset);
}

/** Where a line ends and the next one starts; undefined when the rest stays in one. */
function nextLine(
  text: string,
  offset: number,
  width: number,
  breakWords: boolean,
): { end: number; next: number } | undefined {
  // In the line's own text alone, since a search from its end would go on to the start of everything.
  const within = text.slice(offset, offset + width + 1).lastIndexOf(' ');
  if (within >= 0) return { end: offset + within, next: offset + within + 1 };
  if (breakWords) return { end: offset + width, next: offset + width };
  const beyond = text.indexOf(' ', offset + width);
  return beyond < 0 ? undefined : { end: beyond, next: beyond + 1 };
}
