import { shown } from './schema/rules.ts';
import type { NamespaceReference, Subject } from './subject.ts';

export interface Namespace {
  /** Which namespace every document must be of; undefined when nothing says one. */
  readonly name: string | undefined;
  /** The pod's own, for documents that name none. */
  readonly own: string | undefined;
}

const clusterKinds: readonly string[] = ['ClusterSecretStore', 'ClusterGenerator'];

/** The pod's own namespace; on a laptop the first that a document names. */
export function namespaceOf(subjects: readonly Subject[], own: string | undefined): Namespace {
  const named = subjects.find(
    (subject) => !clusterKinds.includes(subject.kind) && subject.metadata.namespace,
  );
  return { name: own ?? named?.metadata.namespace, own };
}

/** Refuses a document of another namespace. */
export function checkNamespace(subject: Subject, namespace: Namespace): void {
  const name = subject.metadata.namespace;
  if (name === undefined || clusterKinds.includes(subject.kind)) return;
  complain(subject, { path: ['metadata', 'namespace'], name }, namespace);
}

/** Refuses references into another namespace: nothing there is ours to read. */
export function checkReferences(subject: Subject, namespace: Namespace): void {
  for (const reference of subject.namespaceReferences) complain(subject, reference, namespace);
}

function complain(subject: Subject, reference: NamespaceReference, namespace: Namespace): void {
  const { path, name } = reference;
  if (namespace.name === undefined || name === namespace.name) return;
  const whose = namespace.own === undefined ? 'that of the other documents' : "the pod's own";
  const message = `the namespace ${shown(name)} is not ${whose} (${shown(namespace.name)})`;
  subject.problem(path, message, 'leave the namespace out');
}
