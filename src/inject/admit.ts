import { isDeepStrictEqual } from 'node:util';
import { type AgentError, describe } from '../base/errors.ts';
import type { SpecFile } from '../spec/yaml.ts';
import type { InjectSettings, PodOptions } from './options.ts';
import { patchPod } from './patch.ts';
import { membersOf, textOf } from './raw.ts';
import { refusalText } from './refusal.ts';
import { allowed, type Review, type Verdict } from './review.ts';
import { type FoundSpecs, specsIn } from './specs-in.ts';

/** What `check` finds in documents. */
export interface SpecFindings {
  /** What `check` would refuse. */
  readonly faults: readonly AgentError[];
  /** Works, and may surprise. */
  readonly advice: readonly AgentError[];
}

export type CheckSpecs = (files: readonly SpecFile[], namespace: string | undefined) => Promise<SpecFindings>;

export interface Admission {
  readonly settings: InjectSettings;
  readonly checkSpecs: CheckSpecs;
}

/** `/mutate`: gives a pod its agent. Pure but for the check of specs that stand in the pod itself. */
export async function mutate(review: Review, { settings, checkSpecs }: Admission): Promise<Verdict> {
  const { kind, operation, subResource, object } = review;
  if (kind !== 'Pod' || operation !== 'CREATE' || subResource !== '' || object === null)
    return allowed('not-a-new-pod');
  const outcome = patchPod(object, settings);
  if (outcome.kind === 'skipped') return allowed(outcome.why);
  if (outcome.kind === 'refused') {
    const reason = outcome.refusals[0]?.reason ?? '';
    return { result: 'denied', reason, mode: '', message: refusalText(outcome.refusals) };
  }
  const { options, operations, warnings } = outcome;
  const mode = modeOf(options);
  const { faults, advice } = await inlineFindings(options, review.namespace, checkSpecs);
  if (faults.length > 0) return { ...denied(faults), mode };
  const all = [...warnings, ...advice.map(shown)];
  const result = operations.length > 0 ? 'patched' : 'allowed';
  return { result, reason: result === 'patched' ? '' : 'complete', mode, warnings: all, patch: operations };
}

function modeOf({ mode, native }: PodOptions): string {
  return mode === 'sidecar' && !native ? 'pair' : mode;
}

/** Of the specs that stand in the pod itself. */
export async function inlineFindings(
  { spec }: PodOptions,
  namespace: string | undefined,
  checkSpecs: CheckSpecs,
): Promise<SpecFindings> {
  if (spec === undefined) return { faults: [], advice: [] };
  return await checkSpecs([{ path: 'spec', text: spec }], namespace);
}

/** `/validate`: refuses documents that `check` would refuse, in its words. */
export async function validate(review: Review, { checkSpecs }: Admission): Promise<Verdict> {
  const found = review.object === null ? undefined : specsIn(review.object);
  if (found === undefined) return allowed('not-ours');
  if (isSettled(review, found)) return allowed('unchanged');
  const { faults, advice } = await checkSpecs(found.files, review.namespace);
  const soft = found.tolerant ? faults.filter(isUnsupported) : [];
  const hard = [...found.faults, ...faults.filter((fault) => !soft.includes(fault))];
  if (hard.length > 0) return denied(hard.map(found.placed));
  return allowed('', [...found.warnings, ...[...soft, ...advice].map((each) => shown(found.placed(each)))]);
}

/**
 * What says the same as before, or is being deleted, was decided about when it was written. Whoever then takes a
 * finalizer away or sets a label must not be stopped by specs that are older than the webhook.
 */
function isSettled({ object, oldObject }: Review, { said }: FoundSpecs): boolean {
  if (oldObject === null) return false;
  if (textOf(membersOf(object?.['metadata'])['deletionTimestamp']) !== undefined) return true;
  return isDeepStrictEqual(specsIn(oldObject)?.said, said);
}

/** An object of a cluster may be for ESO, which knows more stores than we do. */
function isUnsupported({ message }: AgentError): boolean {
  return message.startsWith('not supported by this version');
}

function denied(faults: readonly AgentError[]): Verdict {
  return { result: 'denied', reason: 'InvalidSpec', mode: '', message: faults.map(describe).join('; ') };
}

function shown(error: AgentError): string {
  return describe(error);
}
