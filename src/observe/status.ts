import { type AgentError, positionOf } from '../base/errors.ts';
import type { AgentState, TargetState } from '../loop/state.ts';
import { readyz } from './health.ts';
import { type Standing, standingOf, worstFirst } from './standing.ts';

/** What `/status` answers on TCP: names, states, codes and times. Anyone who can reach the port may know it. */
export interface Status {
  readonly version: string;
  readonly now: string;
  readonly startedAt: string;
  readonly started: boolean;
  readonly ready: boolean;
  readonly targets: readonly TargetStatus[];
  readonly problems: readonly ProblemStatus[];
  readonly breakers: Readonly<Record<string, string>>;
}

export interface TargetStatus {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly target: string;
  readonly stores: readonly string[];
  readonly state: Standing;
  readonly condition: {
    readonly status: string;
    readonly reason: string | undefined;
    readonly since: string;
  };
  readonly code: string | undefined;
  readonly failures: number;
  readonly required: boolean;
  readonly tooStale: boolean;
  readonly lastSuccess: string | undefined;
  readonly lastAttempt: string | undefined;
  readonly nextRefresh: string | undefined;
  readonly expires: string | undefined;
}

export interface ProblemStatus {
  readonly code: string;
  readonly object: string | undefined;
}

/** What the control socket adds, for whoever may read the pod's own files: words, places and key names. */
export interface FullStatus extends Status {
  readonly targets: readonly FullTargetStatus[];
  readonly problems: readonly Fault[];
  readonly warnings: readonly Fault[];
}

export interface FullTargetStatus extends TargetStatus {
  readonly keys: readonly string[];
  readonly generation: string | undefined;
  readonly error: Fault | undefined;
}

/** An AgentError as data. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly remedy: string | undefined;
  readonly position: string | undefined;
  readonly object: string | undefined;
  readonly field: string | undefined;
  readonly store: string | undefined;
  readonly key: string | undefined;
  readonly requestId: string | undefined;
}

export interface StatusContext {
  readonly nowMs: number;
  readonly version: string;
}

export function statusOf(state: AgentState, context: StatusContext): Status {
  return {
    version: context.version,
    now: iso(context.nowMs),
    startedAt: iso(state.startedMs),
    started: state.started,
    ready: readyz(state).ok,
    targets: worstFirst(state.targets.values()).map(targetStatus),
    problems: state.problems.map(({ code, at }) => ({ code, object: at.object })),
    breakers: Object.fromEntries(state.breakers),
  };
}

export function fullStatusOf(state: AgentState, context: StatusContext): FullStatus {
  return {
    ...statusOf(state, context),
    targets: worstFirst(state.targets.values()).map((target) => ({
      ...targetStatus(target),
      keys: target.keys,
      generation: target.generation,
      error: target.error && faultOf(target.error),
    })),
    problems: state.problems.map(faultOf),
    warnings: state.warnings.map(faultOf),
  };
}

function targetStatus(target: TargetState): TargetStatus {
  const { status, reason, lastTransitionMs } = target.condition;
  return {
    name: target.name,
    namespace: target.namespace,
    target: target.targetName,
    stores: target.storeIds,
    state: standingOf(target),
    condition: { status, reason, since: iso(lastTransitionMs) },
    code: target.error?.code,
    failures: target.failures,
    required: target.required,
    tooStale: target.tooStale,
    lastSuccess: isoOr(target.lastSuccessMs),
    lastAttempt: isoOr(target.lastAttemptMs),
    nextRefresh: isoOr(target.nextRefreshMs),
    expires: isoOr(target.expiryMs),
  };
}

export function faultOf(error: AgentError): Fault {
  const { code, message, remedy, requestId, at } = error;
  return {
    code,
    message,
    remedy,
    position: positionOf(at) || undefined,
    object: at.object,
    field: at.field,
    store: at.store,
    key: at.key,
    requestId,
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function isoOr(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : iso(ms);
}
