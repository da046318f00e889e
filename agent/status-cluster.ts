import { systemClock } from '../src/base/clock.ts';
import { AgentError, describe } from '../src/base/errors.ts';
import { limits } from '../src/base/limits.ts';
import { type Kube, openKube } from '../src/kube/client.ts';
import { faultOf, statusOf } from '../src/kube/fault.ts';
import { type KubeObject, pathOf, type Resource } from '../src/kube/resource.ts';
import type { Status } from '../src/observe/status.ts';
import { annotationPrefix, injectedLabel, options } from '../src/spec/contract.ts';
import type { Config } from './config.ts';
import { fleetTable } from './fleet-table.ts';
import { type ExitCode, exitCodes, type Host } from './host.ts';

/** One pod with an agent, and how its agent answered. */
export interface PodStatus {
  readonly namespace: string;
  readonly pod: string;
  readonly answer:
    | { readonly kind: 'status'; readonly status: Status }
    /** Not there to be asked (the pod has not started, or has ended). */
    | { readonly kind: 'idle'; readonly reason: string }
    | { readonly kind: 'unreachable'; readonly error: AgentError };
}

interface Pod extends KubeObject {
  readonly status?: { readonly phase?: string };
}

/**
 * `status -n NS` and `status -A`: the agents of many pods in one table, asked through the API server's proxy with
 * the rights of whoever asks. 69 when there is none, or one did not answer.
 */
export async function clusterStatus(config: Config, host: Host): Promise<ExitCode> {
  // One for each question: whoever waited for a connection would seem not to answer.
  const connections = limits.fleetInFlight;
  const kube = await openKube({ clock: systemClock, env: host.env, home: true, connections });
  try {
    const namespace = config.allNamespaces ? undefined : config.namespace || kube.namespace || 'default';
    const pods = await statusOfPods(kube, namespace, host.stopping);
    host.stdout.write(
      config.json ? `${JSON.stringify(pods.map(plain), null, 2)}\n` : fleetTable(pods, host.stdout),
    );
    if (pods.length === 0) host.stderr.write(noneFound(namespace));
    const allAnswered = pods.every(({ answer }) => answer.kind !== 'unreachable');
    return pods.length > 0 && allAnswered ? exitCodes.done : exitCodes.unavailable;
  } finally {
    await kube.close();
  }
}

function noneFound(namespace: string | undefined): string {
  const where = namespace === undefined ? 'the cluster' : `namespace ${namespace}`;
  return `no pod in ${where} has the label ${injectedLabel}=true, by which agents are found\n`;
}

/** Every pod with the label, each asked once, a few at a time. */
async function statusOfPods(
  kube: Kube,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<readonly PodStatus[]> {
  const resource = { group: '', version: 'v1', resource: 'pods', namespace };
  const labelSelector = `${injectedLabel}=true`;
  const pods = await kube.list<Pod>(resource, { labelSelector, maxCount: limits.fleetPods }, signal);
  const statuses: PodStatus[] = [];
  const queue = [...pods];
  const worker = async (): Promise<void> => {
    for (let pod = queue.shift(); pod !== undefined; pod = queue.shift()) {
      const { namespace: podNamespace = '', name = '' } = pod.metadata;
      statuses.push({ namespace: podNamespace, pod: name, answer: await answerOf(kube, pod, signal) });
    }
  };
  await Promise.all(Array.from({ length: limits.fleetInFlight }, worker));
  return statuses;
}

async function answerOf(kube: Kube, pod: Pod, signal: AbortSignal): Promise<PodStatus['answer']> {
  const phase = pod.status?.phase ?? 'Pending';
  // With a native sidecar or an init container the agent runs while the pod is Pending.
  if (phase === 'Succeeded' || phase === 'Failed')
    return { kind: 'idle', reason: `the pod has ended: ${phase}` };
  const port = portOf(pod);
  if (port === 'off')
    return { kind: 'idle', reason: `its agent serves no port: ${annotationPrefix}port is off` };
  try {
    return { kind: 'status', status: await ask(kube, pod, port, signal) };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const starting = phase === 'Pending' && error.code === 'Unavailable';
    return starting ? { kind: 'idle', reason: 'the pod is Pending' } : { kind: 'unreachable', error };
  }
}

function portOf({ metadata }: Pod): string {
  const fromListen = options.listen.default.slice(1);
  const port = metadata.annotations?.[`${annotationPrefix}port`];
  return port === 'off' || (port !== undefined && /^[0-9]{1,5}$/.test(port)) ? port : fromListen;
}

async function ask(kube: Kube, { metadata }: Pod, port: string, signal: AbortSignal): Promise<Status> {
  const { name = '', namespace } = metadata;
  const resource: Resource = { group: '', version: 'v1', resource: 'pods', namespace, name };
  const proxied = pathOf({ ...resource, name: `${name}:${port}`, subresource: 'proxy' });
  const request = {
    method: 'GET',
    path: `${proxied}/status`,
    timeoutMs: limits.askMs,
    maxBytes: limits.fleetStatusBytes,
  };
  const response = await kube.raw(request, signal);
  if (response.status === 200) return statusIn(response.body);
  // The API server's own word is a Status object; anything else was said by what listens in the pod.
  const isApiServers = statusOf(response).reason !== undefined;
  if (response.status === 403 && isApiServers)
    throw faultOf(response, { ...resource, subresource: 'proxy' }, 'get');
  throw new AgentError('Unavailable', `no agent answers on port ${port} (${response.status})`, {
    remedy: `is its agent up, and its --listen the port that ${annotationPrefix}port names? a mesh may refuse the API server`,
  });
}

/** A pod may answer anything: only what has the form of a status is taken for one. */
function statusIn(body: Buffer): Status {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'), (_, member: unknown) =>
      typeof member === 'string' ? printable(member) : member,
    );
    const status = value as Partial<Status> | null;
    if (typeof status === 'object' && Array.isArray(status?.targets) && Array.isArray(status.problems))
      return value as Status;
  } catch {
    // Told below.
  }
  throw new AgentError('Unavailable', 'what answers is not an agent', {
    remedy: `check the port that ${annotationPrefix}port names`,
  });
}

/** What a pod says goes to a person's terminal. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, '').slice(0, limits.quotedErrorLength);
}

function plain({ namespace, pod, answer }: PodStatus): object {
  switch (answer.kind) {
    case 'status':
      return { namespace, pod, status: answer.status };
    case 'idle':
      return { namespace, pod, reason: answer.reason };
    case 'unreachable':
      return { namespace, pod, error: describe(answer.error) };
  }
}
