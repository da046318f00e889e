import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { root } from '../../scripts/steps.ts';

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it knows to be there.
export type Loose = any;

export const manifests = join(root, 'manifests');

/** The documents of a YAML text; a fault of the YAML is an error. */
export function documentsIn(text: string): readonly Loose[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) throw fault;
    return document.toJS() ?? [];
  });
}

/** The documents of a file below manifests/. */
export function documentsOf(path: string): readonly Loose[] {
  return documentsIn(readFileSync(join(manifests, path), 'utf8'));
}

/** All YAML files below a folder of manifests/, by their paths there. */
export function yamlFiles(folder: string): readonly string[] {
  const found = readdirSync(join(manifests, folder), { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml'))
    .map((entry) => relative(manifests, join(entry.parentPath, entry.name)))
    .sort();
}

const groupless: Readonly<Record<string, string>> = { NetworkPolicy: 'networkpolicies' };

/** Kinds that no namespace holds. */
const clusterWide = [
  'Namespace',
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
];

/** The path of an object's collection. */
export function pathOf({ apiVersion, kind, metadata }: Loose, namespace = 'default'): string {
  const plural = groupless[kind] ?? `${kind.toLowerCase().replace(/y$/, 'ie').replace(/s$/, 'se')}s`;
  const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  if (clusterWide.includes(kind)) return `${base}/${plural}`;
  return `${base}/namespaces/${metadata.namespace ?? namespace}/${plural}`;
}

/** A CRD that takes anything, since ESO's own are not here. */
export function looseCrd(kind: string, scope: string, apiVersion = 'external-secrets.io/v1'): object {
  const [group, version] = apiVersion.split('/');
  const plural = `${kind.toLowerCase()}s`;
  const schema = {
    openAPIV3Schema: {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
    },
  };
  return {
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { kind, plural },
      versions: [{ name: version, served: true, storage: true, schema }],
    },
  };
}
