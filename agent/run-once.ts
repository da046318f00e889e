import { systemClock } from '../src/base/clock.ts';
import type { AgentState, LoopEvent } from '../src/loop/state.ts';
import { standingOf } from '../src/observe/standing.ts';
import { type RunResult, runAgent } from './compose.ts';
import type { Config } from './config.ts';
import { type ExitCode, exitCodes, type Host, type Output } from './host.ts';
import { onceReport } from './once-report.ts';
import { type Paint, paintFor } from './paint.ts';
import { failureMessage, leaveMessage, usageMessage } from './termination.ts';

/** `run --once`: a line of progress on a terminal, a report at the end, and the reason of a failure for Kubernetes. */
export async function runOnce(config: Config, host: Host): Promise<ExitCode> {
  const progress = progressOn(host.stderr);
  const { exitCode, state } = await leavingMessage(config, host, () =>
    runAgent(quietOn(host.stderr, config), host, progress.observe),
  );
  progress.clear();
  host.stdout.write(onceReport(state, config.output, systemClock.now(), host.stdout));
  return exitCode;
}

/** For `kubectl describe pod`: why it failed, if it did. */
async function leavingMessage(
  config: Config,
  host: Host,
  work: () => Promise<RunResult>,
): Promise<RunResult> {
  try {
    const result = await work();
    if (result.exitCode !== exitCodes.done) await leaveMessage(failureMessage(result.state), config, host);
    return result;
  } catch (error) {
    await leaveMessage(usageMessage(error), config, host);
    throw error;
  }
}

/** On a terminal the progress line and the report tell everything; log lines would tear them apart. */
function quietOn(output: Output, config: Config): Config {
  return output.isTTY && !config.given.has('logLevel') ? { ...config, logLevel: 'error' } : config;
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
