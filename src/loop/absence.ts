import { limits } from '../base/limits.ts';

/** Delivered keys that the store now proves absent, and how often it did. */
export interface Absence {
  readonly keys: readonly string[];
  readonly confirmations: number;
  readonly lastMs: number;
}

/**
 * One more proven absence of delivered keys. Another set of keys starts the count anew; two proofs closer than
 * 30 s are one, since they may share a cause. `nowMs` is monotonic.
 */
export function confirm(before: Absence | undefined, keys: readonly string[], nowMs: number): Absence {
  const same = before !== undefined && before.keys.join('\0') === keys.join('\0');
  if (!same) return { keys, confirmations: 1, lastMs: nowMs };
  if (nowMs - before.lastMs < limits.absenceSpacingMs) return before;
  return { keys, confirmations: before.confirmations + 1, lastMs: nowMs };
}

export function isConfirmed(absence: Absence): boolean {
  return absence.confirmations >= limits.absenceConfirmations;
}
