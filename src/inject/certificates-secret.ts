import type { Kube } from '../kube/client.ts';
import { type KubeObject, secretIn } from '../kube/resource.ts';
import { annotationPrefix } from '../spec/contract.ts';
import { type CertificateSet, type Contents, contentsOf, readSet } from './certificates-set.ts';

export interface SecretAt {
  readonly kube: Kube;
  readonly namespace: string;
  readonly secret: string;
}

export interface Stored {
  /** Undefined: there is no such Secret. */
  readonly resourceVersion: string | undefined;
  readonly set: CertificateSet | undefined;
  readonly rotate: boolean;
}

interface SecretObject extends KubeObject {
  readonly data?: Contents;
}

/** On the Secret, with any value: a new authority is wanted now. It goes when that is made. */
const rotateAnnotation = `${annotationPrefix}rotate`;

export async function readStored(
  { kube, namespace, secret }: SecretAt,
  signal: AbortSignal,
): Promise<Stored> {
  const found = await kube.get<SecretObject>(secretIn(namespace, secret), signal);
  return {
    resourceVersion: found?.metadata.resourceVersion,
    set: readSet(found?.data),
    rotate: found?.metadata.annotations?.[rotateAnnotation] !== undefined,
  };
}

/** A conflict when the Secret is not as it was read. */
export async function writeStored(
  { kube, namespace, secret }: SecretAt,
  { stored, next }: { readonly stored: Stored; readonly next: CertificateSet },
  signal: AbortSignal,
): Promise<void> {
  const { resourceVersion } = stored;
  const data = contentsOf(next);
  if (resourceVersion === undefined) {
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: secret }, type: 'Opaque', data };
    await kube.create(secretIn(namespace), object, signal);
    return;
  }
  // Annotations of others stay; ours went with the authority that it asked for.
  const isDone = next.authority.cert !== stored.set?.authority.cert;
  const annotations = isDone && stored.rotate ? { annotations: { [rotateAnnotation]: null } } : {};
  await kube.patch(
    secretIn(namespace, secret),
    { metadata: { resourceVersion, ...annotations }, data },
    { signal },
  );
}
