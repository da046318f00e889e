import { createHash } from 'node:crypto';
import type { ExternalSecret, SpecSet, TemplateFrom } from '../spec/spec.ts';
import type { Absence } from './absence.ts';
import { storeIdsOf } from './schedule.ts';
import type { TargetState } from './state.ts';

/** Why a target is due: it decides whether syncWindows apply and whether a store's other targets may join. */
export type Cause = 'spec' | 'periodic' | 'retry' | 'asked';

/** One ExternalSecret in the loop: its spec, its state, and what only the loop needs to know. */
export interface Target {
  readonly spec: ExternalSecret;
  readonly state: TargetState;
  /** Monotonic ms; undefined when nothing is scheduled. */
  readonly dueMs: number | undefined;
  readonly cause: Cause;
  /** The sync under way; aborted when it is no longer wanted, so that it writes nothing any more. */
  readonly attempt: AbortController | undefined;
  /** Keys fetched for what is published now, before any template; undefined when nothing is. */
  readonly fetchedKeys: readonly string[] | undefined;
  readonly absence: Absence | undefined;
  /** Syncs of this spec that succeeded in this life. */
  readonly syncs: number;
  /** Monotonic ms of the start of the last sync that succeeded, be it in an earlier life; of the first sight while
   * there was none. A wall clock that is set neither hides staleness nor makes any. */
  readonly freshMs: number;
}

/** Everything whose change asks for a new sync: the spec, its stores, and the mounted template sources. */
export function specHashOf(spec: ExternalSecret, specs: SpecSet): string {
  const hash = createHash('sha256').update(spec.hash);
  for (const id of storeIdsOf(spec)) hash.update(`\0${specs.stores.get(id)?.hash ?? ''}`);
  for (const source of (spec.target.template?.templateFrom ?? []).flatMap(sourcesOf(specs)))
    hash.update(`\0${source}`);
  return hash.digest('hex');
}

function sourcesOf(specs: SpecSet): (from: TemplateFrom) => string[] {
  return ({ configMap, secret }) => {
    const documents = [
      configMap && specs.configMaps.get(configMap.name),
      secret && specs.secrets.get(secret.name),
    ];
    return documents.flatMap((document) =>
      [...(document ?? [])].map(([key, value]) => `${key}\0${value.digest()}`),
    );
  };
}

/** The time of its first sight. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export function newTarget(spec: ExternalSecret, specHash: string, seen: Moment): Target {
  const state: TargetState = {
    name: spec.name,
    namespace: spec.namespace,
    targetName: spec.target.name,
    storeIds: storeIdsOf(spec),
    required: spec.options.optional !== true,
    specHash,
    condition: {
      status: 'Unknown',
      reason: undefined,
      message: 'not synced yet',
      lastTransitionMs: seen.wallMs,
    },
    error: undefined,
    failures: 0,
    published: false,
    keys: [],
    generation: undefined,
    lastSuccessMs: undefined,
    lastAttemptMs: undefined,
    nextRefreshMs: undefined,
    staleMs: 0,
    tooStale: false,
    unreadyWhenStale: spec.options.maxStaleness?.unready ?? false,
  };
  return {
    spec,
    state,
    dueMs: undefined,
    cause: 'spec',
    attempt: undefined,
    fetchedKeys: undefined,
    absence: undefined,
    syncs: 0,
    freshMs: seen.monotonicMs,
  };
}

/** The same ExternalSecret with a new spec: what is published stays known, unless the target is another one now;
 * failures and counts start anew. */
export function respec(target: Target, spec: ExternalSecret, specHash: string): Target {
  const fresh = newTarget(spec, specHash, { wallMs: 0, monotonicMs: target.freshMs });
  const { condition, published, keys, generation, lastSuccessMs, lastAttemptMs } = target.state;
  const state = { ...fresh.state, condition, lastSuccessMs, lastAttemptMs };
  if (target.spec.target.name !== spec.target.name) return { ...fresh, state };
  return { ...fresh, state: { ...state, published, keys, generation }, fetchedKeys: target.fetchedKeys };
}
