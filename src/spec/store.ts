import { AgentError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest.ts';
import { checkAnnotations, storeAnnotations } from './annotations.ts';
import { parseDuration } from './duration.ts';
import { hashOf } from './hash.ts';
import { isMembers } from './schema/conform.ts';
import { storeSpec } from './schema/external-secret.ts';
import { providers, removedProviders } from './schema/providers.ts';
import { shown } from './schema/rules.ts';
import { type SpecNode, type Store, storeId } from './spec.ts';
import type { Subject } from './subject.ts';

/** What the providers hand in: how to read `spec.provider.<name>`, by that name. */
export interface StoreCatalog {
  readonly [provider: string]: {
    /** Throws AgentError SpecInvalid with the field's place. */
    parse(node: SpecNode): unknown;
  };
}

/** `ClusterSecretStore.spec.conditions[i]`: which namespaces may use the store. */
export interface StoreCondition {
  readonly namespaces?: readonly string[];
  readonly namespaceRegexes?: readonly string[];
  readonly namespaceSelector?: unknown;
}

/** A store document that was read, usable or not. */
export interface StoreDraft {
  readonly subject: Subject;
  /** Undefined when it is refused, or `unsupported`. */
  readonly store: Store | undefined;
  /** The provider's name when the catalog has none of that name. */
  readonly unsupported: string | undefined;
  readonly conditions: readonly StoreCondition[];
}

interface RawStoreSpec {
  readonly conditions?: readonly StoreCondition[];
  readonly controller?: string;
  readonly provider: unknown;
  readonly retrySettings?: { readonly maxRetries?: number; readonly retryInterval?: string };
}

const controllers: readonly string[] = ['', 'default', 'external-secrets-agent'];

/** A SecretStore or ClusterSecretStore. */
export function readStore(subject: Subject, catalog: StoreCatalog): StoreDraft {
  subject.checkTopLevel(['spec']);
  checkAnnotations(subject, storeAnnotations);
  const version = subject.apiVersion.endsWith('/v1') ? 'v1' : 'v1beta1';
  const spec = subject.conform(['spec'], storeSpec(version)) as RawStoreSpec;
  checkController(subject, spec.controller);
  const name = providerOf(subject, spec.provider);
  const draft = { subject, conditions: subject.kind === 'ClusterSecretStore' ? (spec.conditions ?? []) : [] };
  if (name === undefined) return { ...draft, store: undefined, unsupported: undefined };
  const value = readProvider(subject, name, version);
  if (!Object.hasOwn(catalog, name)) return unsupportedDraft(draft, name, catalog);
  const node = subject.node(['spec', 'provider', name], value);
  const config = parseConfig(subject, catalog, name, node);
  const store = subject.refused ? undefined : storeOf(subject, { provider: name, config, value, raw: spec });
  return { ...draft, store, unsupported: undefined };
}

/** A warning here and a problem where it is used: an unused store disturbs nobody. */
function unsupportedDraft(
  draft: Pick<StoreDraft, 'subject' | 'conditions'>,
  provider: string,
  catalog: StoreCatalog,
): StoreDraft {
  draft.subject.warning(
    ['spec', 'provider', provider],
    `not supported by this version: spec.provider.${provider}`,
    `leave these secrets to External Secrets Operator, or keep them in a store of ${Object.keys(catalog).join(', ')}`,
  );
  return { ...draft, store: undefined, unsupported: provider };
}

function checkController(subject: Subject, controller: string | undefined): void {
  if (controllers.includes(controller ?? '')) return;
  const message = `the store belongs to the controller ${shown(controller ?? '')}`;
  subject.problem(['spec', 'controller'], message, 'leave it out, or use default or external-secrets-agent');
}

function providerOf(subject: Subject, value: unknown): string | undefined {
  const path = ['spec', 'provider'];
  if (value === undefined) return undefined;
  const names = isMembers(value) ? Object.keys(value) : undefined;
  const [name] = names ?? [];
  if (names?.length !== 1 || name === undefined) {
    const given = names === undefined || names.length === 0 ? 'none' : names.join(', ');
    subject.problem(path, `must have exactly one provider, but has ${given}`);
    return undefined;
  }
  if (removedProviders.includes(name)) subject.unsupported([...path, name]);
  else if (!Object.hasOwn(providers, name)) {
    subject.problem(
      [...path, name],
      `unknown provider ${shown(name)}${didYouMean(name, Object.keys(providers))}`,
    );
  }
  return subject.problems.some((problem) => problem.at.field === `spec.provider.${name}`) ? undefined : name;
}

function readProvider(subject: Subject, name: string, version: 'v1' | 'v1beta1'): unknown {
  const value = subject.conform(['spec', 'provider', name], providers[name] ?? 'any');
  // v1 made it optional for the sake of authRef, which v1beta1 has as well, beside it.
  if (name === 'kubernetes' && version === 'v1beta1' && isMembers(value) && value['auth'] === undefined) {
    subject.problem(
      ['spec', 'provider', name],
      'auth is required',
      'add auth, or use external-secrets.io/v1',
    );
  }
  return value;
}

function parseConfig(subject: Subject, catalog: StoreCatalog, provider: string, node: SpecNode): unknown {
  if (subject.refused) return undefined;
  try {
    return catalog[provider]?.parse(node);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    subject.problems.push(error.within({ ...node.at(''), object: subject.object }));
    return undefined;
  }
}

interface StoreParts {
  readonly provider: string;
  readonly config: unknown;
  /** The provider's part of the spec, with defaults, for the hash. */
  readonly value: unknown;
  readonly raw: Pick<RawStoreSpec, 'retrySettings'>;
}

function storeOf(subject: Subject, parts: StoreParts): Store {
  const { metadata, name } = subject;
  const kind = subject.kind as Store['kind'];
  const interval = parts.raw.retrySettings?.retryInterval;
  const retry = {
    maxRetries: parts.raw.retrySettings?.maxRetries,
    retryIntervalMs: interval === undefined ? undefined : parseDuration(interval),
  };
  const annotations = Object.fromEntries(metadata.annotations);
  return {
    id: storeId(kind, name),
    kind,
    name,
    namespace: metadata.namespace,
    at: subject.at([]),
    annotations: metadata.annotations,
    provider: parts.provider,
    config: parts.config,
    hash: hashOf({ kind, name, provider: parts.provider, value: parts.value, retry, annotations }),
    retry,
  };
}

/** The parsed `spec.provider.aws` of a SecretProviderClass becomes a store of the provider `aws`, whose
 * `parse` is given `{ secretProviderClass: { endpoint, region, roleArn } }`. */
export function storeOfClass(
  subject: Subject,
  value: SecretProviderClassValue,
  catalog: StoreCatalog,
): StoreDraft {
  const draft = { subject, conditions: [] };
  if (!Object.hasOwn(catalog, 'aws')) return unsupportedDraft(draft, 'aws', catalog);
  const node = subject.node(['spec', 'provider', 'aws'], { secretProviderClass: value });
  const config = parseConfig(subject, catalog, 'aws', node);
  const store = subject.refused ? undefined : storeOf(subject, { provider: 'aws', config, value, raw: {} });
  return { ...draft, store, unsupported: undefined };
}

export interface SecretProviderClassValue {
  readonly endpoint: string | undefined;
  /** Of the field, else of the endpoint's host; undefined: `AWS_REGION` decides when the store is opened. */
  readonly region: string | undefined;
  readonly roleArn: string | undefined;
}
