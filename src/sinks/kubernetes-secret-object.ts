import { hash } from 'node:crypto';
import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Secret } from '../base/secret.ts';
import { fieldManagerOf } from '../kube/field-owner.ts';
import type { KubeObject, OwnerReference } from '../kube/resource.ts';
import type { Payload } from '../plan/payload.ts';
import { annotationPrefix } from '../spec/contract.ts';
import type { ExternalSecret } from '../spec/spec.ts';

/** A Kubernetes Secret as the API server gives it: values in base64. */
export interface LiveSecret extends KubeObject {
  readonly type?: string;
  readonly immutable?: boolean;
  readonly data?: Readonly<Record<string, string>>;
}

export const managedLabel = `${annotationPrefix}managed`;
/** `Payload.hash` of what the Secret holds. */
export const contentHash = `${annotationPrefix}content-hash`;
/** `dataHashOf` the keys that we own: with it a value that somebody else changed is noticed. */
export const dataHash = `${annotationPrefix}data-hash`;

/** Labels and annotations of ESO's own book-keeping start so. */
export const esoPrefix = 'reconcile.external-secrets.io/';

/** Whether keys of others stay: what is ours are then single keys, else all of them. */
export function isOverlay({ target }: ExternalSecret): boolean {
  return target.creationPolicy === 'Merge' || target.creationPolicy === 'CreateOrMerge';
}

/** The keys of a live Secret that are this ExternalSecret's. */
export function ownKeysOf(live: LiveSecret, externalSecret: ExternalSecret): readonly string[] {
  const keys = Object.keys(live.data ?? {}).sort();
  if (!isOverlay(externalSecret)) return keys;
  const own = appliedKeys(live, fieldManagerOf(externalSecret.name));
  return keys.filter((key) => own.has(key));
}

function appliedKeys(live: LiveSecret, manager: string): ReadonlySet<string> {
  const fields = appliedFields(live, manager)?.['f:data'] ?? {};
  return new Set(Object.keys(fields).map((key) => key.replace(/^f:/, '')));
}

/** An element of a set is `v:` and its JSON. */
function appliedFinalizers(live: LiveSecret, manager: string): ReadonlySet<string> {
  const fields = appliedFields(live, manager)?.['f:metadata']?.['f:finalizers'] ?? {};
  return new Set(Object.keys(fields).map((key) => key.replace(/^v:"(.*)"$/, '$1')));
}

/** https://kubernetes.io/docs/reference/using-api/server-side-apply/ describes `fieldsV1`. */
interface AppliedFields {
  readonly 'f:data'?: object;
  readonly 'f:metadata'?: { readonly 'f:finalizers'?: object };
}

function appliedFields(live: LiveSecret, manager: string): AppliedFields | undefined {
  const entry = live.metadata.managedFields?.find(
    (each) => each.manager === manager && each.operation === 'Apply',
  );
  return entry?.fieldsV1 as AppliedFields | undefined;
}

/** Hex SHA-256 over keys and digests of values, whatever their order. */
export function dataHashOf(data: ReadonlyMap<string, Buffer>): string {
  const digests = [...data]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => [key, hash('sha256', value)]);
  return hash('sha256', JSON.stringify(digests));
}

/** What a live Secret says that it holds, if its values are still those: undefined for anything touched. */
export function intactHashOf(live: LiveSecret, externalSecret: ExternalSecret): string | undefined {
  const { labels, annotations } = live.metadata;
  if (labels?.[managedLabel] !== 'true') return undefined;
  const own = ownKeysOf(live, externalSecret).map(
    (key) => [key, Buffer.from(live.data![key]!, 'base64')] as const,
  );
  return annotations?.[dataHash] === dataHashOf(new Map(own)) ? annotations[contentHash] : undefined;
}

export interface Desired {
  readonly externalSecret: ExternalSecret;
  readonly payload: Payload;
  readonly live: LiveSecret | undefined;
  readonly owner: OwnerReference | undefined;
}

/**
 * The object to apply. It is bound to what was seen: to this uid and resourceVersion, or to there being no such
 * Secret. For that the version 1 stands, which no object ever has: etcd's own first revision.
 */
export function applied(desired: Desired, namespace: string): LiveSecret {
  const { externalSecret, payload, live } = desired;
  const { name, immutable } = externalSecret.target;
  const { uid, resourceVersion = '1' } = live?.metadata ?? {};
  const type = payload.type || live?.type;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace,
      resourceVersion,
      ...(uid !== undefined && { uid }),
      ...metadataOf(desired),
    },
    ...(type !== undefined && { type }),
    ...((immutable || live?.immutable === true) && { immutable: true }),
    data: Object.fromEntries([...payload.data].map(([key, value]) => [key, base64(value)])),
  };
}

function metadataOf({ externalSecret, payload, live, owner }: Desired): LiveSecret['metadata'] {
  const values = new Map([...payload.data].map(([key, value]) => [key, value.reveal()]));
  const finalizers = finalizersOf(externalSecret, live);
  const ownerReferences = ownersOf(live, owner);
  return {
    labels: { ...copied(payload.labels ?? externalSecret.labels), [managedLabel]: 'true' },
    annotations: {
      ...copied(payload.annotations ?? externalSecret.annotations),
      [contentHash]: payload.hash,
      [dataHash]: dataHashOf(values),
    },
    ...(ownerReferences.length > 0 && { ownerReferences }),
    ...(finalizers.length > 0 && { finalizers }),
  };
}

/** ESO's book-keeping is never written, and what is said to the agent is not said to the Secret. */
function copied(members: ReadonlyMap<string, string>): Record<string, string> {
  const kept = [...members].filter(
    ([key]) => !key.startsWith(esoPrefix) && !key.startsWith(annotationPrefix),
  );
  return Object.fromEntries(kept);
}

/**
 * Only added, never removed; a Secret that is going takes no new ones. Those of others stay by themselves: applied
 * by us as well, they could not be taken away by who applied them.
 */
function finalizersOf({ name, target }: ExternalSecret, live: LiveSecret | undefined): readonly string[] {
  const wanted = target.template?.finalizers ?? [];
  if (live === undefined) return [...new Set(wanted)];
  const own = appliedFinalizers(live, fieldManagerOf(name));
  const present = (live.metadata.finalizers ?? []).filter((each) => own.has(each));
  return live.metadata.deletionTimestamp === undefined ? [...new Set([...present, ...wanted])] : present;
}

/** Owners join: two Deployments that share a Secret keep it until both are gone. The garbage collector takes
 * out those that no longer exist. */
function ownersOf(
  live: LiveSecret | undefined,
  owner: OwnerReference | undefined,
): readonly OwnerReference[] {
  if (owner === undefined) return [];
  const others = (live?.metadata.ownerReferences ?? []).filter(
    ({ uid, controller }) => uid !== owner.uid && controller !== true,
  );
  return [...others, owner];
}

function base64(value: Secret): string {
  return value.reveal().toString('base64');
}

/** Keys added, changed or removed by writing `payload`, sorted. */
export function changedKeys(
  live: LiveSecret | undefined,
  externalSecret: ExternalSecret,
  payload: Payload,
): readonly string[] {
  const data = live?.data ?? {};
  const written = [...payload.data].filter(([key, value]) => data[key] !== base64(value)).map(([key]) => key);
  const own = live === undefined ? [] : ownKeysOf(live, externalSecret);
  return [...written, ...own.filter((key) => !payload.data.has(key))].sort();
}

/** Throws PublishFailed where the API server would: the values of a Secret have 1 MiB together. */
export function checkSize(
  externalSecret: ExternalSecret,
  payload: Payload,
  live: LiveSecret | undefined,
): void {
  let bytes = 0;
  for (const value of payload.data.values()) bytes += value.byteLength;
  if (isOverlay(externalSecret)) {
    const others = Object.entries(live?.data ?? {}).filter(([key]) => !payload.data.has(key));
    for (const [, value] of others) bytes += Buffer.byteLength(value, 'base64');
  }
  if (bytes <= limits.kubeSecretBytes) return;
  throw new AgentError(
    'PublishFailed',
    `Secret ${externalSecret.target.name} would hold ${bytes} bytes, and the API server takes ${limits.kubeSecretBytes}`,
    { remedy: 'split the ExternalSecret, or leave --sync-secret off: the files hold it all' },
  );
}
