import { join } from 'node:path';
import type { Fault, FullStatus, FullTargetStatus } from '../src/observe/status.ts';
import { ask, NoAgent } from './ask.ts';
import type { Config } from './config.ts';
import { type ExitCode, exitCodes, type Host, type Output } from './host.ts';
import { type Paint, paintFor, type Style, shortDuration, table, wrap } from './paint.ts';

/** Where a running agent can be asked. */
export function socketPathOf(config: Pick<Config, 'state'>): string {
  return join(config.state, 'control.sock');
}

/** `status`: how each ExternalSecret stands, of this pod or of many. 69 when no agent answers. */
export async function status(config: Config, host: Host): Promise<ExitCode> {
  if (config.allNamespaces || config.namespace !== undefined)
    return await (await import('./status-cluster.ts')).clusterStatus(config, host);
  try {
    const { body } = await ask(socketPathOf(config), 'GET /status');
    const full = JSON.parse(body) as FullStatus;
    host.stdout.write(config.json ? `${JSON.stringify(full, null, 2)}\n` : statusTable(full, host.stdout));
    return exitCodes.done;
  } catch (error) {
    if (!(error instanceof NoAgent)) throw error;
    host.stderr.write(
      `${error.message}\nstart one with: external-secrets-agent run, or name its folder: --state DIR\n`,
    );
    return exitCodes.unavailable;
  }
}

const stateStyles: Readonly<Record<string, Style>> = {
  failed: 'red',
  stale: 'yellow',
  pending: 'gray',
  synced: 'green',
};

/** The whole of `status` for a person. */
export function statusTable(status: FullStatus, output: Output): string {
  const paint = paintFor(output);
  const now = Date.parse(status.now);
  const head = ['NAME', 'STATE', 'AGE', 'NEXT', 'STORE', 'KEYS', 'ERROR'].map((title) => paint('dim', title));
  const rows = status.targets.map((target) => rowOf(target, now, paint));
  const faults = [
    ...status.targets.flatMap((target) => (target.error === undefined ? [] : [target.error])),
    ...status.problems,
  ];
  return [
    headline(status, paint),
    '',
    ...(rows.length === 0 ? ['no ExternalSecret found: see --specs'] : table([head, ...rows])),
    ...faults.map((fault) => `\n${faultText(fault, paint, output.columns)}`),
    '',
  ].join('\n');
}

function headline(status: FullStatus, paint: Paint): string {
  const up = shortDuration(Date.parse(status.now) - Date.parse(status.startedAt));
  const ready = status.ready ? paint('green', 'ready') : paint('yellow', 'not ready');
  return `external-secrets-agent ${status.version}, up ${up}, ${ready}`;
}

function rowOf(target: FullTargetStatus, now: number, paint: Paint): string[] {
  const { name, state, lastSuccess, nextRefresh, stores, keys, code } = target;
  return [
    name,
    paint(stateStyles[state] ?? 'reset', state),
    lastSuccess === undefined ? '-' : shortDuration(now - Date.parse(lastSuccess)),
    nextRefresh === undefined ? '-' : `in ${shortDuration(Date.parse(nextRefresh) - now)}`,
    stores.map((store) => store.slice(store.indexOf('/') + 1)).join(',') || '-',
    String(keys.length),
    code ?? '',
  ];
}

/** A fault as lines: where, what, and beneath it the remedy. */
export function faultText(fault: Fault, paint: Paint, columns: number): string {
  const where = [fault.position, fault.object, fault.field].filter((part) => part !== undefined).join(': ');
  const what = `${paint('red', fault.code)}: ${fault.message}`;
  const head = wrap(where === '' ? what : `${paint('bold', where)}: ${what}`, columns, 2);
  return fault.remedy === undefined ? head : `${head}\n  ${wrap(`→ ${fault.remedy}`, columns, 4)}`;
}
