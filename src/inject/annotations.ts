import { annotationPrefix, type Option, type OptionName, options } from '../spec/contract.ts';

/** A key of the Pod that no flag stands for. Those that a flag stands for are in the contract's own table. */
export interface PodAnnotation {
  /** How help names the value. */
  readonly placeholder: string;
  readonly default: string;
  readonly description: string;
}

/** By name, without the prefix. With those of the contract's table a closed set. */
export const podAnnotations = {
  inject: {
    placeholder: 'true|false',
    default: 'false',
    description: 'whether the pod is given an agent; as a label, which wins, or as an annotation',
  },
  config: {
    placeholder: 'NAME,…',
    default: 'this or spec is required',
    description: 'ConfigMaps that hold the specs, each mounted at /etc/external-secrets/<name>',
  },
  spec: {
    placeholder: 'YAML',
    default: 'this or config is required',
    description: 'the specs themselves',
  },
  mode: {
    placeholder: 'sidecar|init',
    default: 'sidecar',
    description: 'init: sync once before the containers start, and end',
  },
  containers: {
    placeholder: 'NAME,…',
    default: 'all but those of a mesh',
    description: 'containers, and init containers after the agent, that see the files; or none',
  },
  order: {
    placeholder: 'auto|first|last',
    default: 'auto',
    description:
      'where among the init containers the agent stands; auto: first, or after a native mesh proxy',
  },
  'run-as': {
    placeholder: 'auto|same|UID[:GID]',
    default: 'auto',
    description: 'as whom the agent runs; same: as the containers that see the files, which must agree',
  },
  port: {
    placeholder: 'PORT|off',
    default: '9402; off with hostNetwork',
    description: 'where the agent serves probes and metrics',
  },
  'extra-secrets': {
    placeholder: 'NAME,…',
    default: 'none',
    description: 'Secrets mounted into the agent alone, against which references resolve',
  },
  'extra-configmaps': {
    placeholder: 'NAME,…',
    default: 'none',
    description: 'ConfigMaps mounted into the agent alone, against which references resolve',
  },
  status: {
    placeholder: '',
    default: 'written by the webhook',
    description: 'which version injected what',
  },
} as const satisfies Readonly<Record<string, PodAnnotation>>;

export type PodAnnotationName = keyof typeof podAnnotations;

/** Promised, and refused by name until an option of the contract's table has them. */
const promised: readonly string[] = [
  'refresh',
  'format',
  'on-change',
  'sync',
  'events',
  'write-status',
  'patch',
];

/** Options with an annotation, by its name. */
export const optionAnnotations: ReadonlyMap<string, readonly [OptionName, Option]> = new Map(
  (Object.entries(options) as [OptionName, Option][]).flatMap(([name, option]) =>
    option.annotation === undefined ? [] : [[option.annotation, [name, option]]],
  ),
);

export const annotationNames: readonly string[] = [
  ...Object.keys(podAnnotations),
  ...optionAnnotations.keys(),
];

export const unbuiltAnnotations: readonly string[] = promised.filter((name) => !optionAnnotations.has(name));

/** Labels under the prefix that a Pod may carry. */
export const labelNames: readonly string[] = ['inject', 'injected'];

/** The whole name of an annotation or label. */
export function keyOf(name: PodAnnotationName | (string & {})): string {
  return annotationPrefix + name;
}
