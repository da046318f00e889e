import { standings } from '../src/observe/standing.ts';
import type { TargetStatus } from '../src/observe/status.ts';
import type { Output } from './host.ts';
import { type Paint, paintFor, type Style, shortDuration, table } from './paint.ts';
import type { PodStatus } from './status-cluster.ts';

/** Worst first: what is known to fail, then what cannot be known. */
const ranks = ['refused', 'failed', 'unreachable', ...standings.slice(1), 'idle'];

const styles: Readonly<Record<string, Style>> = {
  refused: 'red',
  failed: 'red',
  unreachable: 'magenta',
  stale: 'yellow',
  pending: 'gray',
  idle: 'gray',
  synced: 'green',
};

interface Row {
  readonly state: string;
  /** Beside the state, which is painted. */
  readonly cells: readonly [namespace: string, pod: string, name: string, ...rest: string[]];
}

/** Every ExternalSecret of every pod, and every pod that did not answer, worst first. */
export function fleetTable(pods: readonly PodStatus[], output: Output): string {
  if (pods.length === 0) return '';
  const paint = paintFor(output);
  const rows = pods.flatMap(rowsOf).sort(worstFirst);
  const head = ['STATE', 'NAMESPACE', 'POD', 'NAME', 'AGE', 'NEXT', 'ERROR'].map((title) =>
    paint('dim', title),
  );
  const lines = table([head, ...rows.map(({ state, cells }) => [painted(state, paint), ...cells])]);
  return [...lines, '', summary(pods, rows), ...remedies(pods), ''].join('\n');
}

function rowsOf({ namespace, pod, answer }: PodStatus): Row[] {
  if (answer.kind === 'status') {
    const { status } = answer;
    const now = Date.parse(status.now);
    const refused = status.problems.map(
      ({ code, object }): Row => ({
        state: 'refused',
        cells: [namespace, pod, object ?? '-', '-', '-', String(code)],
      }),
    );
    const rows = status.targets.map((target) => targetRow(target, { namespace, pod, now }));
    if (refused.length + rows.length > 0) return [...refused, ...rows];
    return [{ state: 'idle', cells: [namespace, pod, '-', '-', '-', 'it has no ExternalSecret'] }];
  }
  const reason = answer.kind === 'idle' ? answer.reason : `${answer.error.code}: ${answer.error.message}`;
  return [{ state: answer.kind, cells: [namespace, pod, '-', '-', '-', reason] }];
}

function targetRow(
  { name, state, lastSuccess, nextRefresh, code }: TargetStatus,
  { namespace, pod, now }: { readonly namespace: string; readonly pod: string; readonly now: number },
): Row {
  const age = lastSuccess === undefined ? '-' : shortDuration(now - Date.parse(lastSuccess));
  const next = nextRefresh === undefined ? '-' : `in ${shortDuration(Date.parse(nextRefresh) - now)}`;
  return { state, cells: [namespace, pod, name, age, next, code ?? ''] };
}

function worstFirst(a: Row, b: Row): number {
  const rank = ranks.indexOf(a.state) - ranks.indexOf(b.state);
  if (rank !== 0) return rank;
  const place = ({ cells }: Row) => cells.slice(0, 3).join('\0');
  return place(a) < place(b) ? -1 : 1;
}

function painted(state: string, paint: Paint): string {
  return paint(styles[state] ?? 'reset', state);
}

function summary(pods: readonly PodStatus[], rows: readonly Row[]): string {
  const counts = ranks
    .map((state) => [state, rows.filter((row) => row.state === state).length] as const)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`);
  return `${pods.length} pod${pods.length === 1 ? '' : 's'}: ${counts.join(', ')}`;
}

/** Each once, whole, since an RBAC rule is to be pasted. */
function remedies(pods: readonly PodStatus[]): readonly string[] {
  const texts = pods.flatMap(({ answer }) =>
    answer.kind === 'unreachable' && answer.error.remedy !== undefined ? [`→ ${answer.error.remedy}`] : [],
  );
  return [...new Set(texts)].slice(0, 5);
}
