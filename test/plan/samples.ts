import { AgentError } from '../../src/base/errors.ts';
import { Secret, type SecretMap } from '../../src/base/secret.ts';
import type { Fetched, Traits } from '../../src/plan/fetched.ts';
import { readOfDataFrom, readOfRef } from '../../src/plan/plan.ts';
import { type Shaped, shape } from '../../src/plan/shape.ts';
import type {
  DataEntry,
  DataFromEntry,
  ExternalSecret,
  Find,
  RemoteRef,
  Rewrite,
} from '../../src/spec/spec.ts';
import { ManualClock } from '../base/manual-clock.ts';

export const store = 'SecretStore/main';

export const aws: Traits = {
  lookup: 'literal-then-path',
  absentProperty: 'error',
  extract: 'raw',
  findConvertsFirst: false,
};
export const vault: Traits = {
  lookup: 'key-then-path',
  absentProperty: 'error',
  extract: 'byte-value',
  findConvertsFirst: false,
};
export const fake: Traits = {
  lookup: 'path',
  absentProperty: 'absent',
  extract: 'raw',
  findConvertsFirst: true,
};

const strategies = {
  conversionStrategy: 'Default',
  decodingStrategy: 'None',
  nullBytePolicy: 'Ignore',
} as const;

export function ref(key: string, rest: Partial<RemoteRef> = {}): RemoteRef {
  return { key, property: '', version: '', metadataPolicy: 'None', ...strategies, ...rest };
}

export function data(secretKey: string, key: string, rest: Partial<RemoteRef> = {}): DataEntry {
  return { at: { field: `spec.data.${secretKey}` }, secretKey, storeId: store, remoteRef: ref(key, rest) };
}

export function extract(
  key: string,
  { rewrite = [], ...rest }: Partial<RemoteRef> & { rewrite?: readonly Rewrite[] } = {},
): DataFromEntry {
  return {
    at: { field: 'spec.dataFrom' },
    kind: 'extract',
    storeId: store,
    extract: ref(key, rest),
    rewrite,
  };
}

export function find({
  rewrite = [],
  ...rest
}: Partial<Find> & { rewrite?: readonly Rewrite[] } = {}): DataFromEntry {
  const found: Find = { path: undefined, nameRegexp: '.*', tags: undefined, ...strategies, ...rest };
  return { at: { field: 'spec.dataFrom' }, kind: 'find', storeId: store, find: found, rewrite };
}

export interface Wanted {
  readonly data?: readonly DataEntry[];
  readonly dataFrom?: readonly DataFromEntry[];
  readonly deletionPolicy?: 'Retain' | 'Delete' | 'Merge';
  readonly optional?: readonly string[];
}

export function externalSecret({
  data: entries = [],
  dataFrom = [],
  deletionPolicy = 'Retain',
  optional = [],
}: Wanted): ExternalSecret {
  return {
    name: 'app',
    namespace: 'default',
    uid: undefined,
    at: { file: 'app.yaml' },
    labels: new Map(),
    annotations: new Map(),
    hash: '00',
    refreshPolicy: 'Periodic',
    refreshIntervalMs: 3_600_000,
    syncWindows: undefined,
    target: { name: 'app', creationPolicy: 'Owner', deletionPolicy, immutable: false, template: undefined },
    data: entries,
    dataFrom,
    options: {
      format: 'files',
      fileMode: undefined,
      optional: new Set(optional),
      maxStaleness: undefined,
      refreshMs: undefined,
    },
  };
}

/** What a store gave, by remote key; a `find` is under `find`. */
export type Given = Readonly<Record<string, Fetched | AgentError>>;

export function text(value: string | Buffer): Fetched {
  return { kind: 'text', value: Secret.of(value) };
}

export function tree(json: string): Fetched {
  return { kind: 'tree', json: Secret.of(json) };
}

export function map(entries: Readonly<Record<string, string | Buffer>>): Fetched {
  return { kind: 'map', entries: secrets(entries) };
}

export const absent: Fetched = { kind: 'absent', reason: 'it is not in the store' };

export function secrets(entries: Readonly<Record<string, string | Buffer>>): SecretMap {
  return new Map(Object.entries(entries).map(([key, value]) => [key, Secret.of(value)]));
}

export async function shaped(wanted: Wanted, given: Given, traits: Traits = aws): Promise<Shaped> {
  const spec = externalSecret(wanted);
  const fetched = new Map<string, Fetched | AgentError>();
  for (const entry of spec.data)
    fetched.set(readOfRef(store, entry.remoteRef).id, given[entry.remoteRef.key]!);
  for (const entry of spec.dataFrom) {
    fetched.set(readOfDataFrom(entry).id, given[entry.kind === 'find' ? 'find' : entry.extract.key]!);
  }
  return await shape(spec, fetched, { traitsOf: () => traits, clock: new ManualClock() });
}

/** Keys and values, the values as text. */
export function plain(entries: SecretMap): Record<string, string> {
  return Object.fromEntries([...entries].map(([key, value]) => [key, value.text()]));
}

/** For assert.rejects and assert.throws: our error, with a remedy, and never with the canary that values hold. */
export function fault(code: string, about: RegExp): (thrown: unknown) => boolean {
  return (thrown) => {
    if (!(thrown instanceof AgentError)) throw thrown;
    const shown = `${thrown.message} ${thrown.remedy} ${JSON.stringify(thrown.at)}`;
    if (thrown.code !== code || !about.test(thrown.message) || shown.includes('canary')) {
      throw new Error(`${thrown.code}: ${shown}`, { cause: thrown });
    }
    return true;
  };
}
