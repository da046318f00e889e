import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { SecretMap } from '../base/secret.ts';
import type { OptionDefaults } from './annotations.ts';
import { refuseCollisions } from './collisions.ts';
import { tooManyDocuments } from './document.ts';
import type { ReadFile } from './documents.ts';
import { readExternalSecret } from './external-secret.ts';
import { checkGenerator } from './generator.ts';
import { hashOf } from './hash.ts';
import { readConfigMap, readSecret } from './mounted.ts';
import { checkNamespace, checkReferences, type Namespace, namespaceOf } from './namespace.ts';
import { type Header, headerOf, objectsIn } from './objects.ts';
import { readSecretProviderClass } from './secret-provider-class.ts';
import { type ExternalSecret, type SpecSet, type Store, type StoreKind, storeId } from './spec.ts';
import { readStore, type StoreCatalog, type StoreDraft } from './store.ts';
import { checkExpressions, type MatchesRegexp, storeResolver } from './store-ref.ts';
import { Subject } from './subject.ts';

export interface ParseOptions {
  /** The pod's own; undefined on a laptop, where any one namespace will do. */
  readonly namespace?: string | undefined;
  readonly catalog: StoreCatalog;
  /** For every ExternalSecret without an annotation of its own: `--format`, `--refresh`. */
  readonly defaults?: OptionDefaults;
  /** Target name to the name of the ExternalSecret that runs with it now: that one keeps the target. */
  readonly running?: ReadonlyMap<string, string>;
  /** RE2 matching for a ClusterSecretStore's namespaceRegexes, of `regexpMatcher`; without it, a store that
   * only such an expression would admit is refused. */
  readonly matchesRegexp?: MatchesRegexp | undefined;
}

interface Draft {
  readonly header: Header;
  readonly subject: Subject;
}

/** Hop 2: documents to specs. Pure; never throws. Whatever is wrong with one document is a problem of that
 * document alone, and the others are read. */
export function parseSpecs(files: readonly ReadFile[], options: ParseOptions): SpecSet {
  const documents = files.flatMap((file) => file.documents).flatMap(objectsIn);
  const problems = files.flatMap((file) => file.problems);
  if (documents.length > limits.specDocumentCount) problems.push(tooManyDocuments());
  const drafts: Draft[] = [];
  for (const document of documents.slice(0, limits.specDocumentCount)) {
    const header = headerOf(document);
    if (header instanceof AgentError) problems.push(header);
    else drafts.push({ header, subject: new Subject(document, header) });
  }
  const hash = hashOf([...documents.map((document) => hashOf(document.value)).sort(), unreadTexts(files)]);
  return assemble(drafts, { problems, hash }, options);
}

/** What could not be read counts in the hash as its text. */
function unreadTexts(files: readonly ReadFile[]): string[] {
  return files
    .filter(({ problems }) => problems.length > 0)
    .map(({ text }) => hashOf(text))
    .sort();
}

interface Found {
  readonly problems: AgentError[];
  readonly hash: string;
}

function assemble(drafts: readonly Draft[], found: Found, options: ParseOptions): SpecSet {
  const subjects = drafts.map(({ subject }) => subject);
  const namespace = namespaceOf(subjects, options.namespace);
  for (const subject of subjects) checkNamespace(subject, namespace);
  refuseDuplicates(subjects);
  const secrets = contents(subjects, 'Secret', readSecret);
  const configMaps = contents(subjects, 'ConfigMap', readConfigMap);
  for (const { header, subject } of drafts) if (header.generator) checkGenerator(subject);
  const stores = readStores(subjects, options.catalog);
  for (const draft of stores.values()) checkExpressions(draft, options.matchesRegexp);
  for (const subject of subjects) checkReferences(subject, namespace);
  const externalSecrets = readExternalSecrets(subjects, { stores, namespace, options });
  return {
    externalSecrets,
    stores: usable(stores, namespace.own),
    secrets,
    configMaps,
    problems: inOrder([...found.problems, ...subjects.flatMap((subject) => subject.problems)]),
    warnings: inOrder(subjects.flatMap((subject) => subject.warnings)),
    hash: found.hash,
  };
}

/** As they stand in the files, so that the same specs give the same text. */
function inOrder(errors: readonly AgentError[]): readonly AgentError[] {
  return errors.toSorted((a, b) => {
    const [fileA = '', fileB = ''] = [a.at.file, b.at.file];
    if (fileA !== fileB) return fileA < fileB ? -1 : 1;
    return (a.at.line ?? 0) - (b.at.line ?? 0) || (a.at.column ?? 0) - (b.at.column ?? 0);
  });
}

/** The later of two objects of one kind and name is refused. */
function refuseDuplicates(subjects: readonly Subject[]): void {
  const seen = new Map<string, Subject>();
  for (const subject of subjects) {
    const first = seen.get(subject.object);
    if (subject.name === '' || first === undefined) seen.set(subject.object, subject);
    else {
      const { file, line } = first.at([]);
      subject.problem(
        ['metadata', 'name'],
        `${subject.object} is at ${file}:${line} already`,
        'remove or rename one',
      );
    }
  }
}

type Contents = ReadonlyMap<string, SecretMap>;

function contents(
  subjects: readonly Subject[],
  kind: string,
  read: (subject: Subject) => SecretMap | undefined,
): Contents {
  const found = new Map<string, SecretMap>();
  for (const subject of subjects) {
    if (subject.kind !== kind) continue;
    const members = read(subject);
    if (members !== undefined) found.set(subject.name, members);
  }
  return found;
}

/** By `storeId`, the refused ones too, so that references can say so. The first of a name wins. */
function readStores(subjects: readonly Subject[], catalog: StoreCatalog): ReadonlyMap<string, StoreDraft> {
  const stores = new Map<string, StoreDraft>();
  for (const subject of subjects) {
    const draft = storeDraft(subject, catalog);
    const id = storeId(subject.kind as StoreKind, subject.name);
    if (draft !== undefined && !stores.has(id)) stores.set(id, draft);
  }
  return stores;
}

function storeDraft(subject: Subject, catalog: StoreCatalog): StoreDraft | undefined {
  switch (subject.kind) {
    case 'SecretStore':
    case 'ClusterSecretStore':
      return readStore(subject, catalog);
    case 'SecretProviderClass':
      return readSecretProviderClass(subject, catalog);
    default:
      return undefined;
  }
}

function usable(
  drafts: ReadonlyMap<string, StoreDraft>,
  own: string | undefined,
): ReadonlyMap<string, Store> {
  const stores = new Map<string, Store>();
  for (const [id, { store, subject }] of drafts) {
    if (store === undefined || subject.refused) continue;
    stores.set(id, { ...store, namespace: store.namespace ?? own });
  }
  return stores;
}

interface World {
  readonly stores: ReadonlyMap<string, StoreDraft>;
  readonly namespace: Namespace;
  readonly options: ParseOptions;
}

function readExternalSecrets(subjects: readonly Subject[], world: World): readonly ExternalSecret[] {
  const { stores, namespace, options } = world;
  const resolve = storeResolver({ stores, namespace: namespace.name, matchesRegexp: options.matchesRegexp });
  const own = subjects.filter((subject) => subject.kind === 'ExternalSecret');
  const read = own.map((subject) => ({
    subject,
    externalSecret: readExternalSecret(subject, resolve, world.options.defaults),
  }));
  refuseCollisions(read, options.running ?? new Map());
  return read.flatMap(({ subject, externalSecret }) =>
    externalSecret === undefined || subject.refused
      ? []
      : [{ ...externalSecret, namespace: externalSecret.namespace ?? namespace.own }],
  );
}
