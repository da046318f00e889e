import type { AgentState, TargetState } from '../src/loop/state.ts';
import { standingOf, worstFirst } from '../src/observe/standing.ts';
import { faultOf } from '../src/observe/status.ts';
import type { Output } from './host.ts';
import { type Paint, paintFor, shortDuration } from './paint.ts';
import { faultText } from './status.ts';

/** What `--once` prints at its end: a line for each ExternalSecret, worst first, and beneath a failure its reason
 * and remedy. */
export function onceReport(state: AgentState, folder: string, nowMs: number, output: Output): string {
  const paint = paintFor(output);
  const lines = worstFirst(state.targets.values()).map((target) =>
    standingOf(target) === 'synced'
      ? syncedLine(target, folder, paint)
      : failedLines(target, paint, output.columns),
  );
  const problems = state.problems.map((problem) => faultText(faultOf(problem), paint, output.columns));
  return `${[...lines, ...problems, summary(state, nowMs)].join('\n')}\n`;
}

function syncedLine({ name, targetName, keys }: TargetState, folder: string, paint: Paint): string {
  const count = `${keys.length} key${keys.length === 1 ? '' : 's'}`;
  return `${paint('green', 'synced')}  ${name}  ${count} in ${folder}/${targetName}`;
}

function failedLines(
  { name, required, published, error }: TargetState,
  paint: Paint,
  columns: number,
): string {
  const word = published ? paint('yellow', 'stale ') : paint('red', 'failed');
  const reason =
    error === undefined
      ? 'not finished in time: see --timeout'
      : faultText(faultOf(error), paint, columns - 8);
  return `${word}  ${name}${required ? '' : ' (optional)'}\n${reason.replace(/^/gm, '        ')}`;
}

function summary(state: AgentState, nowMs: number): string {
  const targets = [...state.targets.values()];
  const refused = state.problems.length;
  if (targets.length === 0 && refused === 0) return 'no ExternalSecret found: see --specs';
  const synced = targets.filter((target) => standingOf(target) === 'synced').length;
  const problems = refused === 0 ? '' : `, ${refused} document${refused === 1 ? '' : 's'} refused`;
  return `${synced} of ${targets.length} synced${problems} (${shortDuration(Math.max(0, nowMs - state.startedMs))})`;
}
