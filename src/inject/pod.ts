import { limits } from '../base/limits.ts';
import { annotationPrefix } from '../spec/contract.ts';
import { pointer } from './json-patch.ts';
import { isMembers, type Json, listOf, type Members, membersOf, textOf } from './raw.ts';
import { type Refusal, refusal } from './refusal.ts';

export type ContainerList = 'containers' | 'initContainers';

/** One container as it stands in the pod. */
export interface Container {
  readonly name: string;
  readonly list: ContainerList;
  readonly index: number;
  /** JSON pointer, e.g. `/spec/containers/0`. */
  readonly path: string;
  readonly raw: Members;
}

/** A pod as the API server sent it, looked at and never rewritten. */
export interface Pod {
  readonly raw: Members;
  readonly spec: Members;
  readonly labels: Members;
  readonly annotations: Members;
  readonly containers: readonly Container[];
  readonly initContainers: readonly Container[];
  readonly volumes: readonly Members[];
}

/** The pod, or why what was sent is none that could be changed. */
export function readPod(value: unknown): Pod | Refusal {
  const raw = membersOf(value);
  const fault = shapeFault(raw);
  if (fault !== undefined) {
    const remedy = 'send a Pod as kubectl does';
    return refusal('InvalidPod', fault, { message: 'is not what a Pod has there', remedy });
  }
  const spec = membersOf(raw['spec']);
  const count = listOf(spec['containers']).length + listOf(spec['initContainers']).length;
  if (count > limits.podContainerCount) return tooMany(`${count} containers`, limits.podContainerCount);
  const metadata = membersOf(raw['metadata']);
  const bytes = bytesOf(membersOf(metadata['annotations']));
  if (bytes > limits.podAnnotationBytes) {
    const message = `all together have ${bytes} bytes, and the API server takes ${limits.podAnnotationBytes}`;
    const remedy = `put specs into ConfigMaps, and name those in ${annotationPrefix}config`;
    return refusal('InvalidPod', 'metadata.annotations', { message, remedy });
  }
  return {
    raw,
    spec,
    labels: membersOf(metadata['labels']),
    annotations: membersOf(metadata['annotations']),
    containers: containersOf(spec, 'containers'),
    initContainers: containersOf(spec, 'initContainers'),
    volumes: listOf(spec['volumes']),
  };
}

/** Of a pod that would take more than its share of the webhook. */
export function tooMany(what: string, most: number): Refusal {
  const remedy = 'make several pods of it';
  return refusal('InvalidPod', 'spec', { message: `has ${what}, and ${most} are taken at most`, remedy });
}

export function isRefusal(value: Pod | Refusal): value is Refusal {
  return 'reason' in value;
}

function containersOf(spec: Members, list: ContainerList): Container[] {
  return listOf(spec[list]).map((raw, index) => ({
    name: textOf(raw['name']) ?? '',
    list,
    index,
    path: pointer('spec', list, index),
    raw,
  }));
}

/** The field that does not have the shape which the patch relies on; undefined when all have. */
function shapeFault(raw: Members): string | undefined {
  const spec = raw['spec'];
  if (!isMembers(spec)) return 'spec';
  if (!isAbsentOr(raw['metadata'], isMembers)) return 'metadata';
  const metadata = membersOf(raw['metadata']);
  for (const name of ['labels', 'annotations']) {
    if (!isAbsentOr(metadata[name], isTextMap)) return `metadata.${name}`;
  }
  if (!isListOfMembers(spec['containers'])) return 'spec.containers';
  for (const name of ['initContainers', 'volumes']) {
    if (!isAbsentOr(spec[name], isListOfMembers)) return `spec.${name}`;
  }
  return containerFault(spec);
}

function containerFault(spec: Members): string | undefined {
  for (const list of ['containers', 'initContainers'] as const) {
    for (const { name, index, raw } of containersOf(spec, list)) {
      const field = `spec.${list}[${index}]`;
      if (name === '') return `${field}.name`;
      const wrong = ['env', 'volumeMounts', 'ports'].find((part) => !isAbsentOr(raw[part], isListOfMembers));
      if (wrong !== undefined) return `${field}.${wrong}`;
    }
  }
  return undefined;
}

function isAbsentOr(value: Json | undefined, is: (value: Json) => boolean): boolean {
  return value === undefined || value === null || is(value);
}

function isListOfMembers(value: Json | undefined): boolean {
  return Array.isArray(value) && value.every(isMembers);
}

function isTextMap(value: Json): boolean {
  return isMembers(value) && Object.values(value).every((each) => typeof each === 'string');
}

function bytesOf(texts: Members): number {
  return Object.entries(texts).reduce(
    (sum, [key, text]) => sum + Buffer.byteLength(key) + Buffer.byteLength(String(text)),
    0,
  );
}

/** Whether the pod asks for an agent; the label wins over the annotation. A word that is neither is a refusal. */
export function optedIn(pod: Pod): boolean | Refusal {
  const name = `${annotationPrefix}inject`;
  const text = textOf(pod.labels[name]) ?? textOf(pod.annotations[name]);
  if (text === undefined || text === 'false') return false;
  if (text === 'true') return true;
  const message = `${JSON.stringify(text.slice(0, 80))} is neither "true" nor "false"`;
  return refusal('InvalidAnnotation', name, { message, remedy: 'write "true", in quotes' });
}
