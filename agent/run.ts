import type { AgentState, LoopEvent } from '../src/loop/state.ts';
import { standingOf, worstFirst } from '../src/observe/standing.ts';
import { faultOf } from '../src/observe/status.ts';
import { runAgent } from './compose.ts';
import type { Config } from './config.ts';
import type { Host, Output } from './host.ts';
import { type Paint, paintFor, shortDuration } from './paint.ts';
import { faultText } from './status.ts';

/** `run`: as a sidecar it logs; with `--once` it also tells a person how each ExternalSecret ended. */
export async function run(config: Config, host: Host): Promise<number> {
  if (!config.once) return (await runAgent(config, host)).exitCode;
  const progress = progressOn(host.stderr);
  const { exitCode, state } = await runAgent(config, host, progress.observe);
  progress.clear();
  host.stdout.write(onceReport(state, config.output, host.stdout));
  return exitCode;
}

/** On a terminal one line that follows what happens; elsewhere nothing, since the log and the report tell it. */
function progressOn(output: Output) {
  const paint = paintFor(output);
  const show = (text: string) => output.isTTY && output.write(`\r\u001b[K${text}`);
  return {
    observe: (event: LoopEvent, state: () => AgentState) => {
      if (event.kind === 'attempt') show(progressLine(state(), paint));
    },
    clear: () => {
      show('');
    },
  };
}

function progressLine(state: AgentState, paint: Paint): string {
  const targets = [...state.targets.values()];
  const synced = targets.filter((target) => standingOf(target) === 'synced').length;
  const failing = targets.filter((target) => target.error !== undefined);
  const trouble = failing.map((target) => `${target.name} ${target.error?.code}`).slice(0, 3);
  const counts = `${paint('green', String(synced))} of ${targets.length} synced`;
  return trouble.length === 0 ? counts : `${counts}, retrying ${paint('yellow', trouble.join(', '))}`;
}

/** What `--once` prints at its end: a line for each ExternalSecret, worst first, and beneath a failure its reason
 * and remedy. */
export function onceReport(state: AgentState, folder: string, output: Output): string {
  const paint = paintFor(output);
  const targets = worstFirst(state.targets.values());
  const lines = targets.map((target) => {
    const { name, targetName, keys, error } = target;
    if (error === undefined && target.published) {
      const count = `${keys.length} key${keys.length === 1 ? '' : 's'}`;
      return `${paint('green', 'synced')}  ${name}  ${count} in ${folder}/${targetName}`;
    }
    const word = target.published ? paint('yellow', 'stale ') : paint('red', 'failed');
    const reason =
      error === undefined
        ? 'not finished in time (--timeout)'
        : faultText(faultOf(error), paint, output.columns);
    return `${word}  ${name}${target.required ? '' : ' (optional)'}\n${indent(reason)}`;
  });
  const problems = state.problems.map((problem) => faultText(faultOf(problem), paint, output.columns));
  const took = shortDuration(
    Math.max(0, ...targets.map((target) => (target.lastAttemptMs ?? 0) - state.startedMs)),
  );
  return `${[...lines, ...problems, summary(state, took)].join('\n')}\n`;
}

function summary(state: AgentState, took: string): string {
  const targets = [...state.targets.values()];
  if (targets.length === 0 && state.problems.length === 0) return 'no ExternalSecret found: see --specs';
  const synced = targets.filter((target) => standingOf(target) === 'synced').length;
  const refused = state.problems.length;
  const problems = refused === 0 ? '' : `, ${refused} document${refused === 1 ? '' : 's'} refused`;
  return `${synced} of ${targets.length} synced${problems} (${took})`;
}

function indent(text: string): string {
  return text.replace(/^/gm, '        ');
}
