import type { At } from '../base/errors.ts';
import type { SpecNode } from '../spec/spec.ts';
import { isPresent, requiredTextAt, textAt } from './fields.ts';

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
