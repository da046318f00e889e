import { Document, isAlias, isMap, isSeq, parseAllDocuments, visit } from 'yaml';
import { AgentError } from '../src/base/errors.ts';
import { limits } from '../src/base/limits.ts';
import { type Operation, partsOf } from '../src/inject/json-patch.ts';
import { listOf, type Members, membersOf } from '../src/inject/raw.ts';

export type Path = readonly (string | number)[];

/** Where a workload keeps its pod. */
const templates: Readonly<Record<string, Path>> = {
  Pod: [],
  PodTemplate: ['template'],
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
};

/** A pod, or the pod of a workload, within one YAML document. */
export interface PodTemplate {
  /** `Kind/name`. */
  readonly object: string;
  readonly path: Path;
  readonly pod: Members;
}

/** The documents of a file, kept with their comments and their way of writing. Throws AgentError SpecInvalid. */
export function readDocuments(file: string, text: string): readonly Document[] {
  // Integers that a float cannot hold are printed as they were.
  const documents = parseAllDocuments(text, { intAsBigInt: true, logLevel: 'silent' });
  const all = Array.isArray(documents) ? (documents as Document[]) : [];
  for (const { errors } of all) {
    const [fault] = errors;
    if (fault === undefined) continue;
    const { line, col } = fault.linePos?.[0] ?? { line: 1, col: 1 };
    throw new AgentError('SpecInvalid', `this is not YAML: ${fault.message.split('\n')[0]}`, {
      at: { file, line, column: col },
      remedy: 'correct the line',
    });
  }
  return all.map(withoutAliases);
}

/** An edit under an alias would change its other uses too. */
function withoutAliases(document: Document): Document {
  let found = false;
  visit(document, {
    Alias: () => {
      found = true;
      return visit.BREAK;
    },
  });
  if (!found) return document;
  const value: unknown = document.toJS({ maxAliasCount: limits.yamlAliasCount });
  const plain = new Document(value, { aliasDuplicateObjects: false });
  return plain;
}

export function podTemplatesIn(document: Document): readonly PodTemplate[] {
  const value = plainJson(document.toJS({ maxAliasCount: limits.yamlAliasCount }));
  return templatesOf(membersOf(value), []);
}

function templatesOf(value: Members, path: Path): readonly PodTemplate[] {
  const kind = String(value['kind'] ?? '');
  if (kind === 'List') {
    return listOf(value['items']).flatMap((item, i) => templatesOf(item, [...path, 'items', i]));
  }
  const within = Object.hasOwn(templates, kind) ? templates[kind] : undefined;
  if (within === undefined) return [];
  const { name, generateName } = membersOf(value['metadata']);
  const pod = within.reduce((parent: Members, part) => membersOf(parent[part]), value);
  return [{ object: `${kind}/${name ?? generateName ?? ''}`, path: [...path, ...within], pod }];
}

/** As JSON has it: a large integer of the pod's is looked at by nobody. */
function plainJson(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value ?? null, (_, each) => (typeof each === 'bigint' ? Number(each) : each)),
  );
}

/** Applies a patch to a part of a document, so that all else is printed as it was. */
export function editDocument(document: Document, under: Path, operations: readonly Operation[]): void {
  for (const operation of operations) {
    const path = [...under, ...pathOf(operation.path)];
    if (operation.op === 'remove') document.deleteIn(path);
    else if (operation.op === 'replace') document.setIn(path, document.createNode(operation.value));
    else if (operation.op === 'move') {
      const from = [...under, ...pathOf(operation.from)];
      const node = document.getIn(from, true);
      document.deleteIn(from);
      addAt(document, path, node);
    } else addAt(document, path, document.createNode(operation.value));
  }
}

function addAt(document: Document, path: Path, node: unknown): void {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (isSeq(parent)) parent.items.splice(last === '-' ? parent.items.length : Number(last), 0, node);
  else if (isMap(parent)) parent.set(last, node);
  else if (!isAlias(parent)) document.setIn(path, node);
}

function pathOf(pointer: string): Path {
  return partsOf(pointer).map((part) => (/^[0-9]+$/.test(part) ? Number(part) : part));
}
