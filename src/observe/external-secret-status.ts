import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { type AgentError, asAgentError, describe } from '../base/errors.ts';
import { compareBytes } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Kube } from '../kube/client.ts';
import { fieldManagerOf } from '../kube/field-owner.ts';
import { type KubeObject, kubeTime, type Resource } from '../kube/resource.ts';
import type { AgentState, LoopEvent, TargetState } from '../loop/state.ts';

export interface StatusWriterOptions {
  readonly kube: () => Promise<Kube>;
  /** The pod's own, for ExternalSecrets that name none. */
  readonly namespace: string | undefined;
  /** Whether targets become Kubernetes Secrets, to which the status is bound then. */
  readonly bindsSecrets: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly view: () => AgentState;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

/** As ESO writes it. */
interface Status {
  readonly conditions?: readonly Condition[];
  readonly refreshTime?: string;
  readonly syncedResourceVersion?: string;
  readonly binding?: { readonly name: string };
}

interface ExternalSecretObject extends KubeObject {
  readonly status?: Status;
}

/**
 * `--write-status`: the status of the ExternalSecret object, as ESO has it, where there is one and RBAC allows. It is
 * server-side applied under a manager of our own and never forced, so ESO's status stays ESO's. Of many replicas the
 * first one writes: what says the same and is fresh is left alone. Nothing waits for this.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #waiting = new Set<string>();
  readonly #ended = new AbortController();
  #working: Promise<void> | undefined;
  #mutedUntilMs = Number.NEGATIVE_INFINITY;
  #complaint: string | undefined;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  record(event: LoopEvent): void {
    if (event.kind === 'removed') this.#waiting.delete(event.name);
    if (event.kind !== 'attempt' || this.#options.clock.monotonic() < this.#mutedUntilMs) return;
    this.#waiting.add(event.name);
    this.#start();
  }

  #start(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      // What came in while the last one ended.
      if (this.#waiting.size > 0 && !this.#ended.signal.aborted) this.#start();
    });
  }

  /** What is known so far is written, as far as that goes in the time of a shutdown. */
  async close(): Promise<void> {
    await Promise.race([this.#working, this.#options.clock.sleep(limits.eventFlushMs)]);
    this.#ended.abort(new Error('the agent ends'));
  }

  async #work(): Promise<void> {
    // The loop's own turn comes first: what it does next may be the same target again.
    await Promise.resolve();
    for (const name of this.#waiting) {
      this.#waiting.delete(name);
      if (this.#ended.signal.aborted) return;
      try {
        const target = this.#options.view().targets.get(name);
        if (target !== undefined) await this.#write(target);
      } catch (error) {
        return this.#complain(asAgentError(error, 'Unavailable'), name);
      }
    }
  }

  async #write(target: TargetState): Promise<void> {
    const namespace = target.namespace ?? this.#options.namespace;
    if (namespace === undefined || target.condition.reason === undefined) return;
    const signal = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(limits.eventMs)]);
    const kube = await this.#options.kube();
    const resource = { ...externalSecrets, namespace, name: target.name };
    const live = await kube.get<ExternalSecretObject>(resource, signal);
    if (live === undefined) return;
    const status = statusOf(target, live, this.#options.bindsSecrets);
    if (isFresh(status, live.status ?? {})) return;
    const { apiVersion, kind } = externalSecrets;
    await kube.apply(
      { ...resource, subresource: 'status' },
      { apiVersion, kind, metadata: { name: target.name }, status } as KubeObject,
      { fieldManager: fieldManagerOf(target.name), signal },
    );
    this.#complaint = undefined;
  }

  /** A denial, or the status of another manager, stays for a while, and the same is told once. */
  #complain(error: AgentError, name: string): void {
    if (this.#ended.signal.aborted) return;
    const { clock, log } = this.#options;
    this.#waiting.clear();
    this.#mutedUntilMs = clock.monotonic() + limits.eventMuteMs;
    const complaint = describe(error);
    if (complaint !== this.#complaint)
      log.warn({ externalSecret: name, err: error }, 'the status of the ExternalSecret could not be written');
    this.#complaint = complaint;
  }
}

const externalSecrets: Resource & { readonly apiVersion: string; readonly kind: string } = {
  group: 'external-secrets.io',
  version: 'v1',
  resource: 'externalsecrets',
  apiVersion: 'external-secrets.io/v1',
  kind: 'ExternalSecret',
};

/** A failure leaves the time and the version of the last success, as in ESO. */
function statusOf(target: TargetState, live: ExternalSecretObject, bindsSecrets: boolean): Status {
  const { condition, lastSuccessMs, targetName } = target;
  const before = live.status ?? {};
  const known = before.conditions?.find(({ type }) => type === 'Ready');
  const since = known?.status === condition.status ? known.lastTransitionTime : undefined;
  const ready: Condition = {
    type: 'Ready',
    status: condition.status,
    reason: condition.reason!,
    message: condition.message,
    lastTransitionTime: since ?? kubeTime(condition.lastTransitionMs),
  };
  const succeeded = condition.status === 'True' && lastSuccessMs !== undefined;
  const refreshTime = succeeded ? kubeTime(lastSuccessMs) : before.refreshTime;
  const syncedResourceVersion = succeeded ? syncedVersionOf(live) : before.syncedResourceVersion;
  const binding = succeeded && bindsSecrets ? { name: targetName } : before.binding;
  return {
    conditions: [ready],
    ...(refreshTime !== undefined && { refreshTime }),
    ...(syncedResourceVersion !== undefined && { syncedResourceVersion }),
    ...(binding?.name && { binding: { name: binding.name } }),
  };
}

/** Whether what stands there says the same, as of about the same time. */
function isFresh(next: Status, live: Status): boolean {
  const known = live.conditions?.find(({ type }) => type === 'Ready');
  const [ready] = next.conditions ?? [];
  const same =
    known?.status === ready?.status && known?.reason === ready?.reason && known?.message === ready?.message;
  if (!same || live.syncedResourceVersion !== next.syncedResourceVersion) return false;
  if (next.binding?.name !== live.binding?.name) return false;
  const aheadMs = Date.parse(next.refreshTime ?? '') - Date.parse(live.refreshTime ?? '');
  return Number.isNaN(aheadMs) ? next.refreshTime === live.refreshTime : aheadMs < limits.statusFreshMs;
}

/** `<generation>-<hash of labels and annotations>`: what ESO takes for the version that it has synced. */
export function syncedVersionOf({ metadata }: KubeObject): string {
  const { generation = 0, labels = {}, annotations = {} } = metadata;
  return `${generation}-${objectHash(`{annotations:${goMap(annotations)} labels:${goMap(labels)}}`)}`;
}

/** ESO's ObjectHash: SHA3-224 of what Go's `%+v` prints. */
export function objectHash(printed: string): string {
  return createHash('sha3-224').update(printed).digest('hex');
}

function goMap(texts: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(texts).sort(([a], [b]) => compareBytes(a, b));
  return `map[${sorted.map(([key, value]) => `${key}:${value}`).join(' ')}]`;
}
