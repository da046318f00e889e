import { limits } from '../base/limits.ts';
import type { AgentState } from '../loop/state.ts';
import { isHolding, worstFirst } from './standing.ts';

/** What a probe is told. `lines` hold names and codes alone. */
export interface Health {
  readonly ok: boolean;
  readonly lines: readonly string[];
}

/** Whether the loop turns. The health of stores is no reason to restart a pod. */
export function livez(state: AgentState, monotonicMs: number): Health {
  const lateMs = monotonicMs - state.heartbeatMs;
  if (lateMs <= limits.heartbeatLateMs) return { ok: true, lines: ['ok'] };
  return { ok: false, lines: [`the loop has not turned for ${Math.round(lateMs / 1000)} s`] };
}

/** Latched: every required target of the first valid spec set is published. */
export function startupz(state: AgentState): Health {
  if (state.started) return { ok: true, lines: ['ok'] };
  const holding = worstFirst(state.targets.values()).filter(isHolding);
  const lines = [
    ...state.problems.map((problem) => `${problem.at.object ?? problem.at.file ?? 'specs'}: ${problem.code}`),
    ...holding.map((target) => `${target.name}: ${target.error?.code ?? 'not delivered yet'}`),
  ];
  return { ok: false, lines: lines.length === 0 ? ['no ExternalSecret delivered yet'] : [...new Set(lines)] };
}

/** As startupz, but for `max-staleness: …,unready`. */
export function readyz(state: AgentState): Health {
  const startup = startupz(state);
  if (!startup.ok) return startup;
  const stale = [...state.targets.values()].filter((target) => target.tooStale && target.unreadyWhenStale);
  if (stale.length === 0) return startup;
  return { ok: false, lines: stale.map((target) => `${target.name}: older than max-staleness`) };
}
