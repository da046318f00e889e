import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { type AgentError, asAgentError, describe } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Kube } from '../kube/client.ts';
import { kubeTime, type Resource } from '../kube/resource.ts';
import type { AgentState, LoopEvent } from '../loop/state.ts';

export interface PodReference {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface EventsOptions {
  readonly kube: () => Promise<Kube>;
  readonly pod: PodReference;
  readonly clock: Clock;
  readonly log: Log;
  readonly view: () => AgentState;
}

/** The same thing said again and again: one Event of Kubernetes, whose count grows. */
interface Series {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly firstMs: number;
  /** Of the Event; another after that one has expired. */
  name: string;
  count: number;
  /** The count last written; 0 while there is no Event. */
  written: number;
  /** Monotonic ms. */
  writtenMs: number;
}

interface Told {
  failing: boolean;
  /** A payload changed since the last attempt ended. */
  changed: boolean;
  /** Of the condition when it was last well. */
  reason?: string | undefined;
}

/**
 * What happens, as Events on the pod for `kubectl describe`: Synced, Rotated, Deleted, Missing, and a Warning by the error's code. An
 * Event that cannot be written is a line in the log and nothing else: nothing waits for this.
 */
export class PodEvents {
  readonly #options: EventsOptions;
  readonly #series = new Map<string, Series>();
  readonly #told = new Map<string, Told>();
  readonly #ended = new AbortController();
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;
  #tokens: number = limits.eventBurst;
  #refilledMs: number;
  #mutedUntilMs = Number.NEGATIVE_INFINITY;
  #complaint: string | undefined;

  constructor(options: EventsOptions) {
    this.#options = options;
    this.#refilledMs = options.clock.monotonic();
  }

  record(event: LoopEvent): void {
    if (event.kind === 'removed') this.#told.delete(event.name);
    if (event.kind === 'publish' && event.result === 'changed') {
      const told = this.#told.get(event.name);
      if (told !== undefined) told.changed = true;
    }
    if (event.kind === 'attempt') this.#attempt(event.name, event.result);
  }

  /** Documents that the agent does not take. */
  refused(problems: readonly AgentError[]): void {
    for (const problem of problems) this.#note('Warning', problem.code, describe(problem));
  }

  /** What was said so far is written, as far as that goes in the time of a shutdown. */
  async close(): Promise<void> {
    const { clock } = this.#options;
    await Promise.race([this.#queue, clock.sleep(limits.eventFlushMs)]);
    this.#ended.abort(new Error('the agent ends'));
  }

  #attempt(name: string, result: 'synced' | 'failed'): void {
    const before = this.#told.get(name);
    const target = this.#options.view().targets.get(name);
    const who = `ExternalSecret ${name}`;
    if (result === 'failed') {
      this.#told.set(name, { ...before, failing: true, changed: before?.changed ?? false });
      if (target?.error !== undefined)
        this.#note('Warning', target.error.code, `${who}: ${words(target.error)}`);
      return;
    }
    // Put off, without having failed: nothing is delivered by that.
    if (target?.condition.status !== 'True') return;
    const { reason, message } = target.condition;
    this.#told.set(name, { failing: false, changed: false, reason });
    const keys = `${target.keys.length} key${target.keys.length === 1 ? '' : 's'}`;
    const isSame = before !== undefined && !before.failing && before.reason === reason;
    if (reason === 'SecretDeleted' || reason === 'SecretMissing') {
      if (!isSame) this.#note('Normal', reason.slice('Secret'.length), `${who}: ${message}`);
    } else if (before === undefined) this.#note('Normal', 'Synced', `${who} is delivered: ${keys}`);
    else if (before.changed) this.#note('Normal', 'Rotated', `${who} has changed: ${keys}`);
    else if (!isSame) this.#note('Normal', 'Synced', `${who} is delivered again: ${keys}`);
  }

  #note(type: Series['type'], reason: string, text: string): void {
    const { clock } = this.#options;
    const message = clipped(text);
    const key = `${type} ${reason} ${message}`;
    const firstMs = clock.now();
    const known = this.#series.get(key);
    const series = known ?? { type, reason, message, firstMs, name: '', count: 0, written: 0, writtenMs: 0 };
    // Said last goes last: what was silent for longest is forgotten first.
    this.#series.delete(key);
    this.#series.set(key, series);
    if (this.#series.size > limits.eventSeries) this.#series.delete(this.#series.keys().next().value!);
    series.count++;
    if (this.#isDue(series) && this.#mayWrite()) this.#enqueue(series);
  }

  /** At 1, 2, 4, 8 … times, and before the Event expires. */
  #isDue({ count, written, writtenMs }: Series): boolean {
    if (written === 0 || (count & (count - 1)) === 0) return true;
    return this.#options.clock.monotonic() - writtenMs > limits.eventRenewMs;
  }

  #mayWrite(): boolean {
    const now = this.#options.clock.monotonic();
    const earned = Math.floor((now - this.#refilledMs) / limits.eventRefillMs);
    this.#tokens = Math.min(limits.eventBurst, this.#tokens + earned);
    this.#refilledMs += earned * limits.eventRefillMs;
    if (now < this.#mutedUntilMs || this.#tokens < 1 || this.#queued >= limits.eventBurst) return false;
    this.#tokens--;
    return true;
  }

  #enqueue(series: Series): void {
    this.#queued++;
    this.#queue = this.#queue
      .then(() => this.#write(series))
      .catch((error: unknown) => this.#complain(asAgentError(error, 'Unavailable')))
      .finally(() => {
        this.#queued--;
      });
  }

  async #write(series: Series): Promise<void> {
    if (this.#ended.signal.aborted || series.written === series.count) return;
    const signal = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(limits.eventMs)]);
    const kube = await this.#options.kube();
    const { count } = series;
    const isNew = series.written === 0 || !(await this.#renew(kube, series, signal));
    if (isNew) await this.#create(kube, series, signal);
    series.written = count;
    series.writtenMs = this.#options.clock.monotonic();
    this.#complaint = undefined;
  }

  /** False when the Event has expired. */
  async #renew(kube: Kube, { name, count }: Series, signal: AbortSignal): Promise<boolean> {
    const patch = { count, lastTimestamp: kubeTime(this.#options.clock.now()) };
    try {
      await kube.patch(this.#resource(name), patch, { signal });
      return true;
    } catch (error) {
      if (asAgentError(error, 'Unavailable').code === 'NotFound') return false;
      throw error;
    }
  }

  async #create(kube: Kube, series: Series, signal: AbortSignal): Promise<void> {
    const { pod, clock } = this.#options;
    series.name = this.#nameOf(series);
    await kube.create(
      this.#resource(),
      {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: series.name, namespace: pod.namespace },
        involvedObject: { apiVersion: 'v1', kind: 'Pod', ...pod },
        type: series.type,
        reason: series.reason,
        message: series.message,
        count: series.count,
        firstTimestamp: kubeTime(series.firstMs),
        lastTimestamp: kubeTime(clock.now()),
        source: { component },
        reportingComponent: component,
        reportingInstance: pod.name,
      },
      signal,
    );
  }

  /** Another in each life and after each expiry: a name that is taken could not be created. */
  #nameOf({ type, reason, message }: Series): string {
    const { pod, clock } = this.#options;
    const hash = createHash('sha256').update([pod.uid, type, reason, message, clock.now()].join('\0'));
    return `${pod.name.slice(0, 230)}.${hash.digest('hex').slice(0, 16)}`;
  }

  #resource(name?: string): Resource {
    const { namespace } = this.#options.pod;
    return { group: '', version: 'v1', resource: 'events', namespace, name, needs: ['create', 'patch'] };
  }

  /** A denial stays for a while, and the same is told once. */
  #complain(error: AgentError): void {
    if (this.#ended.signal.aborted) return;
    const { clock, log } = this.#options;
    this.#mutedUntilMs = clock.monotonic() + limits.eventMuteMs;
    const complaint = describe(error);
    if (complaint !== this.#complaint) log.warn({ err: error }, 'no Event could be written');
    this.#complaint = complaint;
  }
}

const component = 'external-secrets-agent';

function words({ message, remedy }: AgentError): string {
  return remedy === undefined ? message : `${message} (${remedy})`;
}

/** The API server takes no longer one. */
function clipped(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limits.eventMessageBytes) return text;
  return `${bytes
    .subarray(0, limits.eventMessageBytes - 3)
    .toString('utf8')
    .replace(/\ufffd+$/, '')}…`;
}
