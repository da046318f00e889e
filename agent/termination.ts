import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { type AgentError, describe } from '../src/base/errors.ts';
import type { AgentState } from '../src/loop/state.ts';
import { standingOf, worstFirst } from '../src/observe/standing.ts';
import type { Config } from './config.ts';
import { type Host, UsageError } from './host.ts';

/** The kubelet keeps no more of it. */
const longestBytes = 4_096;

/**
 * Leaves the reason of a failed `--once` where the kubelet looks for it, so that `kubectl describe pod` shows it. The
 * kubelet makes the file: where it is not, or may not be written, nothing is told and nothing fails.
 */
export async function leaveMessage(
  text: string,
  { terminationLog, given }: Pick<Config, 'terminationLog' | 'given'>,
  host: Pick<Host, 'env'>,
): Promise<void> {
  const inPod = Boolean(host.env['KUBERNETES_SERVICE_HOST']);
  if (text === '' || !(inPod || given.has('terminationLog'))) return;
  try {
    const file = await open(terminationLog, constants.O_WRONLY | constants.O_TRUNC);
    await file.writeFile(text).finally(() => file.close());
  } catch {
    // The same stands in the log and in the report.
  }
}

/** Every ExternalSecret that is not synced and every refused document, worst first, each with code and remedy. */
export function failureMessage(state: AgentState): string {
  const problems = state.problems.map(describe);
  const failed = worstFirst(state.targets.values()).filter((target) => standingOf(target) !== 'synced');
  const targets = failed.map(({ name, error }) =>
    error === undefined ? `ExternalSecret/${name}: not finished in time: see --timeout` : told(name, error),
  );
  return fitted([...problems, ...targets]);
}

function told(name: string, error: AgentError): string {
  const text = describe(error);
  return text.includes(`ExternalSecret/${name}`) ? text : `ExternalSecret/${name}: ${text}`;
}

/** What the command line or an option is wrong about; a bug's text may hold anything and is not told. */
export function usageMessage(error: unknown): string {
  if (!(error instanceof UsageError)) return '';
  return fitted([error.remedy === undefined ? error.message : `${error.message} (${error.remedy})`]);
}

/** As many whole lines as fit, and how many do not; the first one is cut if it must be. */
function fitted(lines: readonly string[]): string {
  const kept: string[] = [];
  const room = longestBytes - 'and 999999 more\n'.length;
  for (const line of lines) {
    if (Buffer.byteLength([...kept, line, ''].join('\n')) > room) break;
    kept.push(line);
  }
  const [first] = lines;
  if (kept.length === 0 && first !== undefined) kept.push(cut(first, room - 4));
  const left = lines.length - kept.length;
  return [...kept, ...(left > 0 ? [`and ${left} more`] : [])].map((line) => `${line}\n`).join('');
}

function cut(line: string, bytes: number): string {
  return `${Buffer.from(line)
    .subarray(0, bytes)
    .toString('utf8')
    .replace(/\ufffd+$/, '')}…`;
}
