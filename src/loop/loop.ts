import { type Clock, uniform, withDeadline } from '../base/clock.ts';
import { AgentError, type At, asAgentError, describe, verdictOf } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { expiryMsOf } from '../plan/expiry.ts';
import { plan, readsOf } from '../plan/plan.ts';
import { inputHash, render, type TemplateSources } from '../plan/render.ts';
import { type Shaped, shape } from '../plan/shape.ts';
import type { SpecSet } from '../spec/spec.ts';
import { confirm, isConfirmed } from './absence.ts';
import { retryDelayMs } from './backoff.ts';
import type { Delivery } from './delivery.ts';
import { fetch, type Outcome, type Outcomes } from './fetch.ts';
import type { Kept } from './kept.ts';
import { Draws, intervalMsOf } from './schedule.ts';
import type { AgentState, LoopEvent, Reason } from './state.ts';
import type { Stores } from './stores.ts';
import type { Target } from './target.ts';
import { Targets } from './targets.ts';

export interface LoopParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly stores: Stores;
  readonly delivery: Delivery;
  readonly kept: Kept;
  /** Where `templateFrom` finds its ConfigMaps and Secrets. */
  readonly sources: TemplateSources;
  readonly observe: (event: LoopEvent) => void;
  /** `ignore`: a failed first sync does not hold `started`. */
  readonly onError: 'block' | 'ignore';
}

/** What is due together: fetched once, scheduled by the same draws. */
interface Round {
  readonly specs: SpecSet;
  readonly outcomes: Outcomes;
  /** Ids of the stores that were not asked, since their breaker was open. */
  readonly refused: ReadonlySet<string>;
  readonly draws: Draws;
  /** Wall ms: for people. */
  readonly startedMs: number;
  /** Monotonic ms: for schedules. */
  readonly beganMs: number;
}

/** What a sync came to, before the next one is scheduled. */
interface Synced {
  readonly reason: Reason;
  /** ESO's message. */
  readonly message: string;
  readonly keys: readonly string[];
  readonly generation: string | undefined;
  readonly fetchedKeys: readonly string[];
  /** Wall ms at which the first certificate among the fetched values ends. */
  readonly expiryMs: number | undefined;
}

/** A sync that has to come back, without having failed. */
interface PutOff {
  readonly againInMs: number;
}

/**
 * The one loop: it sleeps until something is due, fetches what is due together, and takes each ExternalSecret
 * through the hops on its own, so that no failure and no slow store holds up another. Whether it runs once or
 * for ever is the caller's affair: `run` asks `until` after every turn.
 */
export class Loop {
  readonly #parts: LoopParts;
  readonly #targets: Targets;
  readonly #startedMs: number;
  readonly #inFlight = new Set<Promise<void>>();
  #specs: SpecSet | undefined;
  #wake = new AbortController();
  /** Monotonic ms: the loop is well while this has not passed. */
  #sleepingUntilMs: number;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: LoopParts) {
    this.#parts = parts;
    this.#targets = new Targets(parts.clock, parts.onError);
    this.#startedMs = parts.clock.now();
    this.#sleepingUntilMs = parts.clock.monotonic();
  }

  /** The specs in force: the last accepted, with what had to be kept of those before. */
  get specs(): SpecSet | undefined {
    return this.#specs;
  }

  /** A new spec set, as one generation; `whole` is false when a document or a folder could not be read. */
  async accept(next: SpecSet, whole: boolean, signal: AbortSignal): Promise<void> {
    const { kept, log, observe, stores } = this.#parts;
    const { specs, refused, arrived, removed } = this.#targets.accept(next, whole, this.#specs);
    this.#specs = specs;
    for (const err of refused) log.error({ err }, 'spec refused');
    for (const { spec } of removed) {
      kept.setTarget(spec.name, undefined);
      observe({ kind: 'removed', name: spec.name, namespace: spec.namespace });
    }
    // Together: an API server that does not answer holds up all of them as long as one.
    await Promise.all(arrived.map((target) => this.#arrive(target, signal))).catch((thrown: unknown) => {
      // Who is told to end has not failed.
      if (!signal.aborted) throw thrown;
    });
    stores.retain(specs.stores);
    this.#retryFailing();
    this.#wake.abort(woken);
  }

  /** Who edits specs may have mended what failed, be it a credential among the documents, and waits to see it. */
  #retryFailing(): void {
    const { clock } = this.#parts;
    for (const { spec, state, attempt, dueMs = Number.POSITIVE_INFINITY } of this.#targets.all()) {
      const atMs = clock.monotonic() + uniform(clock, 0.5, 1) * limits.backoffBaseMs;
      const waits = state.error !== undefined && attempt === undefined && dueMs > atMs;
      if (waits) this.#targets.schedule(spec.name, atMs, 'retry');
    }
  }

  /** Brings one or all ExternalSecrets forward to now; at most one such refresh a second, which all who ask
   * before it share. Returns how many. */
  refresh(name?: string): number {
    const nowMs = this.#parts.clock.monotonic();
    if (this.#askedMs <= nowMs) this.#askedMs = Math.max(nowMs, this.#askedMs + limits.refreshSpacingMs);
    const asked = this.#targets.all().filter(({ spec }) => name === undefined || spec.name === name);
    for (const { spec, dueMs, attempt } of asked) {
      const sooner = attempt === undefined && dueMs !== undefined && dueMs < this.#askedMs;
      this.#targets.schedule(spec.name, sooner ? dueMs : this.#askedMs, 'asked');
    }
    this.#wake.abort(woken);
    return asked.length;
  }

  /** Turns until `until` holds or the signal aborts; what was in flight has ended then. */
  async run(until: (loop: Loop) => boolean, signal: AbortSignal): Promise<void> {
    const stop = (): void => {
      for (const { attempt } of this.#targets.all()) attempt?.abort(signal.reason);
      this.#wake.abort(woken);
    };
    signal.addEventListener('abort', stop);
    while (!signal.aborted) {
      this.#wake = new AbortController();
      this.#turn(signal);
      if (until(this)) break;
      await this.#sleep();
    }
    await Promise.all(this.#inFlight);
    signal.removeEventListener('abort', stop);
  }

  /** True when every ExternalSecret is synced or has no retry left: the end of `--once`. */
  get settled(): boolean {
    return this.#targets.settled;
  }

  view(): AgentState {
    return {
      startedMs: this.#startedMs,
      heartbeatMs: Math.min(this.#parts.clock.monotonic(), this.#sleepingUntilMs),
      started: this.#targets.started,
      problems: this.#specs?.problems ?? [],
      warnings: this.#specs?.warnings ?? [],
      targets: this.#targets.states(),
      breakers: this.#parts.stores.breakerStates(),
    };
  }

  /** First sight of an ExternalSecret in this life: what an earlier one left counts when the spec is the same. */
  async #arrive({ spec, state }: Target, signal: AbortSignal): Promise<void> {
    const { delivery, kept, clock } = this.#parts;
    const adopted = await delivery.recall(spec, signal);
    const before = kept.target(spec.name);
    const same = before?.specHash === state.specHash || spec.refreshPolicy === 'CreatedOnce';
    if (adopted === undefined || before === undefined || !same) return this.#targets.dueForSpec(spec.name);
    const { keys, generation } = adopted;
    const { syncedMs, fetchedKeys } = before;
    this.#targets.change(spec.name, { kind: 'adopted', keys, generation, syncedMs, nowMs: clock.now() });
    const freshMs = clock.monotonic() - Math.max(0, clock.now() - syncedMs);
    this.#targets.update(spec.name, { fetchedKeys, syncs: 1, freshMs });
    // Once for a given spec is once for all lives; anything else is verified at once.
    if (intervalMsOf(spec) > 0) this.#targets.dueForSpec(spec.name);
  }

  #turn(signal: AbortSignal): void {
    const { clock, delivery, stores } = this.#parts;
    this.#clearAway(signal);
    const specs = this.#specs;
    const due = this.#targets.takeDue();
    if (specs === undefined || due.length === 0) return;
    const dueSpecs = due.map((target) => target.spec);
    const refused = new Set<string>();
    const outcomes = fetch(plan(dueSpecs), {
      stores,
      storeOf: (storeId) => specs.stores.get(storeId)!,
      clock,
      signal,
      after: delivery.prepare(dueSpecs, signal),
      refused: (storeId) => void refused.add(storeId),
      recovered: (storeId) => this.#recover(storeId),
    });
    const now = { startedMs: clock.now(), beganMs: clock.monotonic() };
    const round: Round = { specs, outcomes, refused, draws: new Draws(clock), ...now };
    for (const target of due) this.#track(this.#attempt(target, round));
  }

  /** One ExternalSecret's sync under its deadline, counted and followed by the next schedule; unless it is gone
   * or has a new spec meanwhile: then this came to nothing. */
  async #attempt(target: Target, round: Round): Promise<void> {
    const { clock } = this.#parts;
    const at = objectOf(target);
    const wanted = target.attempt!.signal;
    let failure: AgentError | undefined;
    try {
      const expired = (): AgentError =>
        new AgentError('Unavailable', `not synced within ${limits.syncMs / 1000} s`, { at });
      const deadline = { ms: limits.syncMs, signal: wanted, expired };
      const outcome = await withDeadline(clock, deadline, (signal) => this.#sync(target, round, signal));
      if (wanted.aborted) return;
      this.#schedule(target, outcome, round);
    } catch (thrown) {
      if (wanted.aborted) return;
      failure = asAgentError(thrown, 'Unavailable', at);
      this.#fail(target, failure, round);
    }
    this.#targets.update(target.spec.name, { attempt: undefined });
    // In the same turn, so that whoever sees all delivered, and kills us, finds it kept.
    if (this.#targets.idle) this.#parts.kept.flush();
    this.#tell(target, failure, clock.monotonic() - round.beganMs);
    this.#wake.abort(woken);
  }

  /** The way of a secret, from what the store gave to what the app reads. A failure before hop 7 leaves the
   * last good files alone. It is put off while the absence of delivered keys is not proven often enough to take
   * them away, and when a sink wants newer values than these. */
  async #sync(target: Target, round: Round, signal: AbortSignal): Promise<Synced | PutOff> {
    const { delivery, sources, stores, clock } = this.#parts;
    const { spec } = target;
    const traitsOf = (storeId: string) => stores.traitsOf(round.specs.stores.get(storeId)!);

    const outcomes = await gather(target, round.outcomes); // Hop 4, shared by the round.
    const shaped = await shape(spec, outcomes, { traitsOf, clock }); // Hop 5.
    signal.throwIfAborted();
    if (!(await this.#mayLose(target, shaped, signal)))
      return { againInMs: uniform(clock, 1, 1.1) * limits.absenceSpacingMs };
    const fetched = { fetchedKeys: [...shaped.entries.keys()].sort(), expiryMs: expiryMsOf(shaped.entries) };
    if (shaped.entries.size === 0 && spec.target.deletionPolicy !== 'Merge')
      return await this.#empty(target, signal);

    const hash = await inputHash(spec, shaped.entries, sources, signal);
    const held = await delivery.adopt(spec, signal);
    if (held !== undefined && held.payloadHash === hash)
      return { ...synced, keys: held.keys, generation: held.generation, ...fetched };
    const payload = await render(spec, shaped.entries, { sources, hash, clock, signal }); // Hop 6.
    const written = await delivery.publish(spec, payload, signal); // Hop 7.
    if (written.again) return { againInMs: uniform(clock, 0.5, 1) * limits.backoffBaseMs };
    const { generation, reason = synced.reason, message = synced.message } = written;
    return { reason, message, keys: [...payload.data.keys()].sort(), generation, ...fetched }; // Hop 8 is the caller's.
  }

  /** Under deletionPolicy Delete and Merge, what was delivered, be it by another life or replica, goes only after
   * three proofs of its absence. */
  async #mayLose(target: Target, shaped: Shaped, signal: AbortSignal): Promise<boolean> {
    if (!mayHaveLost(target, shaped)) return true;
    const delivered = target.fetchedKeys ?? (await this.#parts.delivery.keys(target.spec, signal));
    const gone = delivered.filter((key) => !shaped.entries.has(key));
    if (gone.length === 0) return true;
    const absence = confirm(target.absence, gone, this.#parts.clock.monotonic());
    this.#targets.update(target.spec.name, { absence });
    if (isConfirmed(absence)) return true;
    this.#parts.log.warn(
      { externalSecret: target.spec.name, keys: gone, confirmations: absence.confirmations },
      'delivered keys are gone from the store; they stay until that is confirmed',
    );
    return false;
  }

  /** The store proved that there is nothing at all. */
  async #empty({ spec, state, fetchedKeys }: Target, signal: AbortSignal): Promise<Synced | PutOff> {
    if (spec.target.deletionPolicy === 'Retain') {
      const message = 'secret retained due to DeletionPolicy=Retain';
      const { keys, generation, expiryMs } = state;
      return { ...synced, message, keys, generation, expiryMs, fetchedKeys: fetchedKeys ?? [] };
    }
    const { clock, delivery } = this.#parts;
    if (!(await delivery.withdraw(spec, signal)))
      return { againInMs: uniform(clock, 0.5, 1) * limits.backoffBaseMs };
    const nothing = { keys: [], generation: undefined, fetchedKeys: [], expiryMs: undefined };
    return { reason: 'SecretDeleted', message: 'secret deleted due to DeletionPolicy=Delete', ...nothing };
  }

  #schedule(target: Target, outcome: Synced | PutOff, round: Round): void {
    const { clock, kept, log } = this.#parts;
    const { name } = target.spec;
    const { startedMs } = round;
    if ('againInMs' in outcome) {
      this.#targets.change(name, { kind: 'unconfirmed', startedMs });
      this.#next(target, clock.monotonic() + outcome.againInMs, 'retry');
      return;
    }
    if (target.state.error !== undefined)
      log.info({ externalSecret: name, failures: target.state.failures }, 'recovered');
    const { fetchedKeys, ...rest } = outcome;
    this.#targets.change(name, { kind: 'synced', ...rest, startedMs, nowMs: clock.now() });
    const { beganMs: freshMs } = round;
    this.#targets.update(name, { fetchedKeys, absence: undefined, syncs: target.syncs + 1, freshMs });
    kept.setTarget(name, { specHash: target.state.specHash, syncedMs: startedMs, fetchedKeys });
    const delayMs = round.draws.nextRefreshMs(target.spec, target.syncs === 0);
    const spentMs = clock.monotonic() - round.beganMs;
    const dueMs = delayMs === undefined ? undefined : clock.monotonic() + Math.max(0, delayMs - spentMs);
    this.#next(target, dueMs, 'periodic');
  }

  #fail(target: Target, error: AgentError, round: Round): void {
    const { clock } = this.#parts;
    const { spec } = target;
    const delayMs = this.#retryDelayMs(target, error, round);
    this.#targets.change(spec.name, {
      kind: 'failed',
      error,
      startedMs: round.startedMs,
      nowMs: clock.now(),
    });
    this.#next(target, delayMs === undefined ? undefined : clock.monotonic() + delayMs, 'retry');
    this.#logFailure(target, error, delayMs);
  }

  /** Ms until the next try; undefined when none is to come. What only found a breaker open has sent nothing: it
   * neither backs off nor spends a retry, but goes when the store may be asked again. */
  #retryDelayMs({ state, spec }: Target, error: AgentError, round: Round): number | undefined {
    const { clock, stores } = this.#parts;
    const breakers = state.storeIds.map((id) => stores.breaker(id));
    const isRefused = state.storeIds.some((id) => round.refused.has(id));
    if (isRefused && verdictOf(error.code) === 'transient') {
      return Math.max(...breakers.map((breaker) => breaker.waitMs())) + uniform(clock, 0.5, 1) * 1_000;
    }
    const failures = state.failures + 1;
    const failing = { error, failures, delivered: state.published, intervalMs: intervalMsOf(spec) };
    const delayMs = retryDelayMs(failing, clock);
    if (delayMs === undefined) return undefined;
    return Math.max(delayMs, ...breakers.map((breaker) => breaker.takeRetry()));
  }

  /** When to go again, unless somebody asked for it while this sync ran: that stands. */
  #next({ spec, dueMs }: Target, nextDueMs: number | undefined, cause: Target['cause']): void {
    if (this.#targets.get(spec.name)?.dueMs === dueMs) this.#targets.schedule(spec.name, nextDueMs, cause);
  }

  /** The same fault again and again is told at 1, 2, 4, 8 … failures. */
  #logFailure({ state, spec }: Target, error: AgentError, delayMs: number | undefined): void {
    const failures = state.failures + 1;
    const same = state.error !== undefined && describe(state.error) === describe(error);
    const level = same && (failures & (failures - 1)) !== 0 ? 'debug' : 'warn';
    const retryInMs = delayMs === undefined ? undefined : Math.round(delayMs);
    this.#parts.log[level]({ externalSecret: spec.name, err: error, failures, retryInMs }, 'not synced');
  }

  /** A store answers again: what waits for it goes within a second, not at the end of its backoff. */
  #recover(storeId: string): void {
    const { clock } = this.#parts;
    for (const { spec, state, attempt } of this.#targets.all()) {
      const waits = state.error !== undefined && verdictOf(state.error.code) === 'transient';
      if (!waits || attempt !== undefined || !state.storeIds.includes(storeId)) continue;
      this.#targets.schedule(spec.name, clock.monotonic() + uniform(clock, 0, 1_000), 'retry');
    }
    this.#wake.abort(woken);
  }

  /** Folders whose ExternalSecret is gone; once in a life also those that went before it began. */
  #clearAway(signal: AbortSignal): void {
    const { delivery, log } = this.#parts;
    for (const targetName of this.#targets.takeRemovals()) {
      const removed = (): void => log.info({ target: targetName }, 'removed, as its ExternalSecret is gone');
      this.#track(delivery.remove(targetName, signal).then(removed));
    }
    const live = this.#targets.takeSweep();
    if (live !== undefined) this.#track(delivery.sweep(live));
  }

  #tell({ spec, state }: Target, failure: AgentError | undefined, durationMs: number): void {
    this.#parts.observe({
      kind: 'attempt',
      name: spec.name,
      namespace: spec.namespace,
      store: state.storeIds[0]?.split('/')[1] ?? '',
      result: failure === undefined ? 'synced' : 'failed',
      code: failure?.code,
      durationMs,
    });
  }

  async #sleep(): Promise<void> {
    const { clock } = this.#parts;
    const nowMs = clock.monotonic();
    // Timers know whole milliseconds only, and one that fires early would find nothing due.
    const waitMs = Math.min(limits.sleepCapMs, Math.max(0, Math.ceil(this.#targets.nextDueMs - nowMs)));
    this.#sleepingUntilMs = nowMs + waitMs;
    await clock.sleep(waitMs, this.#wake.signal).catch(() => {});
    this.#sleepingUntilMs = clock.monotonic();
  }

  /** What runs beside the loop, and ends before it does. None of it may fail the loop. */
  #track(work: Promise<void>): void {
    const told = work.catch((err: unknown) => this.#parts.log.warn({ err }, 'the loop goes on without it'));
    this.#inFlight.add(told);
    void told.finally(() => this.#inFlight.delete(told));
  }
}

/** Whether delivered keys may be gone: by a proof of absence, or since `find`, which proves none, finds less than it
 * did for this spec, or all is gone at once. A list may be short because a filter, a label or a server is wrong. */
function mayHaveLost({ spec, fetchedKeys, syncs }: Target, { entries, missing }: Shaped): boolean {
  if (missing.length > 0) return true;
  if (spec.target.deletionPolicy === 'Retain') return false;
  if (entries.size === 0) return true;
  return syncs > 0 && fetchedKeys !== undefined && spec.dataFrom.some(({ kind }) => kind === 'find');
}

/** Made once: without a reason, one is made with its stack at every abort. */
const woken = new Error('woken');

const synced = { reason: 'SecretSynced', message: 'secret synced' } as const;

function objectOf(target: Target): At {
  return { object: `ExternalSecret/${target.spec.name}` };
}

async function gather(target: Target, outcomes: Outcomes): Promise<ReadonlyMap<string, Outcome>> {
  const ids = readsOf(target.spec).map((read) => read.id);
  return new Map(await Promise.all(ids.map(async (id) => [id, await outcomes.get(id)!] as const)));
}
