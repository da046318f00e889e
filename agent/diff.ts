/** One line of a comparison: kept, taken away or added. */
interface Line {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

const contextLines = 3;

/** The unified diff of two texts without its two lines of file names; empty when they are equal. */
export function unifiedDiff(before: string, after: string): readonly string[] {
  const lines = compared(linesOf(before), linesOf(after));
  const changes = lines.flatMap(({ sign }, i) => (sign === ' ' ? [] : [i]));
  return hunksAround(changes, lines.length).flatMap(([start, end]) => hunk(lines, start, end));
}

function linesOf(text: string): readonly string[] {
  return text.replace(/\n$/, '').split('\n');
}

/** The longest common subsequence of what is between the equal start and the equal end. */
function compared(before: readonly string[], after: readonly string[]): readonly Line[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const kept = (text: string): Line => ({ sign: ' ', text });
  const middle = alignment(before.slice(head, before.length - tail), after.slice(head, after.length - tail));
  return [...before.slice(0, head).map(kept), ...middle, ...before.slice(before.length - tail).map(kept)];
}

function alignment(before: readonly string[], after: readonly string[]): readonly Line[] {
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const same = before[i] === after[j];
      lengths[i * width + j] = same ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && before[i] === after[j]) {
      lines.push({ sign: ' ', text: before[i]! });
      [i, j] = [i + 1, j + 1];
    } else if (i < before.length && (j === after.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ sign: '-', text: before[i++]! });
    } else lines.push({ sign: '+', text: after[j++]! });
  }
  return lines;
}

/** Ranges of lines to show, those that touch taken together. */
function hunksAround(changes: readonly number[], length: number): readonly (readonly [number, number])[] {
  const hunks: [number, number][] = [];
  for (const change of changes) {
    const [start, end] = [Math.max(0, change - contextLines), Math.min(length, change + contextLines + 1)];
    const last = hunks.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = end;
    else hunks.push([start, end]);
  }
  return hunks;
}

function hunk(lines: readonly Line[], start: number, end: number): readonly string[] {
  const count = (part: readonly Line[], other: Line['sign']): number =>
    part.filter(({ sign }) => sign !== other).length;
  const [above, shown] = [lines.slice(0, start), lines.slice(start, end)];
  const range = (other: Line['sign']): string => {
    const size = count(shown, other);
    return `${count(above, other) + (size === 0 ? 0 : 1)},${size}`;
  };
  return [`@@ -${range('+')} +${range('-')} @@`, ...shown.map(({ sign, text }) => sign + text)];
}
