import type { Kube } from '../kube/client.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';

/** The webhook configurations that there are, with what each of their entries trusts. */
export type Bundles = readonly Configuration[];

export interface Configuration {
  readonly resource: Resource;
  readonly resourceVersion: string;
  readonly entries: readonly { readonly name: string; readonly pem: string }[];
}

interface ConfigurationObject extends KubeObject {
  readonly webhooks?: readonly {
    readonly name: string;
    readonly clientConfig?: { readonly caBundle?: string };
  }[];
}

/** The mutating one, without which there is nothing to serve, and the validating one of that name. */
export async function readBundles(kube: Kube, name: string, signal: AbortSignal): Promise<Bundles> {
  const [mutating, validating] = await Promise.all(
    ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'].map((plural) =>
      readOne(kube, configurationOf(plural, name), signal),
    ),
  );
  if (mutating === undefined) return [];
  return validating === undefined ? [mutating] : [mutating, validating];
}

function configurationOf(resource: string, name: string): Resource {
  return { group: 'admissionregistration.k8s.io', version: 'v1', resource, name };
}

async function readOne(
  kube: Kube,
  resource: Resource,
  signal: AbortSignal,
): Promise<Configuration | undefined> {
  const found = await kube.get<ConfigurationObject>(resource, signal);
  if (found === undefined) return undefined;
  const entries = (found.webhooks ?? []).map(({ name, clientConfig }) => ({
    name,
    pem: Buffer.from(clientConfig?.caBundle ?? '', 'base64').toString('utf8'),
  }));
  return { resource, resourceVersion: found.metadata.resourceVersion ?? '', entries };
}

/**
 * Brings each entry to the bundle that is `wanted` of it, in the order of all; nothing else of a configuration is
 * touched. True when any was changed. A conflict when a configuration is not as it was read.
 */
export async function writeBundles(
  kube: Kube,
  { bundles, wanted }: { readonly bundles: Bundles; readonly wanted: readonly string[] },
  signal: AbortSignal,
): Promise<boolean> {
  let at = 0;
  let changed = false;
  for (const { resource, resourceVersion, entries } of bundles) {
    const webhooks = entries.flatMap(({ name, pem }) => {
      const next = wanted[at++] ?? pem;
      return next === pem ? [] : [{ name, clientConfig: { caBundle: Buffer.from(next).toString('base64') } }];
    });
    if (webhooks.length === 0) continue;
    const type = 'application/strategic-merge-patch+json';
    await kube.patch(resource, { metadata: { resourceVersion }, webhooks }, { type, signal });
    changed = true;
  }
  return changed;
}
