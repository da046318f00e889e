import type { OwnerReference } from '../kube/resource.ts';
import type { Payload } from '../plan/payload.ts';
import type { ExternalSecret } from '../spec/spec.ts';
import { esoPrefix, isOverlay, type LiveSecret } from './kubernetes-secret-object.ts';
import { isEsoController } from './kubernetes-secret-owner.ts';

type Nulls = Record<string, null>;

/**
 * A merge patch that takes away what an apply leaves, since others own it: keys besides ours where the Secret is
 * all ours, and ESO's marks on a Secret taken over from it, by which ESO would go on to delete or rewrite it.
 * Undefined when there is nothing to take away, which is nearly always.
 */
export function surplusOf(
  secret: LiveSecret,
  externalSecret: ExternalSecret,
  payload: Payload,
): object | undefined {
  const { labels = {}, annotations = {}, ownerReferences = [], resourceVersion } = secret.metadata;
  const isForeign = (key: string): boolean => !isOverlay(externalSecret) && !payload.data.has(key);
  const data = nulls(secret.data ?? {}, isForeign);
  const isMark = (key: string): boolean => key.startsWith(esoPrefix);
  const [labelMarks, annotationMarks] = [nulls(labels, isMark), nulls(annotations, isMark)];
  const controlled = ownerReferences.some(isEsoController);
  if ([data, labelMarks, annotationMarks].every(isEmpty) && !controlled) return undefined;
  return {
    metadata: {
      resourceVersion,
      labels: labelMarks,
      annotations: annotationMarks,
      ...(controlled && {
        ownerReferences: ownerReferences.flatMap((owner) => released(owner, externalSecret)),
      }),
    },
    data,
  };
}

/** The ExternalSecret that controlled is an owner at most; one of ESO's cluster that is not ours is none. */
function released(owner: OwnerReference, { uid, target }: ExternalSecret): readonly OwnerReference[] {
  if (!isEsoController(owner)) return [owner];
  const { apiVersion, kind, name } = owner;
  return owner.uid === uid && target.creationPolicy === 'Owner' ? [{ apiVersion, kind, name, uid }] : [];
}

function nulls(members: Readonly<Record<string, string>>, gone: (key: string) => boolean): Nulls {
  return Object.fromEntries(
    Object.keys(members)
      .filter(gone)
      .map((key) => [key, null]),
  );
}

function isEmpty(members: Nulls): boolean {
  return Object.keys(members).length === 0;
}
