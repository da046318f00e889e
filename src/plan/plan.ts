import type { DataFromEntry, ExternalSecret, Find, RemoteRef } from '../spec/spec.ts';
import type { GetRead } from './fetched.ts';

/** One request to a store, shared by every entry that needs it. */
export type Read =
  | { readonly kind: 'get'; readonly id: string; readonly storeId: string; readonly get: GetRead }
  | { readonly kind: 'find'; readonly id: string; readonly storeId: string; readonly find: Find };

/** Every distinct read of a set of ExternalSecrets, by id, in the order first needed. */
export type Plan = ReadonlyMap<string, Read>;

/** Hop 3: what to fetch. 30 entries over 3 remote keys are 3 reads: property, decoding and conversion are
 * not part of a read's identity. */
export function plan(externalSecrets: readonly ExternalSecret[]): Plan {
  const reads = new Map<string, Read>();
  for (const externalSecret of externalSecrets) {
    for (const read of readsOf(externalSecret)) if (!reads.has(read.id)) reads.set(read.id, read);
  }
  return reads;
}

/** The reads of one ExternalSecret, in ESO's order: dataFrom, then data. */
export function readsOf(externalSecret: ExternalSecret): readonly Read[] {
  return [
    ...externalSecret.dataFrom.map(readOfDataFrom),
    ...externalSecret.data.map((entry) => readOfRef(entry.storeId, entry.remoteRef)),
  ];
}

export function readOfDataFrom(entry: DataFromEntry): Read {
  if (entry.kind === 'extract') return readOfRef(entry.storeId, entry.extract);
  const { path, nameRegexp, tags } = entry.find;
  const sortedTags = tags && [...tags].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    kind: 'find',
    id: readId('find', entry.storeId, [path ?? null, nameRegexp ?? null, sortedTags ?? null]),
    storeId: entry.storeId,
    find: entry.find,
  };
}

export function readOfRef(storeId: string, ref: RemoteRef): Read {
  const get: GetRead = { key: ref.key, version: ref.version, metadataPolicy: ref.metadataPolicy };
  return {
    kind: 'get',
    id: readId('get', storeId, [get.key, get.version, get.metadataPolicy]),
    storeId,
    get,
  };
}

function readId(kind: string, storeId: string, parts: readonly unknown[]): string {
  return JSON.stringify([kind, storeId, ...parts]);
}
