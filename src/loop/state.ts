import type { AgentError, Code } from '../base/errors.ts';

/** ESO's reasons of the Ready condition. */
export type Reason = 'SecretSynced' | 'SecretSyncedError' | 'SecretDeleted' | 'SecretMissing';

export interface Condition {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: Reason | undefined;
  /** ESO's message for the reason; the detail is in `error`. */
  readonly message: string;
  /** Wall ms at which `status` last flipped. */
  readonly lastTransitionMs: number;
}

/** One ExternalSecret as the loop knows it. A plain value: health, status and metrics are views of it. */
export interface TargetState {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly targetName: string;
  /** Ids of the stores it reads, sorted. */
  readonly storeIds: readonly string[];
  /** False for `optional: true`: it holds no probe. */
  readonly required: boolean;
  readonly specHash: string;
  readonly condition: Condition;
  /** The last failure, undefined after a success. */
  readonly error: AgentError | undefined;
  /** Consecutive failures. */
  readonly failures: number;
  /** True once every enabled sink holds a payload of this spec, in this life or an earlier one. */
  readonly published: boolean;
  /** Keys on the volume, sorted. */
  readonly keys: readonly string[];
  readonly generation: string | undefined;
  /** Wall ms of the start of the last attempt that succeeded; carried over from an earlier life. */
  readonly lastSuccessMs: number | undefined;
  readonly lastAttemptMs: number | undefined;
  /** Wall ms; undefined when nothing is scheduled (once, or OnChange and synced). */
  readonly nextRefreshMs: number | undefined;
  /** Wall ms at which what was delivered ends (lease, certificate); undefined where it has no end. */
  readonly expiryMs?: number | undefined;
  /** Age of what is delivered: ms since the last sync that succeeded, by a clock that nobody sets. */
  readonly staleMs: number;
  /** Of `max-staleness`: now older than allowed. */
  readonly tooStale: boolean;
  readonly unreadyWhenStale: boolean;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

export interface AgentState {
  readonly startedMs: number;
  /** Monotonic ms of the loop's last turn, for `/livez`. */
  readonly heartbeatMs: number;
  /** Latched: every required target of the first valid spec set is published. */
  readonly started: boolean;
  /** Why `started` is false when no target says it: invalid documents, no documents. */
  readonly problems: readonly AgentError[];
  readonly warnings: readonly AgentError[];
  /** By ExternalSecret name, sorted by name. */
  readonly targets: ReadonlyMap<string, TargetState>;
  /** By store id. */
  readonly breakers: ReadonlyMap<string, BreakerState>;
}

/** What happened, for metrics and logs: told once, by the loop and by what it owns. Never a value. */
export type LoopEvent =
  | {
      readonly kind: 'attempt';
      readonly name: string;
      readonly namespace: string | undefined;
      /** Store name of the default or first store, for the `store` label. */
      readonly store: string;
      readonly result: 'synced' | 'failed';
      readonly code: Code | undefined;
      readonly durationMs: number;
    }
  | {
      readonly kind: 'call';
      readonly storeId: string;
      /** As ESO labels it, e.g. `HashiCorp/Vault`. */
      readonly provider: string;
      readonly call: string;
      readonly status: 'success' | 'error';
      readonly durationMs: number;
    }
  | {
      readonly kind: 'publish';
      readonly sink: string;
      readonly name: string;
      readonly result: 'changed' | 'unchanged' | 'failed';
    }
  | {
      readonly kind: 'notify';
      readonly name: string;
      /** How the app was told: `signal`, `http`, `exec`, `touch`, `rollout`. */
      readonly hook: string;
      readonly result: 'told' | 'failed';
    }
  | { readonly kind: 'removed'; readonly name: string; readonly namespace: string | undefined };

/** What a sync came to. Times are wall ms. */
export type Change =
  | {
      readonly kind: 'synced';
      readonly reason: Reason;
      readonly message: string;
      readonly keys: readonly string[];
      readonly generation: string | undefined;
      /** Start of the attempt. */
      readonly startedMs: number;
      readonly nowMs: number;
      /** Wall ms at which what was delivered ends (lease, certificate); undefined where it has no end. */
      readonly expiryMs: number | undefined;
    }
  | {
      readonly kind: 'failed';
      readonly error: AgentError;
      readonly startedMs: number;
      readonly nowMs: number;
    }
  /** Nothing failed and nothing is done: delivered keys are gone from the store, not yet often enough to take them
   * away, or a sink wants newer values. */
  | { readonly kind: 'unconfirmed'; readonly startedMs: number }
  /** An earlier life left this on the volume. */
  | {
      readonly kind: 'adopted';
      readonly keys: readonly string[];
      readonly generation: string;
      /** Of that life's last successful sync. */
      readonly syncedMs: number;
      readonly nowMs: number;
    }
  /** Put off or brought forward without an attempt. */
  | { readonly kind: 'scheduled'; readonly nextRefreshMs: number | undefined };

/** Hop 8: the next state. Pure; `published` is a latch. */
export function reduce(state: TargetState, change: Change): TargetState {
  switch (change.kind) {
    case 'synced':
      return {
        ...state,
        condition: {
          status: 'True',
          reason: change.reason,
          message: change.message,
          lastTransitionMs: transition(state, 'True', change.nowMs),
        },
        error: undefined,
        failures: 0,
        published: true,
        keys: change.keys,
        generation: change.generation,
        expiryMs: change.expiryMs,
        lastSuccessMs: change.startedMs,
        lastAttemptMs: change.startedMs,
      };
    case 'failed':
      return {
        ...state,
        condition: {
          status: 'False',
          reason: 'SecretSyncedError',
          message: change.error.condition ?? 'could not get secret data from provider',
          lastTransitionMs: transition(state, 'False', change.nowMs),
        },
        error: change.error,
        failures: state.failures + 1,
        lastAttemptMs: change.startedMs,
      };
    case 'unconfirmed':
      return { ...state, lastAttemptMs: change.startedMs };
    case 'adopted':
      return {
        ...state,
        condition: {
          status: 'True',
          reason: 'SecretSynced',
          message: 'secret synced',
          lastTransitionMs: change.nowMs,
        },
        published: true,
        keys: change.keys,
        generation: change.generation,
        lastSuccessMs: change.syncedMs,
      };
    case 'scheduled':
      return { ...state, nextRefreshMs: change.nextRefreshMs };
  }
}

function transition(state: TargetState, status: Condition['status'], nowMs: number): number {
  return state.condition.status === status ? state.condition.lastTransitionMs : nowMs;
}
