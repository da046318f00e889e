import { isDeepStrictEqual } from 'node:util';
import { AgentError, describe } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { SpecFile } from '../spec/document.ts';
import { type ReadFile, readDocuments } from '../spec/documents.ts';
import type { InjectSettings, PodOptions } from './options.ts';
import { patchPod } from './patch.ts';
import { membersOf, textOf } from './raw.ts';
import { refusalText } from './refusal.ts';
import { allowed, type Review, type Verdict } from './review.ts';
import { type FoundSpecs, specsIn, storesElsewhere } from './specs-in.ts';
import type { Turns } from './turns.ts';

/** What `check` finds in documents. */
export interface SpecFindings {
  /** What `check` would refuse. */
  readonly faults: readonly AgentError[];
  /** Works, and may surprise. */
  readonly advice: readonly AgentError[];
}

export type CheckSpecs = (files: readonly ReadFile[], namespace: string | undefined) => Promise<SpecFindings>;

export interface Admission {
  readonly settings: InjectSettings;
  readonly checkSpecs: CheckSpecs;
  /** Specs are checked one after the other: nobody else is answered while YAML is read, and pods go between two. */
  readonly turns: Turns;
}

/** `/mutate`: gives a pod its agent. Pure but for the check of specs that stand in the pod itself. */
export async function mutate(review: Review, admission: Admission): Promise<Verdict> {
  const { kind, operation, subResource, object } = review;
  if (kind !== 'Pod' || operation !== 'CREATE' || subResource !== '' || object === null)
    return allowed('not-a-new-pod');
  const outcome = patchPod(object, admission.settings);
  if (outcome.kind === 'skipped') return allowed(outcome.why);
  if (outcome.kind === 'refused') {
    const reason = outcome.refusals[0]?.reason ?? '';
    return { result: 'denied', reason, mode: '', message: refusalText(outcome.refusals) };
  }
  const { options, operations, warnings } = outcome;
  const mode = modeOf(options);
  const { faults, advice } = await inlineFindings(options, review.namespace, admission);
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
  { checkSpecs, turns }: Admission,
): Promise<SpecFindings> {
  if (spec === undefined) return { faults: [], advice: [] };
  const files = [{ path: 'spec', text: spec }];
  const large = tooLarge(files);
  if (large !== undefined) return { faults: [large], advice: [] };
  return await turns.take(async () => checkSpecs(await readDocuments(files), namespace));
}

/** `/validate`: refuses documents that `check` would refuse, in its words. */
export async function validate(review: Review, admission: Admission): Promise<Verdict> {
  try {
    return await validated(review, admission);
  } catch (error) {
    // The stack ended: an object of a CRD that keeps unknown fields may be nested thousands deep.
    if (error instanceof RangeError) return denied([tooDeep()]);
    throw error;
  }
}

async function validated(review: Review, { checkSpecs, turns }: Admission): Promise<Verdict> {
  const found = review.object === null ? undefined : specsIn(review.object);
  if (found === undefined) return allowed('not-ours');
  if (isSettled(review, found)) return allowed('unchanged');
  const large = tooLarge(found.files);
  if (large !== undefined) {
    return found.mayBeLarge ? allowed('too-large', [shown(large)]) : denied([large]);
  }
  const { missing, faults, advice } = await turns.take(async () => {
    const read = await readDocuments(found.files);
    const { placeholders, ...elsewhere } = storesElsewhere(read);
    const findings = await checkSpecs([...read, ...(await readDocuments(placeholders))], review.namespace);
    return { ...elsewhere, ...findings };
  });
  const soft = found.tolerant ? faults.filter(isUnsupported) : [];
  const hard = [...found.faults, ...faults.filter((fault) => !soft.includes(fault))];
  if (hard.length > 0) return denied(hard.map(found.placed));
  const absent = found.holdsAll ? missing.map(absentStore) : [];
  return allowed('', [...absent, ...[...soft, ...advice].map((each) => shown(found.placed(each)))]);
}

function absentStore(store: string): string {
  return `${store} is not in this ConfigMap: the pod needs the one that has it in its config too`;
}

function tooDeep(): AgentError {
  return new AgentError('SpecInvalid', 'the object is nested too deeply', {
    remedy: 'write it as its CRD describes it',
  });
}

function tooLarge(files: readonly SpecFile[]): AgentError | undefined {
  const bytes = files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  const [most, lines] = [limits.reviewSpecBytes, limits.reviewSpecLines];
  const remedy = 'put them into several ConfigMaps, and name all in config';
  if (bytes > most) {
    return new AgentError(
      'SpecInvalid',
      `specs of ${bytes} bytes are more than the ${most} that are checked here`,
      { remedy },
    );
  }
  // What a file costs is how many values it has.
  const count = files.reduce((sum, { text }) => sum + (text.match(/[\n,]/g)?.length ?? 0), 0);
  if (count <= lines) return undefined;
  return new AgentError(
    'SpecInvalid',
    `specs of ${count} lines or list elements are more than the ${lines} that are checked here`,
    { remedy },
  );
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
