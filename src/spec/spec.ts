import type { AgentError, At } from '../base/errors.ts';
import type { SecretMap } from '../base/secret.ts';

/**
 * The user's documents after parsing: every CRD default applied, every CRD validation run, since no API
 * server did either. Names are those of the YAML; durations are milliseconds, which their names say.
 */
export interface SpecSet {
  readonly externalSecrets: readonly ExternalSecret[];
  /** By `storeId`. */
  readonly stores: ReadonlyMap<string, Store>;
  /** By name: `Secret` documents, against which references resolve first. */
  readonly secrets: ReadonlyMap<string, SecretMap>;
  /** By name: `ConfigMap` documents (data and binaryData). */
  readonly configMaps: ReadonlyMap<string, SecretMap>;
  /** Documents that are refused, each with its place. They never stop the others. */
  readonly problems: readonly AgentError[];
  /** Unknown fields and the like: errors in `check`, warnings in `run`. */
  readonly warnings: readonly AgentError[];
  /** Hex; equal for equal content, whatever the file names and the order of documents. */
  readonly hash: string;
}

export interface ExternalSecret {
  readonly name: string;
  /** Undefined on a laptop, where any one namespace will do. */
  readonly namespace: string | undefined;
  readonly uid: string | undefined;
  readonly at: At;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** Hex; changes with spec, labels or annotations, as ESO's syncedResourceVersion does. */
  readonly hash: string;
  readonly refreshPolicy: 'Periodic' | 'OnChange' | 'CreatedOnce';
  /** 0 means once for a given spec. */
  readonly refreshIntervalMs: number;
  readonly syncWindows: SyncWindows | undefined;
  readonly target: Target;
  readonly data: readonly DataEntry[];
  readonly dataFrom: readonly DataFromEntry[];
  readonly options: ExternalSecretOptions;
}

export interface SyncWindows {
  readonly kind: 'allow' | 'deny';
  readonly windows: readonly { readonly schedule: string; readonly durationMs: number }[];
}

export type CreationPolicy = 'Owner' | 'Orphan' | 'Merge' | 'CreateOrMerge' | 'None';
export type DeletionPolicy = 'Retain' | 'Delete' | 'Merge';

export interface Target {
  readonly name: string;
  readonly creationPolicy: CreationPolicy;
  readonly deletionPolicy: DeletionPolicy;
  readonly immutable: boolean;
  readonly template: Template | undefined;
}

export interface Template {
  readonly at: At;
  /** Empty keeps the type that the Secret has. */
  readonly type: string;
  readonly mergePolicy: 'Replace' | 'Merge';
  readonly labels: ReadonlyMap<string, TemplateText>;
  readonly annotations: ReadonlyMap<string, TemplateText>;
  readonly finalizers: readonly string[];
  /** Key to template text, in the order of the YAML. */
  readonly data: ReadonlyMap<string, TemplateText>;
  readonly templateFrom: readonly TemplateFrom[];
}

/** A template's text and where it starts, so that its errors point into the user's file. */
export interface TemplateText {
  readonly text: string;
  readonly at: At;
}

export interface TemplateFrom {
  readonly at: At;
  readonly target: 'Data' | 'Labels' | 'Annotations';
  readonly valuesDecodingStrategy: DecodingStrategy;
  readonly configMap: TemplateSource | undefined;
  readonly secret: TemplateSource | undefined;
  readonly literal: TemplateText | undefined;
}

export interface TemplateSource {
  readonly name: string;
  readonly items: readonly { readonly key: string; readonly templateAs: 'Values' | 'KeysAndValues' }[];
}

export type DecodingStrategy = 'None' | 'Base64' | 'Base64URL' | 'Auto';
export type ConversionStrategy = 'Default' | 'Unicode';
export type NullBytePolicy = 'Ignore' | 'Fail';

export interface RemoteRef {
  readonly key: string;
  /** Empty when unset, as are property and version in ESO. */
  readonly property: string;
  readonly version: string;
  readonly metadataPolicy: 'None' | 'Fetch';
  readonly conversionStrategy: ConversionStrategy;
  readonly decodingStrategy: DecodingStrategy;
  readonly nullBytePolicy: NullBytePolicy;
}

export interface DataEntry {
  readonly at: At;
  readonly secretKey: string;
  readonly remoteRef: RemoteRef;
  /** `storeId` of sourceRef.storeRef, else of spec.secretStoreRef. */
  readonly storeId: string;
}

export type DataFromEntry =
  | {
      readonly at: At;
      readonly kind: 'extract';
      readonly storeId: string;
      readonly extract: RemoteRef;
      readonly rewrite: readonly Rewrite[];
    }
  | {
      readonly at: At;
      readonly kind: 'find';
      readonly storeId: string;
      readonly find: Find;
      readonly rewrite: readonly Rewrite[];
    };

export interface Find {
  /** Undefined when unset: some providers tell unset from empty. */
  readonly path: string | undefined;
  readonly nameRegexp: string | undefined;
  readonly tags: ReadonlyMap<string, string> | undefined;
  readonly conversionStrategy: ConversionStrategy;
  readonly decodingStrategy: DecodingStrategy;
  readonly nullBytePolicy: NullBytePolicy;
}

export type Rewrite =
  | { readonly at: At; readonly kind: 'regexp'; readonly source: string; readonly target: string }
  | { readonly at: At; readonly kind: 'transform'; readonly template: string }
  | {
      readonly at: At;
      readonly kind: 'merge';
      readonly into: string;
      readonly priority: readonly string[];
      readonly priorityPolicy: 'Strict' | 'IgnoreNotFound';
      readonly conflictPolicy: 'Error' | 'Ignore';
      readonly strategy: 'Extract' | 'JSON';
    };

/** The `agent.external-secrets.io/…` annotations of one ExternalSecret: a closed set. */
export interface ExternalSecretOptions {
  readonly format: 'files' | 'env' | 'json' | 'yaml' | 'properties';
  /** Permission bits, or undefined for what the process was told. */
  readonly fileMode: number | undefined;
  /** `true`: the ExternalSecret as a whole; else the secretKeys that may be missing. */
  readonly optional: true | ReadonlySet<string>;
  readonly maxStaleness: { readonly ms: number; readonly unready: boolean } | undefined;
  /** Overrides spec.refreshInterval; undefined when unset. */
  readonly refreshMs: number | undefined;
  /** `eso`: a Kubernetes Secret that External Secrets Operator wrote is taken over. */
  readonly adopt?: 'eso' | undefined;
}

export type StoreKind = 'SecretStore' | 'ClusterSecretStore' | 'SecretProviderClass';

export interface Store {
  /** `<kind>/<name>`. */
  readonly id: string;
  readonly kind: StoreKind;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly at: At;
  readonly annotations: ReadonlyMap<string, string>;
  /** Key of the provider in the catalog: `aws`, `vault`, `fake`, … as in `spec.provider`. */
  readonly provider: string;
  /** What the provider's `parse` made of `spec.provider.<provider>`. Only that provider looks inside. */
  readonly config: unknown;
  /** Hex; changes when the store must be opened anew. */
  readonly hash: string;
  readonly retry: { readonly maxRetries: number | undefined; readonly retryIntervalMs: number | undefined };
}

export function storeId(kind: StoreKind, name: string): string {
  return `${kind}/${name}`;
}

/**
 * One YAML value with its place, as providers and generators see it in their `parse`: a plain value tree
 * plus a way to ask where a path stands.
 */
export interface SpecNode {
  /** Strings, numbers, booleans, null, arrays and plain objects, after structural validation. */
  readonly value: unknown;
  /** Where the field stands in the user's file, e.g. `at('auth.kubernetes.role')`. */
  at(field: string): At;
}
