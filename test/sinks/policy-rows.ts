import type { CreationPolicy, DeletionPolicy } from '../../src/spec/spec.ts';

/** Of the target, before the sync. */
export const states = ['absent', 'ours', 'hand-made', 'foreign', 'eso', 'immutable'] as const;
/** Of the store. */
export const answers = ['value', 'absent', 'denied', 'error', 'timeout'] as const;

/** The combinations that the admission rules let pass. */
export const policies: readonly (readonly [CreationPolicy, DeletionPolicy])[] = [
  ['Owner', 'Retain'],
  ['Owner', 'Delete'],
  ['Owner', 'Merge'],
  ['Orphan', 'Retain'],
  ['Orphan', 'Delete'],
  ['Orphan', 'Merge'],
  ['CreateOrMerge', 'Retain'],
  ['CreateOrMerge', 'Merge'],
  ['Merge', 'Retain'],
  ['Merge', 'Merge'],
  ['None', 'Retain'],
];

export interface Row {
  readonly name: string;
  readonly creation: CreationPolicy;
  readonly deletion: DeletionPolicy;
  readonly state: (typeof states)[number];
  readonly answer: (typeof answers)[number];
}

export interface Outcome {
  readonly data: Record<string, string> | undefined;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** Before the sync, by state. Where others' keys stay, ours stand beside one of theirs. */
export const held: Record<Row['state'], Record<string, string> | undefined> = {
  absent: undefined,
  ours: { key: 'old' },
  'hand-made': { key: 'hand', extra: 'hand' },
  foreign: { key: 'theirs', extra: 'theirs' },
  eso: { key: 'eso' },
  immutable: { key: 'fixed' },
};

const failed = (message: string) => ({ status: 'False', reason: 'SecretSyncedError', message }) as const;
const synced = { status: 'True', reason: 'SecretSynced', message: 'secret synced' } as const;
const taken = failed('failed to take ownership of target secret');

/** The reference, in words of ESO's: what the row must come to. */
export function expected(row: Row): Outcome {
  const { creation, deletion, state, answer } = row;
  const overlay = creation === 'Merge' || creation === 'CreateOrMerge';
  const before = state === 'ours' && overlay ? { ...held.ours, extra: 'hand' } : held[state];
  if (answer !== 'value' && answer !== 'absent')
    return { data: before, ...failed('could not get secret data from provider') };
  if (answer === 'absent' && deletion === 'Retain')
    return { data: before, ...failed('could not get secret data from provider') };
  if (creation === 'None') return { data: before, ...synced };
  if (answer === 'absent' && deletion === 'Delete') return deleted(row, before);
  const wanted: Record<string, string> = answer === 'value' ? { key: 'new' } : {};
  if (state === 'absent' && creation === 'Merge')
    return {
      data: undefined,
      status: 'True',
      reason: 'SecretMissing',
      message: 'secret will not be created due to CreationPolicy=Merge',
    };
  if (state === 'eso') return { data: before, ...taken };
  if (state === 'foreign' && !overlay) return { data: before, ...taken };
  // Under Merge with nothing from the store an overlay has no key of ours to change in an immutable Secret.
  const changes = answer === 'value' || !overlay;
  if (state === 'immutable' && changes)
    return { data: before, ...failed('could not update secret, target is immutable') };
  const others = Object.entries(before ?? {}).filter(([key]) => {
    return overlay && (key !== 'key' || (state !== 'ours' && answer === 'absent'));
  });
  return { data: { ...Object.fromEntries(others), ...wanted }, ...synced };
}

function deleted({ creation, state }: Row, before: Outcome['data']): Outcome {
  const mayGo = creation === 'Owner' && (state === 'ours' || state === 'absent');
  if (!mayGo) return { data: before, ...failed('could not delete secret') };
  const message = 'secret deleted due to DeletionPolicy=Delete';
  return { data: undefined, status: 'True', reason: 'SecretDeleted', message };
}

export const rows: readonly Row[] = policies.flatMap(([creation, deletion]) =>
  states.flatMap((state) =>
    answers.map((answer) => ({
      name: `${creation}-${deletion}-${state}-${answer}`.toLowerCase(),
      creation,
      deletion,
      state,
      answer,
    })),
  ),
);
