import type { TargetState } from '../loop/state.ts';

/**
 * How an ExternalSecret stands, in one word, worst first:
 * - `failed`: never delivered, and the last attempt failed.
 * - `stale`: delivered, but the last refresh failed or is older than `max-staleness`; the last good files stay.
 * - `pending`: not tried to the end yet.
 * - `synced`: all is well.
 */
export const standings = ['failed', 'stale', 'pending', 'synced'] as const;
export type Standing = (typeof standings)[number];

export function standingOf(target: TargetState): Standing {
  if (target.error !== undefined) return target.published ? 'stale' : 'failed';
  if (target.tooStale) return 'stale';
  return target.published ? 'synced' : 'pending';
}

/** By standing, then by name. */
export function worstFirst(targets: Iterable<TargetState>): readonly TargetState[] {
  const rank = (target: TargetState) => standings.indexOf(standingOf(target));
  return [...targets].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

/** Whether it is among what start-up may be waiting for. */
export function isHolding(target: TargetState): boolean {
  return target.required && !target.published;
}
