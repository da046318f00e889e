import { AgentError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest.ts';
import type { SpecDocument } from './document.ts';
import type { Path } from './path.ts';
import { isMembers } from './schema/conform.ts';
import { generators } from './schema/generators.ts';
import { shown } from './schema/rules.ts';

export interface Header {
  readonly kind: string;
  readonly apiVersion: string;
  readonly generator: boolean;
}

const group = 'external-secrets.io';
const generatorVersions = [`generators.${group}/v1alpha1`];

/** Which versions of each kind are read. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  ExternalSecret: [`${group}/v1`, `${group}/v1beta1`],
  SecretStore: [`${group}/v1`, `${group}/v1beta1`],
  ClusterSecretStore: [`${group}/v1`, `${group}/v1beta1`],
  SecretProviderClass: [`${group}/v1beta1`],
  Secret: ['v1'],
  ConfigMap: ['v1'],
  ClusterGenerator: generatorVersions,
  ...Object.fromEntries(Object.keys(generators).map((kind) => [kind, generatorVersions])),
};

/** Kinds of ESO's that make no sense inside one pod, and why. */
const refusedKinds: Readonly<Record<string, string>> = {
  ClusterExternalSecret: 'it stamps ExternalSecrets into namespaces, which is the work of an operator',
  PushSecret: 'it writes to stores, and this agent only reads them',
  ClusterPushSecret: 'it writes to stores, and this agent only reads them',
  GeneratorState: "it is an operator's own record",
};

/** A document's objects: itself, or the items of a `List` as `kubectl get -o yaml` prints it. */
export function objectsIn(document: SpecDocument): SpecDocument[] {
  const { value } = document;
  if (!isMembers(value) || !isListKind(value['kind']) || !Array.isArray(value['items'])) return [document];
  return value['items'].map((item, i) => within(document, ['items', i], item));
}

function isListKind(kind: unknown): boolean {
  return (
    kind === 'List' ||
    (typeof kind === 'string' && Object.keys(kinds).some((known) => kind === `${known}List`))
  );
}

function within(document: SpecDocument, path: Path, value: unknown): SpecDocument {
  return {
    value,
    at: (field) => document.at([...path, ...field]),
    textAt: (field) => document.textAt([...path, ...field]),
  };
}

/** What a document says it is, or why it cannot be read. */
export function headerOf(document: SpecDocument): Header | AgentError {
  const { value } = document;
  const fail = (path: Path, message: string, remedy?: string) =>
    new AgentError('SpecInvalid', message, {
      at: { ...document.at(path), ...objectName(value) },
      ...(remedy === undefined ? {} : { remedy }),
    });
  if (!isMembers(value))
    return fail([], 'the document is not an object', 'start it with apiVersion and kind');
  const { kind, apiVersion } = value;
  if (typeof kind !== 'string' || kind === '') return fail(['kind'], 'kind is required');
  const refused = Object.hasOwn(refusedKinds, kind) ? refusedKinds[kind] : undefined;
  if (refused !== undefined) return fail(['kind'], `the kind ${kind} is not for an agent: ${refused}`);
  const versions = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (versions === undefined)
    return fail(['kind'], `unknown kind ${shown(kind)}${didYouMean(kind, suggestible())}`, knownKinds());
  const accepted = `use ${versions.join(' or ')}`;
  if (typeof apiVersion !== 'string')
    return fail(['apiVersion'], `apiVersion of ${kind} is required`, accepted);
  if (versions.includes(apiVersion)) return { kind, apiVersion, generator: versions === generatorVersions };
  const hint = didYouMean(apiVersion, versions);
  return fail(['apiVersion'], `unknown apiVersion ${shown(apiVersion)} of ${kind}${hint}`, accepted);
}

function objectName(value: unknown): { object?: string } {
  if (!isMembers(value) || typeof value['kind'] !== 'string') return {};
  const metadata = value['metadata'];
  const name = isMembers(metadata) ? metadata['name'] : undefined;
  return { object: typeof name === 'string' ? `${value['kind']}/${name}` : value['kind'] };
}

function suggestible(): string[] {
  return [...Object.keys(kinds), 'List'];
}

function knownKinds(): string {
  return 'known here: ExternalSecret, SecretStore, ClusterSecretStore, SecretProviderClass, Secret, ConfigMap, generators';
}
