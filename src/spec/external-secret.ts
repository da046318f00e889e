import { didYouMean } from '../base/nearest.ts';
import { type OptionDefaults, readOptions } from './annotations.ts';
import { parseDuration } from './duration.ts';
import { hashOf } from './hash.ts';
import type { Path } from './path.ts';
import { externalSecretSpec } from './schema/external-secret.ts';
import { keyComplaint, shown } from './schema/rules.ts';
import type {
  DataEntry,
  DataFromEntry,
  ExternalSecret,
  Find,
  RemoteRef,
  Rewrite,
  StoreKind,
} from './spec.ts';
import type { Subject } from './subject.ts';
import { type RawTarget, readTarget } from './target.ts';

/** Finds the store of a reference, telling the subject when it cannot be used. */
export type ResolveStore = (subject: Subject, ref: StoreRef, path: Path) => string | undefined;

export interface StoreRef {
  readonly kind: StoreKind;
  readonly name: string;
}

interface RawSpec {
  readonly secretStoreRef?: RawStoreRef;
  readonly refreshPolicy?: ExternalSecret['refreshPolicy'];
  readonly refreshInterval: string;
  readonly syncWindows?: {
    readonly kind: 'allow' | 'deny';
    readonly windows: readonly { readonly schedule: string; readonly duration: string }[];
  };
  readonly target: RawTarget;
  readonly data?: readonly RawData[];
  readonly dataFrom?: readonly RawDataFrom[];
}

interface RawStoreRef {
  readonly kind?: StoreKind;
  readonly name?: string;
}

interface RawSourceRef {
  readonly storeRef?: RawStoreRef;
  readonly generatorRef?: unknown;
}

interface RawData {
  readonly secretKey: string;
  readonly remoteRef: RawRemoteRef;
  readonly sourceRef?: RawSourceRef;
}

type RawRemoteRef = Partial<RemoteRef> & Pick<RemoteRef, 'key'>;

interface RawFind
  extends Partial<Pick<Find, 'path' | 'conversionStrategy' | 'decodingStrategy' | 'nullBytePolicy'>> {
  readonly name?: { readonly regexp?: string };
  readonly tags?: Readonly<Record<string, string>>;
}

interface RawDataFrom {
  readonly extract?: RawRemoteRef;
  readonly find?: RawFind;
  readonly rewrite?: readonly RawRewrite[];
  readonly sourceRef?: RawSourceRef;
}

interface RawRewrite {
  readonly regexp?: { readonly source: string; readonly target: string };
  readonly transform?: { readonly template: string };
  readonly merge?: Omit<Extract<Rewrite, { kind: 'merge' }>, 'at' | 'kind' | 'priority'> & {
    priority?: string[];
  };
}

/** Reads one ExternalSecret; undefined when it is refused, and then the subject says why. */
export function readExternalSecret(
  subject: Subject,
  resolve: ResolveStore,
  defaults: OptionDefaults = {},
): ExternalSecret | undefined {
  subject.checkTopLevel(['spec']);
  const options = readOptions(subject, defaults);
  const version = subject.apiVersion.endsWith('/v1') ? 'v1' : 'v1beta1';
  const spec = subject.conform(['spec'], externalSecretSpec(version)) as RawSpec;
  // What follows counts on the structure.
  if (subject.refused) return undefined;
  const target = readTarget(subject, spec.target);
  checkEntries(subject, spec);
  const { data, dataFrom } = readEntries(subject, spec, resolve);
  checkOptional(subject, options.optional, spec);
  if (subject.refused) return undefined;
  const { namespace, uid, labels, annotations } = subject.metadata;
  const plain = { labels: Object.fromEntries(labels), annotations: Object.fromEntries(annotations) };
  return {
    name: subject.name,
    namespace,
    uid,
    at: subject.at([]),
    labels,
    annotations,
    hash: hashOf({ name: subject.name, spec, ...plain }),
    refreshPolicy: spec.refreshPolicy ?? 'Periodic',
    refreshIntervalMs: Math.max(0, parseDuration(spec.refreshInterval)),
    syncWindows: readSyncWindows(spec.syncWindows),
    target,
    data,
    dataFrom,
    options,
  };
}

function readSyncWindows(raw: RawSpec['syncWindows']): ExternalSecret['syncWindows'] {
  if (raw === undefined) return undefined;
  const windows = raw.windows.map(({ schedule, duration }) => ({
    schedule,
    durationMs: parseDuration(duration),
  }));
  return { kind: raw.kind, windows };
}

/** The admission webhook's rules on data and dataFrom. */
function checkEntries(subject: Subject, spec: RawSpec): void {
  if ((spec.data ?? []).length === 0 && (spec.dataFrom ?? []).length === 0) {
    subject.problem(['spec'], 'data or dataFrom must have an entry');
  }
  if (spec.target.deletionPolicy === 'Retain') checkDuplicates(subject, spec.data ?? []);
  spec.dataFrom?.forEach((entry, i) => {
    const kinds = [entry.extract, entry.find, entry.sourceRef?.generatorRef].filter(
      (kind) => kind !== undefined,
    );
    const path = ['spec', 'dataFrom', i];
    if (kinds.length > 1)
      subject.problem(path, 'must have only one of extract, find and sourceRef.generatorRef');
    if (kinds.length === 0 && entry.sourceRef === undefined)
      subject.problem(path, 'must have extract, find or sourceRef');
  });
}

/** Only under Retain, as in ESO; elsewhere the last one wins. */
function checkDuplicates(subject: Subject, data: readonly RawData[]): void {
  const seen = new Map<string, number>();
  data.forEach(({ secretKey }, i) => {
    const first = seen.get(secretKey);
    if (first === undefined) seen.set(secretKey, i);
    else
      subject.problem(
        ['spec', 'data', i, 'secretKey'],
        `${shown(secretKey)} is the key of data[${first}] already`,
      );
  });
}

interface Entries {
  readonly data: readonly DataEntry[];
  readonly dataFrom: readonly DataFromEntry[];
}

function readEntries(subject: Subject, spec: RawSpec, resolve: ResolveStore): Entries {
  const storeOf = (source: RawSourceRef | undefined, path: Path) =>
    storeIdOf({ subject, spec, source, path, resolve });
  const data = (spec.data ?? []).map((entry, i): DataEntry => {
    const path = ['spec', 'data', i];
    const complaint = keyComplaint(entry.secretKey);
    if (complaint !== undefined) subject.problem([...path, 'secretKey'], complaint.message, complaint.remedy);
    const id = storeOf(entry.sourceRef, path);
    return {
      at: subject.at(path),
      secretKey: entry.secretKey,
      remoteRef: readRef(entry.remoteRef),
      storeId: id,
    };
  });
  const dataFrom = (spec.dataFrom ?? []).flatMap((entry, i): DataFromEntry[] => {
    const path = ['spec', 'dataFrom', i];
    if (
      entry.extract === undefined &&
      entry.find === undefined &&
      entry.sourceRef?.generatorRef === undefined
    ) {
      if (entry.sourceRef !== undefined)
        subject.warning(path, 'yields nothing: it has neither extract nor find');
      return [];
    }
    return readDataFrom(subject, entry, { path, storeId: storeOf(entry.sourceRef, path) });
  });
  return { data, dataFrom };
}

interface StoreQuestion {
  readonly subject: Subject;
  readonly spec: RawSpec;
  readonly source: RawSourceRef | undefined;
  readonly path: Path;
  readonly resolve: ResolveStore;
}

/** The entry's own store, else the spec's. */
function storeIdOf({ subject, spec, source, path, resolve }: StoreQuestion): string {
  if (source?.generatorRef !== undefined) {
    subject.unsupported([...path, 'sourceRef', 'generatorRef']);
    return '';
  }
  const own = source?.storeRef;
  const ref = own ?? spec.secretStoreRef;
  const place = own === undefined ? ['spec', 'secretStoreRef'] : [...path, 'sourceRef', 'storeRef'];
  if (ref?.name === undefined) {
    const message =
      ref === undefined
        ? 'no store is named: there is neither secretStoreRef nor sourceRef'
        : 'name is required';
    if (!told(subject, message)) subject.problem(ref === undefined ? path : place, message);
    return '';
  }
  return resolve(subject, { kind: ref.kind ?? 'SecretStore', name: ref.name }, [...place, 'name']) ?? '';
}

/** One fault of the default store is told once, not once per entry. */
function told(subject: Subject, message: string): boolean {
  return subject.problems.some((problem) => problem.message === message);
}

function readRef(raw: RawRemoteRef): RemoteRef {
  return {
    key: raw.key,
    property: raw.property ?? '',
    version: raw.version ?? '',
    metadataPolicy: raw.metadataPolicy ?? 'None',
    ...strategiesOf(raw),
  };
}

function strategiesOf(
  raw: RawRemoteRef | RawFind,
): Pick<Find, 'conversionStrategy' | 'decodingStrategy' | 'nullBytePolicy'> {
  return {
    conversionStrategy: raw.conversionStrategy ?? 'Default',
    decodingStrategy: raw.decodingStrategy ?? 'None',
    nullBytePolicy: raw.nullBytePolicy ?? 'Ignore',
  };
}

function readDataFrom(
  subject: Subject,
  raw: RawDataFrom,
  place: { path: Path; storeId: string },
): DataFromEntry[] {
  const { path, storeId } = place;
  const at = subject.at(path);
  const rewrite = (raw.rewrite ?? []).map((op, i) => readRewrite(subject, op, [...path, 'rewrite', i]));
  if (raw.find !== undefined) return [{ at, kind: 'find', storeId, find: readFind(raw.find), rewrite }];
  if (raw.extract !== undefined)
    return [{ at, kind: 'extract', storeId, extract: readRef(raw.extract), rewrite }];
  return [];
}

function readFind(raw: RawFind): Find {
  return {
    path: raw.path,
    nameRegexp: raw.name === undefined ? undefined : (raw.name.regexp ?? ''),
    tags: raw.tags === undefined ? undefined : new Map(Object.entries(raw.tags)),
    ...strategiesOf(raw),
  };
}

function readRewrite(subject: Subject, raw: RawRewrite, path: Path): Rewrite {
  const at = subject.at(path);
  if (raw.regexp !== undefined)
    return { at, kind: 'regexp', source: raw.regexp.source, target: raw.regexp.target };
  if (raw.transform !== undefined) {
    const template = subject.textAt([...path, 'transform', 'template']);
    return { at: template, kind: 'transform', template: raw.transform.template };
  }
  const merge = raw.merge;
  if (merge?.strategy === 'JSON' && merge.into === '') {
    subject.problem([...path, 'merge'], 'into is required with the strategy JSON');
  }
  return {
    at,
    kind: 'merge',
    into: merge?.into ?? '',
    priority: merge?.priority ?? [],
    priorityPolicy: merge?.priorityPolicy ?? 'Strict',
    conflictPolicy: merge?.conflictPolicy ?? 'Error',
    strategy: merge?.strategy ?? 'Extract',
  };
}

/** A key that may be missing has to be one that is asked for; dataFrom may bring any. */
function checkOptional(subject: Subject, optional: true | ReadonlySet<string>, spec: RawSpec): void {
  if (optional === true || (spec.dataFrom ?? []).length > 0) return;
  const keys = (spec.data ?? []).map((entry) => entry.secretKey);
  for (const key of optional) {
    if (keys.includes(key)) continue;
    const path = ['metadata', 'annotations', 'agent.external-secrets.io/optional'];
    subject.problem(path, `${shown(key)} is no secretKey of spec.data${didYouMean(key, keys)}`);
  }
}
