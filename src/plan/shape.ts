import type { Clock } from '../base/clock.ts';
import { AgentError, type At, type Code } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { Secret, type SecretMap } from '../base/secret.ts';
import type { DataEntry, DataFromEntry, ExternalSecret, NullBytePolicy } from '../spec/spec.ts';
import { convertKeys, validKeys } from './convert.ts';
import { decode } from './decode.ts';
import { membersOf } from './extract.ts';
import type { Fetched, Traits } from './fetched.ts';
import { namedValue, namedValues } from './named.ts';
import { readOfDataFrom, readOfRef } from './plan.ts';
import { absence, lookup } from './property.ts';
import { rewrite } from './rewrite.ts';

/** An entry that the store proved to have nothing, and that may be left out. */
export interface Missing {
  readonly at: At;
  readonly reason: string;
}

export interface Shaped {
  readonly entries: SecretMap;
  readonly missing: readonly Missing[];
}

export type FetchedById = ReadonlyMap<string, Fetched | AgentError>;

export interface ShapeContext {
  readonly traitsOf: (storeId: string) => Traits;
  /** For key templates. */
  readonly clock: Pick<Clock, 'now'>;
}

interface Shaping extends ShapeContext {
  readonly externalSecret: ExternalSecret;
  readonly fetched: FetchedById;
  readonly entries: Map<string, Secret>;
  readonly missing: Missing[];
}

/**
 * Hop 5: from what the stores gave to the keys and values of the target, in the order that ESO's contract has:
 *
 * 1. each `dataFrom` entry: fetched, rewritten, its keys converted (only without a rewrite) and checked, its values
 *    decoded, null bytes refused where asked; later entries overwrite earlier keys;
 * 2. each `data` entry: fetched, decoded, null bytes refused; `data` always beats `dataFrom`.
 *
 * The first fault ends it: nothing approximate is ever published. What the store proved absent is a fault under
 * Retain and left out under Delete and Merge.
 */
export async function shape(
  externalSecret: ExternalSecret,
  fetched: FetchedById,
  context: ShapeContext,
): Promise<Shaped> {
  const shaping: Shaping = { ...context, externalSecret, fetched, entries: new Map(), missing: [] };
  for (const entry of externalSecret.dataFrom)
    await within(shaping, entry, () => addDataFrom(shaping, entry));
  for (const entry of externalSecret.data) await within(shaping, entry, () => addData(shaping, entry));
  refuseTooLarge(shaping);
  return { entries: shaping.entries, missing: shaping.missing };
}

/** Adds the entry's place to its faults, and drops those that `optional` forgives. */
async function within(
  shaping: Shaping,
  entry: DataEntry | DataFromEntry,
  add: () => void | Promise<void>,
): Promise<void> {
  const { externalSecret } = shaping;
  try {
    await add();
  } catch (thrown) {
    if (!(thrown instanceof AgentError)) throw thrown;
    const error = thrown.within({
      ...placeOf(entry, thrown.code),
      object: `ExternalSecret/${externalSecret.name}`,
      store: entry.storeId,
    });
    const { optional } = externalSecret.options;
    const mayMiss = 'secretKey' in entry && optional !== true && optional.has(entry.secretKey);
    if (!mayMiss || (error.code !== 'NotFound' && error.code !== 'PropertyMissing')) throw error;
    shaping.missing.push({ at: error.at, reason: error.message });
  }
}

/** The entry's place with its remote key; what is not there has the place of the field that names it. */
function placeOf(entry: DataEntry | DataFromEntry, code: Code): At {
  if ('kind' in entry && entry.kind === 'find') return entry.at;
  const [name, ref] =
    'secretKey' in entry ? (['remoteRef', entry.remoteRef] as const) : (['extract', entry.extract] as const);
  const part = code === 'NotFound' ? 'key' : code === 'PropertyMissing' ? 'property' : undefined;
  const at: At = { ...entry.at, key: ref.key };
  if (part === undefined || at.field === undefined) return at;
  return { ...at, field: `${at.field}.${name}.${part}` };
}

function addData({ externalSecret, fetched, traitsOf, entries, missing }: Shaping, entry: DataEntry): void {
  const { remoteRef, storeId, secretKey } = entry;
  const traits = traitsOf(storeId);
  const outcome = outcomeOf(fetched, readOfRef(storeId, remoteRef).id);
  const value = oneValue(outcome, remoteRef.property, traits);
  if (value instanceof Secret) {
    const decoded = decoding(secretKey, () => decode(value, remoteRef.decodingStrategy));
    refuseNullBytes(new Map([[secretKey, decoded]]), remoteRef.nullBytePolicy);
    entries.set(secretKey, decoded);
    return;
  }
  const isFault = outcome.kind === 'absent' && traits.absentKeyOfData === 'error';
  if (isFault || externalSecret.target.deletionPolicy === 'Retain') throw notFound(remoteRef.key, value);
  missing.push({ at: placeOf(entry, 'NotFound'), reason: value.reason });
}

async function addDataFrom(shaping: Shaping, entry: DataFromEntry): Promise<void> {
  const { externalSecret, fetched, traitsOf, clock, entries, missing } = shaping;
  const traits = traitsOf(entry.storeId);
  const outcome = outcomeOf(fetched, readOfDataFrom(entry).id);
  const given =
    entry.kind === 'find' ? foundValues(outcome) : extracted(outcome, entry.extract.property, traits);
  const { conversionStrategy, decodingStrategy, nullBytePolicy } =
    entry.kind === 'find' ? entry.find : entry.extract;
  if ('reason' in given) {
    if (externalSecret.target.deletionPolicy === 'Retain')
      throw notFound(entry.kind === 'extract' ? entry.extract.key : 'what find names', given);
    missing.push({ at: placeOf(entry, 'NotFound'), reason: given.reason });
    return;
  }
  const early = entry.kind === 'find' && traits.findConvertsFirst;
  const rewritten = await rewrite(
    early ? convertKeys(given, conversionStrategy) : given,
    entry.rewrite,
    clock,
  );
  const named = validKeys(
    entry.rewrite.length === 0 ? convertKeys(rewritten, conversionStrategy) : rewritten,
  );
  const decoded = new Map(
    [...named].map(([key, value]) => [key, decoding(key, () => decode(value, decodingStrategy))]),
  );
  refuseNullBytes(decoded, nullBytePolicy);
  for (const [key, value] of decoded) entries.set(key, value);
}

function outcomeOf(fetched: FetchedById, id: string): Fetched {
  const outcome = fetched.get(id);
  if (outcome === undefined) throw new Error('a read of the plan was not fetched');
  if (outcome instanceof AgentError) throw outcome;
  return outcome;
}

interface Absent {
  readonly reason: string;
  /** The key is there. */
  readonly ofProperty?: true;
}

function oneValue(fetched: Fetched, property: string, traits: Traits): Secret | Absent {
  if (fetched.kind === 'absent') return fetched;
  if (fetched.kind === 'map') return namedValue(fetched, property);
  return lookup(fetched, property, traits) ?? { reason: absence(fetched, property), ofProperty: true };
}

function foundValues(fetched: Fetched): SecretMap | Absent {
  if (fetched.kind === 'absent') return fetched;
  if (fetched.kind !== 'map') throw new Error('a provider gave one value for a find');
  return fetched.entries;
}

/** One remote secret as many keys. */
function extracted(fetched: Fetched, property: string, traits: Traits): SecretMap | Absent {
  if (fetched.kind === 'map') return namedValues(fetched, property);
  const value = oneValue(fetched, property, traits);
  return value instanceof Secret ? membersOf(value, traits.extract) : value;
}

function decoding(key: string, decodeValue: () => Secret): Secret {
  try {
    return decodeValue();
  } catch (thrown) {
    if (!(thrown instanceof AgentError)) throw thrown;
    const { remedy } = thrown;
    throw new AgentError(thrown.code, `${key}: ${thrown.message}`, {
      ...(remedy !== undefined && { remedy }),
    });
  }
}

/** In the order of the keys, so that the same fault gives the same text. */
function refuseNullBytes(entries: SecretMap, policy: NullBytePolicy): void {
  if (policy !== 'Fail') return;
  for (const key of [...entries.keys()].sort()) {
    if (!entries.get(key)!.reveal().includes(0)) continue;
    throw new AgentError('DecodeFailed', `${key} holds a null byte`, {
      remedy: 'nullBytePolicy: Ignore lets it through',
    });
  }
}

function notFound(key: string, { reason, ofProperty }: Absent): AgentError {
  const create = ofProperty ? `add the property to ${key}` : `create ${key}`;
  return new AgentError('NotFound', reason, {
    remedy: `${create} in the store, or correct the reference; deletionPolicy Delete or Merge leaves it out`,
  });
}

function refuseTooLarge({ entries, externalSecret }: Shaping): void {
  let bytes = 0;
  for (const [key, value] of entries) {
    bytes += value.byteLength;
    if (value.byteLength > limits.valueBytes || bytes > limits.payloadBytes) {
      throw new AgentError('PublishFailed', `${key} makes the target larger than an agent delivers`, {
        at: { object: `ExternalSecret/${externalSecret.name}` },
        remedy: `one value may have ${limits.valueBytes} bytes, all of a target ${limits.payloadBytes}`,
      });
    }
  }
}
