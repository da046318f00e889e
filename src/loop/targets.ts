import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { windowsPermit } from '../spec/cron.ts';
import type { ExternalSecret, SpecSet } from '../spec/spec.ts';
import { hasRetryLeft } from './backoff.ts';
import { earlyMsOf } from './schedule.ts';
import { type Change, reduce, type TargetState } from './state.ts';
import { newTarget, respec, specHashOf, type Target } from './target.ts';

/** What a new spec set changes in the table. */
export interface Accepted {
  /** The set in force: the new one, with what has to be kept of the running one. */
  readonly specs: SpecSet;
  /** Why some of the new set is not in force. */
  readonly refused: readonly AgentError[];
  readonly arrived: readonly Target[];
  readonly removed: readonly Target[];
}

/** The table of what the loop keeps in sync: who is due, who is gone, and whether the first set is delivered. */
export class Targets {
  readonly #clock: Clock;
  readonly #onError: 'block' | 'ignore';
  readonly #byName = new Map<string, Target>();
  /** Folders to remove, by target name: monotonic ms. */
  readonly #removals = new Map<string, number>();
  /** Monotonic ms at which what an earlier life left for nobody goes; set by the first whole set. */
  #sweepAtMs = Number.POSITIVE_INFINITY;
  #sawWhole = false;
  /** Names of the first valid spec set: they decide `started`. */
  #first: ReadonlySet<string> | undefined;
  #started = false;

  constructor(clock: Clock, onError: 'block' | 'ignore') {
    this.#clock = clock;
    this.#onError = onError;
  }

  get(name: string): Target | undefined {
    return this.#byName.get(name);
  }

  all(): readonly Target[] {
    return [...this.#byName.values()];
  }

  /**
   * Takes in a new spec set, as one generation. When it is not `whole` (a document or a folder could not be
   * read), what is missing is not taken for removed and a broken spec leaves the one that runs alone.
   */
  accept(next: SpecSet, whole: boolean, running: SpecSet | undefined): Accepted {
    const { specs, refused } = whole ? { specs: next, refused: [] } : this.#keepRunning(next, running);
    const named = new Set(specs.externalSecrets.map((spec) => spec.name));
    const before = this.all();
    const removed = before.filter((target) => !named.has(target.spec.name));
    for (const { spec, attempt } of removed) {
      attempt?.abort(new Error('its ExternalSecret is gone'));
      this.#byName.delete(spec.name);
    }
    const arrived = specs.externalSecrets.flatMap((spec) => this.#take(spec, specHashOf(spec, specs)));
    this.#retire(before.map(({ spec }) => spec.target.name));
    if (whole && !this.#sawWhole) this.#sweepAtMs = this.#clock.monotonic() + limits.removalGraceMs;
    this.#sawWhole ||= whole;
    if (this.#first === undefined && (whole || this.#onError === 'ignore')) this.#first = named;
    return { specs, refused, arrived, removed };
  }

  /** Enters one spec into the table; returns its target when it is new there. */
  #take(spec: ExternalSecret, specHash: string): readonly Target[] {
    const before = this.#byName.get(spec.name);
    if (before?.state.specHash === specHash) return [];
    if (before === undefined) {
      const seen = { wallMs: this.#clock.now(), monotonicMs: this.#clock.monotonic() };
      const target = newTarget(spec, specHash, seen);
      this.#byName.set(spec.name, target);
      return [target];
    }
    before.attempt?.abort(new Error('its spec has changed'));
    this.#byName.set(spec.name, respec(before, spec, specHash));
    this.dueForSpec(spec.name);
    return [];
  }

  /** A folder nobody names any more goes after a while, unless somebody names it again. */
  #retire(targetNames: readonly string[]): void {
    const live = new Set(this.all().map(({ spec }) => spec.target.name));
    for (const name of live) this.#removals.delete(name);
    for (const name of targetNames) {
      if (!live.has(name)) this.#removals.set(name, this.#clock.monotonic() + limits.removalGraceMs);
    }
  }

  /** Specs that vanished or broke while the set is not whole keep running, with the stores and the target that
   * they had; who would take that target has to wait, and goes on as before where it runs. */
  #keepRunning(next: SpecSet, running: SpecSet | undefined): Pick<Accepted, 'specs' | 'refused'> {
    const refused: AgentError[] = [];
    let taken = next.externalSecrets;
    for (;;) {
      const named = new Set(taken.map((spec) => spec.name));
      const kept = this.all().flatMap(({ spec }) => (named.has(spec.name) ? [] : [spec]));
      const holders = new Map(kept.map((spec) => [spec.target.name, spec.name]));
      const fit = taken.filter((spec) => !holders.has(spec.target.name));
      if (fit.length === taken.length) {
        const specs = merged(next, running, { externalSecrets: [...fit, ...kept], refused });
        return { specs, refused };
      }
      const late = taken.filter((spec) => holders.has(spec.target.name));
      refused.push(...late.map((spec) => stillHeld(spec, holders.get(spec.target.name)!)));
      taken = fit;
    }
  }

  /** Names of the folders whose time has come; each is given once. */
  takeRemovals(): readonly string[] {
    const due = [...this.#removals]
      .filter(([, atMs]) => atMs <= this.#clock.monotonic())
      .map(([name]) => name);
    for (const name of due) this.#removals.delete(name);
    return due;
  }

  /** The names that live when the time of the one sweep has come; undefined otherwise. */
  takeSweep(): ReadonlySet<string> | undefined {
    if (this.#sweepAtMs > this.#clock.monotonic()) return undefined;
    this.#sweepAtMs = Number.POSITIVE_INFINITY;
    return new Set([...this.all().map((target) => target.spec.target.name), ...this.#removals.keys()]);
  }

  /** A new spec syncs at once, but CreatedOnce only when nothing was ever delivered. */
  dueForSpec(name: string): void {
    const target = this.#byName.get(name);
    if (target === undefined) return;
    if (target.spec.refreshPolicy === 'CreatedOnce' && target.state.published) return;
    this.schedule(name, this.#clock.monotonic(), 'spec');
  }

  /** What is due, and with it what its stores would be asked within the next tenth of its interval. All of it
   * is in flight from here on. */
  takeDue(): readonly Target[] {
    const nowMs = this.#clock.monotonic();
    this.#holdOutsideWindows(nowMs);
    const idle = this.all().filter(({ dueMs, attempt }) => dueMs !== undefined && attempt === undefined);
    const due = idle.filter((target) => target.dueMs! <= nowMs);
    const busy = new Set(due.flatMap((target) => target.state.storeIds));
    const early = idle.filter(
      (target) =>
        target.cause === 'periodic' &&
        target.dueMs! > nowMs &&
        target.dueMs! - nowMs <= earlyMsOf(target.spec) &&
        target.state.storeIds.some((id) => busy.has(id)) &&
        this.#permits(target),
    );
    const taken = [...due, ...early].map((target) => ({ ...target, attempt: new AbortController() }));
    for (const target of taken) this.#byName.set(target.spec.name, target);
    return taken;
  }

  /** syncWindows hold back only what time alone makes due, as in ESO. */
  #holdOutsideWindows(nowMs: number): void {
    for (const target of this.all()) {
      const due = target.cause === 'periodic' && target.dueMs !== undefined && target.dueMs <= nowMs;
      if (!due || target.attempt || this.#permits(target)) continue;
      this.schedule(target.spec.name, nowMs + limits.syncWindowCheckMs, 'periodic');
    }
  }

  #permits(target: Target): boolean {
    return target.spec.syncWindows === undefined || windowsPermit(target.spec.syncWindows, this.#clock.now());
  }

  /** Monotonic ms of the next thing to do; Infinity when nothing is scheduled. */
  get nextDueMs(): number {
    const due = this.all().flatMap(({ dueMs, attempt }) => (attempt || dueMs === undefined ? [] : [dueMs]));
    return Math.min(...due, ...this.#removals.values(), this.#sweepAtMs);
  }

  /** True when no sync is under way. */
  get idle(): boolean {
    return this.all().every(({ attempt }) => attempt === undefined);
  }

  /** True when every ExternalSecret is synced or has no retry left: the end of `--once`. */
  get settled(): boolean {
    return this.all().every(({ state, attempt }) => {
      if (attempt !== undefined) return false;
      if (state.error === undefined) return state.condition.status === 'True';
      return !hasRetryLeft({ error: state.error, failures: state.failures });
    });
  }

  /** Latched: once every required target of the first valid set was published, it stays so. */
  get started(): boolean {
    if (this.#started || this.#first === undefined) return this.#started;
    this.#started = [...this.#first].every((name) => {
      const target = this.#byName.get(name);
      if (target === undefined || !target.state.required || target.state.published) return true;
      return this.#onError === 'ignore' && target.state.lastAttemptMs !== undefined;
    });
    return this.#started;
  }

  /** Sorted by name, with the age judged now. */
  states(): ReadonlyMap<string, TargetState> {
    const nowMs = this.#clock.monotonic();
    const states = this.all().map(({ spec, state, freshMs }) => {
      const staleMs = nowMs - freshMs;
      const { maxStaleness } = spec.options;
      return { ...state, staleMs, tooStale: maxStaleness !== undefined && staleMs > maxStaleness.ms };
    });
    return new Map(states.sort((a, b) => (a.name < b.name ? -1 : 1)).map((state) => [state.name, state]));
  }

  schedule(name: string, dueMs: number | undefined, cause: Target['cause']): void {
    this.update(name, { dueMs, cause });
    const clock = this.#clock;
    const nextRefreshMs =
      dueMs === undefined ? undefined : clock.now() + Math.max(0, dueMs - clock.monotonic());
    this.change(name, { kind: 'scheduled', nextRefreshMs });
  }

  change(name: string, change: Change): void {
    const target = this.#byName.get(name);
    if (target !== undefined) this.#byName.set(name, { ...target, state: reduce(target.state, change) });
  }

  update(name: string, patch: Partial<Target>): void {
    const target = this.#byName.get(name);
    if (target !== undefined) this.#byName.set(name, { ...target, ...patch });
  }
}

function merged(
  next: SpecSet,
  running: SpecSet | undefined,
  kept: { readonly externalSecrets: readonly ExternalSecret[]; readonly refused: readonly AgentError[] },
): SpecSet {
  return {
    ...next,
    externalSecrets: kept.externalSecrets,
    problems: [...next.problems, ...kept.refused],
    stores: new Map([...(running?.stores ?? []), ...next.stores]),
    secrets: new Map([...(running?.secrets ?? []), ...next.secrets]),
    configMaps: new Map([...(running?.configMaps ?? []), ...next.configMaps]),
  };
}

function stillHeld({ name, at, target }: ExternalSecret, holder: string): AgentError {
  const message = `the target ${JSON.stringify(target.name)} belongs to ExternalSecret ${holder}, which keeps it while the specs cannot be read whole`;
  const place = { ...at, object: `ExternalSecret/${name}` };
  return new AgentError('SpecInvalid', message, {
    at: place,
    remedy: 'correct what else is refused; then the target changes hands',
  });
}
