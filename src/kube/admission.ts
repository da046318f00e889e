import type { Resource } from './resource.ts';
import { ruleYaml } from './rule.ts';

export interface AdmissionRefusal {
  /** Who refuses: `the admission webhook x`. */
  readonly by: string;
  readonly remedy?: string;
}

/** The words of the API server for who said no, of which only the names are repeated: what a webhook or a policy
 * adds may quote the object. A policy answers 422 unless it says otherwise, a webhook whatever it likes. */
const speakers: readonly (readonly [RegExp, (name: string) => string])[] = [
  [/^admission webhook "([^"]+)" denied the request/, (name) => `the admission webhook ${name}`],
  [/ValidatingAdmissionPolicy ["']([^"']+)["']/, (name) => `the ValidatingAdmissionPolicy ${name}`],
  [/exceeded quota: ([-.a-z0-9]+)/, (name) => `the quota ${name}`],
];

/** Who of admission control refused, or undefined when the text is not admission's. */
export function admissionOf(
  text: string,
  reasons: readonly string[],
  resource: Resource,
): AdmissionRefusal | undefined {
  if (reasons.includes('NamespaceTerminating'))
    return {
      by: `the namespace ${resource.namespace}, which is being deleted,`,
      remedy: 'nothing is to be done: the pod ends with its namespace',
    };
  if (text.includes("cannot set an ownerRef on a resource you can't delete")) return ownerRefusal(resource);
  for (const [words, by] of speakers) {
    const name = words.exec(text)?.[1];
    if (name !== undefined) return { by: by(name) };
  }
  return undefined;
}

/** OwnerReferencesPermissionEnforcement, as OpenShift has it: who changes the owners of what is there has to be
 * allowed to delete it. */
function ownerRefusal({ group, resource, name, namespace }: Resource): AdmissionRefusal {
  const rule = ruleYaml({ group, resource, name, verbs: ['delete'] });
  return {
    by: 'OwnerReferencesPermissionEnforcement, which lets only those change owners that may delete,',
    remedy: `bind the pod's ServiceAccount to a Role in namespace ${namespace} with the rule ${rule}; or use creationPolicy Orphan`,
  };
}
