import type { ExternalSecret } from './spec.ts';
import type { Subject } from './subject.ts';

export interface ReadExternalSecret {
  readonly subject: Subject;
  /** Undefined when it is refused already. */
  readonly externalSecret: ExternalSecret | undefined;
}

/**
 * Two ExternalSecrets with one target would overwrite each other's folder. The one that runs with it now
 * keeps it, if it still asks for it or its document is refused for now; if none runs, both are refused. One
 * that asks for another target has let go of this one, so that two may swap theirs.
 */
export function refuseCollisions(
  read: readonly ReadExternalSecret[],
  running: ReadonlyMap<string, string>,
): void {
  const broken = new Set(read.flatMap((each) => (each.externalSecret ? [] : [each.subject.name])));
  for (const [target, claimants] of byTarget(read)) {
    const owner = running.get(target);
    const keeps = claimants.some(({ name }) => name === owner) || broken.has(owner ?? '');
    const kept = keeps ? owner : undefined;
    if (kept === undefined && claimants.length < 2) continue;
    for (const { name, subject } of claimants) {
      if (name !== kept) refuse(subject, target, kept ?? others(name, claimants));
    }
  }
}

interface Claimant {
  readonly name: string;
  readonly subject: Subject;
}

function byTarget(read: readonly ReadExternalSecret[]): ReadonlyMap<string, readonly Claimant[]> {
  const targets = new Map<string, Claimant[]>();
  for (const { subject, externalSecret } of read) {
    if (externalSecret === undefined) continue;
    const { name } = externalSecret.target;
    targets.set(name, [...(targets.get(name) ?? []), { name: externalSecret.name, subject }]);
  }
  return targets;
}

function others(name: string, claimants: readonly Claimant[]): string {
  return claimants.flatMap((other) => (other.name === name ? [] : [other.name])).join(', ');
}

function refuse(subject: Subject, target: string, owner: string): void {
  const named = subject.valueAt(['spec', 'target', 'name']) !== undefined;
  const path = named ? ['spec', 'target', 'name'] : ['metadata', 'name'];
  const message = `the target ${JSON.stringify(target)} belongs to ExternalSecret ${owner} too`;
  subject.problem(path, message, 'give each ExternalSecret a target.name of its own');
}
