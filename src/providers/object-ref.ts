import { AgentError, type At } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { IdentitySource } from '../identity/identity.ts';
import type { SpecNode } from '../spec/spec.ts';
import { isPresent, requiredTextAt, textAt } from './fields.ts';
import type { StoreContext } from './provider.ts';

/** A key of a Secret or ConfigMap, with its place for messages. */
export interface ObjectRef {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly name: string;
  readonly key: string;
  readonly namespace: string | undefined;
  readonly at: At;
}

/** Undefined where none stands; `key` is the CRD's default for it. */
export function secretRefAt(node: SpecNode, path: string, key?: string): ObjectRef | undefined {
  return isPresent(node, path) ? requiredSecretRef(node, path, key) : undefined;
}

export function requiredSecretRef(node: SpecNode, path: string, key?: string): ObjectRef {
  return {
    kind: 'Secret',
    name: requiredTextAt(node, `${path}.name`),
    key: key === undefined ? requiredTextAt(node, `${path}.key`) : textAt(node, `${path}.key`) || key,
    namespace: textAt(node, `${path}.namespace`),
    at: node.at(path),
  };
}

/** What the reference stands for, with its place in what goes wrong. */
export async function resolve(ref: ObjectRef, context: StoreContext, signal: AbortSignal): Promise<Secret> {
  const { references } = context;
  try {
    if (ref.kind === 'Secret') return await references.secret(ref.name, ref.key, signal);
    return await references.configMap(ref.name, ref.key, signal);
  } catch (error) {
    throw error instanceof AgentError ? error.within(ref.at) : error;
  }
}

/** A pod has the objects of its own namespace only. Throws SpecInvalid. */
export function checkNamespace(ref: ObjectRef, identity: IdentitySource): void {
  if (ref.namespace === undefined || identity.namespace === undefined) return;
  if (ref.namespace === identity.namespace) return;
  throw new AgentError(
    'SpecInvalid',
    `${ref.kind} ${ref.name} of namespace ${ref.namespace} is out of reach of a pod in ${identity.namespace}`,
    {
      at: ref.at,
      remedy: `remove the namespace, and have ${ref.kind} ${ref.name} in ${identity.namespace}`,
    },
  );
}
