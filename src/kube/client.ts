import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import type { HttpResponse } from '../base/http.ts';
import { limits } from '../base/limits.ts';
import { type KubeConnection, podConnection } from './connection.ts';
import { faultOf, kubeFaultOf, provesAbsence } from './fault.ts';
import type { KubeObject, Resource } from './resource.ts';
import { type Call, type RawRequest, Wire } from './wire.ts';

export interface ApplyOptions {
  readonly fieldManager: string;
  /** Takes fields over from their managers; without it a field of another's is a conflict. */
  readonly force?: boolean;
}

export interface ListOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** More than this is DecodeFailed; `limits.findCount` when unset. */
  readonly maxCount?: number;
}

export interface GetOptions {
  /** `limits.kubeAttempts` when unset. */
  readonly attempts?: number;
}

export interface DeleteOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export type PatchType =
  | 'application/merge-patch+json'
  | 'application/json-patch+json'
  | 'application/strategic-merge-patch+json';

/**
 * One API server, spoken to as one identity. Failures are AgentErrors: AuthFailed (401), Denied (403, with the
 * missing RBAC rule as remedy), Throttled, Unavailable; a write that lost a race is PublishFailed, and
 * `isConflict` tells it. What may be repeated is, up to `limits.kubeAttempts` times.
 */
export interface Kube {
  /** The pod's or the kubeconfig's; undefined when neither names one. */
  readonly namespace: string | undefined;
  /** `host:port`, for messages. */
  readonly host: string;
  /** Undefined when the object is proven absent. */
  get<T extends KubeObject>(
    resource: Resource,
    signal: AbortSignal,
    options?: GetOptions,
  ): Promise<T | undefined>;
  /** All pages, as of one moment. */
  list<T extends KubeObject>(
    resource: Resource,
    options: ListOptions,
    signal: AbortSignal,
  ): Promise<readonly T[]>;
  /** Server-side apply. With a `metadata.resourceVersion` in the object it is a conflict when that has passed. */
  apply<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: ApplyOptions & { signal: AbortSignal },
  ): Promise<T>;
  /** `resource` names the collection, or a subresource such as `token`. A conflict when the object exists. */
  create<T extends KubeObject>(resource: Resource, object: object, signal: AbortSignal): Promise<T>;
  patch<T extends KubeObject>(
    resource: Resource,
    patch: object,
    options: { type?: PatchType; fieldManager?: string; signal: AbortSignal },
  ): Promise<T>;
  /** False when it was gone already; a conflict when a precondition does not hold. */
  delete(resource: Resource, preconditions: DeleteOptions, signal: AbortSignal): Promise<boolean>;
  /** One exchange without any meaning given to the status: for a pod's proxy, `/version` and the like. */
  raw(request: RawRequest, signal: AbortSignal): Promise<HttpResponse>;
  close(): Promise<void>;
}

export interface KubeOptions {
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the kubelet mounts token and CA, when not at the usual place. */
  readonly serviceAccountDir?: string;
  /** A file that beats the pod's own connection and KUBECONFIG. */
  readonly kubeconfig?: string | undefined;
  /** On a laptop: without KUBECONFIG, `~/.kube/config` as kubectl has it. */
  readonly home?: boolean;
  /** As in `KubeConnection`: for who asks much at once. */
  readonly connections?: number;
}

/**
 * The API server of the pod's cluster, with the pod's own token; outside of a cluster that of KUBECONFIG. Nothing
 * is asked yet. Throws SpecInvalid for a kubeconfig that cannot be used, AuthFailed when there is none.
 */
export async function openKube(options: KubeOptions): Promise<Kube> {
  const { env, clock, connections } = options;
  const inPod =
    options.kubeconfig === undefined ? await podConnection(env, options.serviceAccountDir) : undefined;
  if (inPod !== undefined) return openKubeAt({ ...inPod, connections }, clock);
  const { kubeconfigConnection } = await import('./kubeconfig.ts');
  const home = options.home && env['HOME'] ? `${env['HOME']}/.kube/config` : undefined;
  const files = options.kubeconfig ?? (env['KUBECONFIG'] || home);
  if (files !== undefined) {
    const connection = await kubeconfigConnection(files.split(':'), { env, clock });
    return openKubeAt({ ...connection, connections }, clock);
  }
  throw new AgentError(
    'AuthFailed',
    'there is no API server to ask: this is no pod, and KUBECONFIG is not set',
    {
      remedy: 'set KUBECONFIG to the kubeconfig file of the cluster',
    },
  );
}

/** An API server that is known by address, as a store's may be. */
export function openKubeAt(connection: KubeConnection, clock: Clock): Kube {
  const wire = new Wire(connection, clock);
  const ask = async (call: Call): Promise<HttpResponse> => {
    const response = await wire.exchange(call);
    if (response.status < 300) return response;
    throw faultOf(response, call.resource, call.verb);
  };
  return {
    namespace: connection.namespace,
    host: new URL(connection.server).host,
    get: async (resource, signal, { attempts } = {}) => {
      const response = await wire.exchange({ verb: 'get', method: 'GET', resource, attempts, signal });
      if (response.status < 300) return json(response);
      if (provesAbsence(response, resource)) return undefined;
      throw faultOf(response, resource, 'get');
    },
    list: async (resource, options, signal) => await listAll(ask, resource, { ...options, signal }),
    apply: async (resource, object, { fieldManager, force = false, signal }) => {
      const query = new URLSearchParams({ fieldManager, force: String(force) });
      const contentType = 'application/apply-patch+yaml';
      return json(
        await ask({ verb: 'patch', method: 'PATCH', resource, query, body: object, contentType, signal }),
      );
    },
    create: async (resource, body, signal) =>
      json(await ask({ verb: 'create', method: 'POST', resource, body, signal })),
    patch: async (resource, body, { type = 'application/merge-patch+json', fieldManager, signal }) => {
      const query = new URLSearchParams(fieldManager === undefined ? {} : { fieldManager });
      return json(
        await ask({ verb: 'patch', method: 'PATCH', resource, query, body, contentType: type, signal }),
      );
    },
    delete: async (resource, preconditions, signal) => {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions };
      const response = await wire.exchange({ verb: 'delete', method: 'DELETE', resource, body, signal });
      if (response.status < 300) return true;
      if (provesAbsence(response, resource)) return false;
      throw faultOf(response, resource, 'delete');
    },
    raw: async ({ method, path, body, contentType, ...rest }, signal) =>
      await wire.send({ method, path, body, contentType, signal, ...rest }),
    close: async () => await wire.close(),
  };
}

function json<T>(response: HttpResponse): T {
  try {
    return JSON.parse(response.body.toString('utf8')) as T;
  } catch {
    // The parser's text quotes what it met, which may be a value.
    throw new AgentError('DecodeFailed', 'the API server answers with something that is not JSON', {
      remedy: 'check that the address is that of a Kubernetes API server',
    });
  }
}

interface Page<T> {
  readonly items?: readonly T[];
  readonly metadata?: { readonly continue?: string };
}

/** Page by page; a list that grew too old while it was read (410) is begun anew. */
async function listAll<T extends KubeObject>(
  ask: (call: Call) => Promise<HttpResponse>,
  resource: Resource,
  options: ListOptions & { readonly signal: AbortSignal },
): Promise<readonly T[]> {
  const { signal, maxCount = limits.findCount } = options;
  let items: T[] = [];
  let next = '';
  for (let restarts = 0; ; ) {
    const query = listQuery(options, next);
    try {
      const page = json<Page<T>>(await ask({ verb: 'list', method: 'GET', resource, query, signal }));
      items.push(...(page.items ?? []));
      next = page.metadata?.continue ?? '';
    } catch (error) {
      if (kubeFaultOf(error)?.status !== 410 || ++restarts >= limits.kubeAttempts) throw error;
      items = [];
      next = '';
      continue;
    }
    if (items.length > maxCount) throw tooMany(resource, maxCount);
    if (next === '') return items;
  }
}

function listQuery({ labelSelector, fieldSelector }: ListOptions, next: string): URLSearchParams {
  const query = new URLSearchParams({ limit: String(limits.kubePageCount) });
  if (labelSelector !== undefined) query.set('labelSelector', labelSelector);
  if (fieldSelector !== undefined) query.set('fieldSelector', fieldSelector);
  if (next !== '') query.set('continue', next);
  return query;
}

function tooMany({ resource }: Resource, maxCount: number): AgentError {
  return new AgentError('DecodeFailed', `there are more than ${maxCount} ${resource}`, {
    remedy: 'narrow the selection, by labels for example',
  });
}
