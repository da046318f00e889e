import type { Resource } from './resource.ts';

export interface Rule {
  readonly group: string;
  /** With its subresource: `pods/proxy`. */
  readonly resource: string;
  readonly name: string | undefined;
  readonly verbs: readonly string[];
}

/** The words of the API server's RBAC authorizer; the part on the namespace is missing for a cluster's. */
const refusal =
  /User "([^"]*)" cannot ([a-z]+) resource "([^"]*)" in API group "([^"]*)"(?: in the namespace "([^"]*)"| at the cluster scope)/;

/** Their names are made up as they come, so that a rule which names one would help once at most. */
const unforeseeable = ['events', 'pods'];

/** What was denied to whom, and the rule that is missing, ready to be pasted; undefined when the text is not
 * RBAC's. The first verb is the one that was checked. */
export function missingRule(text: string, asked: Resource): { message: string; remedy: string } | undefined {
  const [, user = '', verb = '', resource = '', group = '', namespace] = refusal.exec(text) ?? [];
  if (verb === '') return undefined;
  const name = unforeseeable.includes(asked.resource) ? undefined : asked.name;
  const rule = ruleYaml({ group, resource, name, verbs: verbsFrom(verb, asked) });
  const account = /^system:serviceaccount:[^:]*:(.*)$/.exec(user)?.[1];
  const who = account === undefined ? `user ${user}` : `ServiceAccount ${account}`;
  const role = namespace === undefined ? 'a ClusterRole' : `a Role in namespace ${namespace}`;
  const what = [resource, name].filter((part) => part !== undefined).join(' ');
  return {
    message: `${user} may not ${verb} ${what}${namespace === undefined ? '' : ` in namespace ${namespace}`}`,
    remedy: `bind ${who} to ${role} with the rule ${rule}`,
  };
}

/** What was checked before it is granted. */
function verbsFrom(verb: string, { needs = [] }: Resource): readonly string[] {
  const at = needs.indexOf(verb);
  return at < 0 ? [verb] : needs.slice(at);
}

/** One rule as a line of YAML for the list `rules` of a Role. */
export function ruleYaml({ group, resource, name, verbs }: Rule): string {
  const names = name === undefined ? '' : `resourceNames: ["${name}"], `;
  const quoted = verbs.map((verb) => `"${verb}"`).join(', ');
  return `- {apiGroups: ["${group}"], resources: ["${resource}"], ${names}verbs: [${quoted}]}`;
}
