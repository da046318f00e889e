import { AgentError } from '../base/errors.ts';
import { Secret, type SecretMap } from '../base/secret.ts';
import type { Kube } from './client.ts';
import { configMapIn, type KubeObject, secretIn } from './resource.ts';

interface Held extends KubeObject {
  readonly data?: Readonly<Record<string, string>> | null;
  readonly binaryData?: Readonly<Record<string, string>> | null;
}

/**
 * What a Secret or ConfigMap of the pod's own namespace holds, or undefined when there is none: one `get` by name,
 * at every call, since what it holds may be rotated. Throws Denied with the rule that is missing.
 */
export async function contentsOf(
  kube: Kube,
  { kind, name, namespace }: { kind: 'Secret' | 'ConfigMap'; name: string; namespace: string | undefined },
  signal: AbortSignal,
): Promise<SecretMap | undefined> {
  const where = namespace ?? kube.namespace;
  if (where === undefined) throw noNamespace(kind, name);
  const resource = kind === 'Secret' ? secretIn(where, name) : configMapIn(where, name);
  const object = await kube.get<Held>(resource, signal);
  if (object === undefined) return undefined;
  const data = Object.entries(object.data ?? {}).map(
    ([key, value]) => [key, kind === 'Secret' ? decoded(value) : Secret.of(value)] as const,
  );
  const binary = Object.entries(object.binaryData ?? {}).map(
    ([key, value]) => [key, decoded(value)] as const,
  );
  return new Map([...data, ...binary]);
}

function decoded(value: string): Secret {
  return Secret.of(Buffer.from(value, 'base64'));
}

function noNamespace(kind: string, name: string): AgentError {
  return new AgentError('SpecInvalid', `${kind} ${name} has no namespace to be read from`, {
    remedy: 'set POD_NAMESPACE, or a namespace in the current context of the kubeconfig',
  });
}
