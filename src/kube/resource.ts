/** A resource of the API server: of one object when it has a name, else of a collection. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** The plural, as in a path: `secrets`. */
  readonly resource: string;
  /** Unset for what is in no namespace, and for lists over all of them. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** `status`, `proxy`, … of the named object. */
  readonly subresource?: string | undefined;
  /** The verbs that its user will need, in the order in which they are checked: a denial of one then names the rule
   * for all that are still to come, and one paste mends it. */
  readonly needs?: readonly string[] | undefined;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly fieldsV1?: unknown;
}

export interface Metadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly ManagedFields[];
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
}

/** Any object, as its JSON. A caller that knows the kind names its own fields. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Metadata;
}

/** `/api/v1/namespaces/apps/secrets/db`, every part escaped. */
export function pathOf(resource: Resource): string {
  const { group, version, namespace, name, subresource } = resource;
  const parts = group === '' ? ['api', version] : ['apis', group, version];
  if (namespace !== undefined) parts.push('namespaces', namespace);
  parts.push(resource.resource);
  if (name !== undefined) parts.push(name);
  if (subresource !== undefined) parts.push(subresource);
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

/** `Secret/db`-like text for messages: `secrets/db in namespace apps`. */
export function textOf({ resource, group, name, namespace, subresource }: Resource): string {
  const kind = group === '' ? resource : `${resource}.${group}`;
  const what = [kind, name, subresource].filter((part) => part !== undefined).join('/');
  return namespace === undefined ? what : `${what} in namespace ${namespace}`;
}

export function secretIn(namespace: string, name?: string): Resource {
  return { group: '', version: 'v1', resource: 'secrets', namespace, name };
}

export function configMapIn(namespace: string, name?: string): Resource {
  return { group: '', version: 'v1', resource: 'configmaps', namespace, name };
}

/** A moment as the API server writes it: RFC 3339 in whole seconds. */
export function kubeTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
