import { AgentError } from '../base/errors.ts';
import { fieldManagerOf } from '../kube/field-owner.ts';
import type { OwnerReference } from '../kube/resource.ts';
import { annotationPrefix } from '../spec/contract.ts';
import type { ExternalSecret } from '../spec/spec.ts';
import { contentHash, esoPrefix, type LiveSecret } from './kubernetes-secret-object.ts';

const esoGroup = 'external-secrets.io/';

/** Who a written Secret belongs to under creationPolicy Owner: never as controller, never holding up a deletion. */
export function ownerOf(
  { name, uid, target }: ExternalSecret,
  declared: OwnerReference | undefined,
): OwnerReference | undefined {
  if (target.creationPolicy !== 'Owner') return undefined;
  if (uid === undefined) return declared;
  return { apiVersion: `${esoGroup}v1`, kind: 'ExternalSecret', name, uid };
}

/** Whether the owner references of a live Secret are as its creationPolicy wants them. */
export function isOwnedRightly(
  live: LiveSecret,
  externalSecret: ExternalSecret,
  declared: OwnerReference | undefined,
): boolean {
  const uids = new Set(live.metadata.ownerReferences?.map(({ uid }) => uid));
  const owner = ownerOf(externalSecret, declared);
  if (owner !== undefined) return uids.has(owner.uid);
  if (externalSecret.target.creationPolicy === 'Owner') return true;
  return ![externalSecret.uid, declared?.uid].some((uid) => uid !== undefined && uids.has(uid));
}

/** The owner references that a live Secret is to have: `owner` joins those that are not of `ours`. */
export function ownersWanted(
  live: LiveSecret,
  owner: OwnerReference | undefined,
  ours: readonly (string | undefined)[],
): readonly OwnerReference[] {
  const others = (live.metadata.ownerReferences ?? []).filter(({ uid }) => !ours.includes(uid));
  return owner === undefined ? others : [...others, owner];
}

/** True when ESO wrote this Secret, or counts it among its own. */
export function isEsos({ metadata }: LiveSecret): boolean {
  const marks = [...Object.keys(metadata.labels ?? {}), ...Object.keys(metadata.annotations ?? {})];
  return (
    marks.some((key) => key.startsWith(esoPrefix)) ||
    (metadata.ownerReferences ?? []).some((owner) => isEsoController(owner))
  );
}

export function isEsoController({ apiVersion, kind, controller }: OwnerReference): boolean {
  return controller === true && kind === 'ExternalSecret' && apiVersion.startsWith(esoGroup);
}

/** True when this ExternalSecret has written the Secret, in whatever life and replica. */
export function isOurs({ metadata }: LiveSecret, { name }: ExternalSecret): boolean {
  const manager = fieldManagerOf(name);
  return (metadata.managedFields ?? []).some(
    (entry) => entry.manager === manager && entry.operation === 'Apply',
  );
}

/** Throws Denied when a Secret is somebody else's. Messages of the condition are ESO's. */
export function refuseTaken(live: LiveSecret, externalSecret: ExternalSecret): void {
  const { name, target, uid, options } = externalSecret;
  const controller = live.metadata.ownerReferences?.find((owner) => owner.controller === true);
  if (controller !== undefined && isEsoController(controller)) {
    const same = controller.name === name && (uid === undefined || controller.uid === uid);
    if (!same) throw ownedByAnother(target.name, controller.name);
  } else if (controller !== undefined && takesAll(externalSecret)) {
    throw taken(
      `Secret ${target.name} is controlled by ${controller.kind} ${controller.name}`,
      'give spec.target.name another name, or use creationPolicy Merge',
      'failed to take ownership of target secret',
    );
  }
  const other = otherWriter(live, name);
  if (other !== undefined) throw ownedByAnother(target.name, other);
  if (isEsos(live) && options.adopt !== 'eso') {
    throw taken(
      `Secret ${target.name} is written by External Secrets Operator`,
      `annotate the ExternalSecret with ${annotationPrefix}adopt: eso once the operator has given it up, or give spec.target.name another name`,
      'failed to take ownership of target secret',
    );
  }
}

/** Owner and Orphan overwrite all that is there; the others only add. */
function takesAll({ target }: ExternalSecret): boolean {
  return target.creationPolicy === 'Owner' || target.creationPolicy === 'Orphan';
}

/** The ExternalSecret of another name whose content hash the Secret bears. */
function otherWriter({ metadata }: LiveSecret, name: string): string | undefined {
  const mine = fieldManagerOf(name);
  const other = (metadata.managedFields ?? []).find(({ manager = '', operation, fieldsV1 }) => {
    const agents = operation === 'Apply' && manager.startsWith(annotationPrefix) && manager !== mine;
    return agents && JSON.stringify(fieldsV1 ?? {}).includes(`"f:${contentHash}"`);
  });
  return other?.manager?.slice(annotationPrefix.length);
}

function ownedByAnother(target: string, other: string): AgentError {
  return taken(
    `Secret ${target} belongs to ExternalSecret ${other}`,
    'give spec.target.name another name, or delete the Secret if that ExternalSecret is gone',
    'target is owned by another ExternalSecret',
  );
}

function taken(message: string, remedy: string, condition: string): AgentError {
  return new AgentError('Denied', message, { remedy, condition });
}

/** `--owner apiVersion/kind/name/uid`; the apiVersion may hold a slash of its own. Throws SpecInvalid. */
export function parseOwner(text: string): OwnerReference {
  const parts = text.split('/');
  const whole = (parts.length === 4 || parts.length === 5) && parts.every((part) => part !== '');
  const [kind, name, uid] = parts.splice(-3) as [string, string, string];
  if (whole) return { apiVersion: parts.join('/'), kind, name, uid };
  throw new AgentError('SpecInvalid', `${JSON.stringify(text)} is not an owner`, {
    remedy: 'write it as apiVersion/kind/name/uid, such as apps/v1/Deployment/web/UID',
  });
}
