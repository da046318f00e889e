import { AgentError, type At } from '../base/errors.ts';
import type { SpecDocument } from './document.ts';
import { type Path, parsePath, pathText } from './path.ts';
import { conform, type Findings, isMembers } from './schema/conform.ts';
import { type Shape, shapeOf } from './schema/notation.ts';
import { shared } from './schema/shared.ts';
import type { SpecNode } from './spec.ts';

/** What every object has. */
export interface Metadata {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly uid: string | undefined;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
}

export interface NamespaceReference {
  readonly path: Path;
  readonly name: string;
}

const metadataShape = `{
  name! name  generateName s  namespace namespace  uid s  labels <s>  annotations <s>
  finalizers [s]  ownerReferences any  managedFields any  creationTimestamp any  deletionTimestamp any
  deletionGracePeriodSeconds i  generation i  resourceVersion s  selfLink s
}`;

/**
 * One object while it is read: its document, what it is called, and what was found wrong with it. An
 * object with a problem is refused whole.
 */
export class Subject implements Findings {
  readonly kind: string;
  readonly apiVersion: string;
  readonly name: string;
  readonly metadata: Metadata;
  readonly problems: AgentError[] = [];
  readonly warnings: AgentError[] = [];
  /** Met while the spec was checked. */
  readonly namespaceReferences: NamespaceReference[] = [];
  readonly #document: SpecDocument;

  constructor(document: SpecDocument, header: { kind: string; apiVersion: string }) {
    this.#document = document;
    this.kind = header.kind;
    this.apiVersion = header.apiVersion;
    this.name = nameOf(document.value);
    this.metadata = this.#readMetadata();
  }

  /** `Kind/name`, as messages name it. */
  get object(): string {
    return this.name === '' ? this.kind : `${this.kind}/${this.name}`;
  }

  get refused(): boolean {
    return this.problems.length > 0;
  }

  at(path: Path): At {
    return { ...this.#document.at(path), object: this.object };
  }

  textAt(path: Path): At {
    return { ...this.#document.textAt(path), object: this.object };
  }

  problem(path: Path, message: string, remedy?: string): void {
    this.problems.push(this.#error(path, message, remedy));
  }

  warning(path: Path, message: string, remedy?: string): void {
    this.warnings.push(this.#error(path, message, remedy));
  }

  namespace(path: Path, name: string): void {
    if (path[0] !== 'metadata') this.namespaceReferences.push({ path, name });
  }

  unsupported(path: Path): void {
    this.problem(path, `not supported by this version: ${pathText(path)}`);
  }

  /** The value at a path of the document, checked against a shape of the notation, with its defaults. */
  conform(path: Path, notation: string): unknown {
    const value = this.valueAt(path);
    if (value !== undefined) return this.conformValue(path, value, notation);
    this.problem(path.slice(0, -1), `${path.at(-1)} is required`);
    return {};
  }

  /** The same for a value that was changed first. */
  conformValue(path: Path, value: unknown, notation: string): unknown {
    return conform(value, shapeFor(notation), path, this);
  }

  valueAt(path: Path): unknown {
    let value = this.#document.value;
    for (const part of path) {
      if (Array.isArray(value)) value = value[Number(part)];
      else value = isMembers(value) && Object.hasOwn(value, part) ? value[part] : undefined;
    }
    return value;
  }

  /** Tells every member of the whole document that is not one of these. */
  checkTopLevel(known: readonly string[]): void {
    const shape = `{${['apiVersion', 'kind', 'metadata', 'status', ...known].map((name) => `${name} any`).join(' ')}}`;
    this.conform([], shape);
  }

  node(path: Path, value: unknown): SpecNode {
    return { value, at: (field) => this.at([...path, ...parsePath(field)]) };
  }

  #error(path: Path, message: string, remedy: string | undefined): AgentError {
    const at = this.at(path);
    return new AgentError('SpecInvalid', message, remedy === undefined ? { at } : { at, remedy });
  }

  #readMetadata(): Metadata {
    const raw = this.valueAt(['metadata']);
    // Exports carry nulls, such as `creationTimestamp: null`; the API server drops them.
    if (raw === undefined) this.problem([], 'metadata is required');
    const filled = isMembers(raw)
      ? Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== null))
      : (raw ?? { name: 'unnamed' });
    const metadata = conform(filled, shapeFor(metadataShape), ['metadata'], this) as RawMetadata;
    return {
      name: this.name,
      namespace: metadata.namespace,
      uid: metadata.uid,
      labels: new Map(Object.entries(metadata.labels ?? {})),
      annotations: new Map(Object.entries(metadata.annotations ?? {})),
    };
  }
}

const shapes = new Map<string, Shape>();

/** Read once for each notation: a pod may have hundreds of documents of one kind. */
function shapeFor(notation: string): Shape {
  const shape = shapes.get(notation) ?? shapeOf(notation, shared);
  shapes.set(notation, shape);
  return shape;
}

interface RawMetadata {
  readonly namespace?: string;
  readonly uid?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

function nameOf(value: unknown): string {
  const metadata = isMembers(value) ? value['metadata'] : undefined;
  const name = isMembers(metadata) ? metadata['name'] : undefined;
  return typeof name === 'string' ? name : '';
}
