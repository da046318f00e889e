import { limits } from '../base/limits.ts';
import { didYouMean } from '../base/nearest.ts';
import { keyOf } from './annotations.ts';
import { isMeshContainer, isNativeProxy } from './mesh.ts';
import type { PodOptions } from './options.ts';
import type { Container, Pod } from './pod.ts';
import { type Refusal, refusal } from './refusal.ts';

export const agentName = 'external-secrets-agent';
/** Beside a regular container of ours, where native sidecars are off. */
export const initName = 'external-secrets-agent-init';

const agentNames: readonly string[] = [agentName, initName];

export function isAgent({ name }: Container): boolean {
  return agentNames.includes(name);
}

/** Where the agent stands, and who reads what it writes. */
export interface Placement {
  /** Index among the init containers that are not ours. */
  readonly index: number;
  /** As they stand in the pod. */
  readonly consumers: readonly Container[];
  readonly refusals: readonly Refusal[];
}

export function placementOf(pod: Pod, options: PodOptions): Placement {
  const others = pod.initContainers.filter((container) => !isAgent(container));
  const index = indexOf(others, options.order);
  const apps = pod.containers.filter((container) => !isAgent(container));
  const [before, after] = [others.slice(0, index), others.slice(index)];
  const able = [...apps, ...after];
  if (options.containers === 'all') {
    const consumers = able.filter((container) => !isMeshContainer(container));
    return { index, consumers, refusals: [] };
  }
  const { containers: wanted } = options;
  return {
    index,
    consumers: able.filter(({ name }) => wanted.includes(name)),
    refusals: wanted.flatMap((name) => absent(name, able, before)),
  };
}

function indexOf(others: readonly Container[], order: PodOptions['order']): number {
  if (order === 'last') return others.length;
  return order === 'first' ? 0 : others.findLastIndex(isNativeProxy) + 1;
}

function absent(name: string, able: readonly Container[], before: readonly Container[]): readonly Refusal[] {
  if (able.some((container) => container.name === name)) return [];
  const field = keyOf('containers');
  if (before.some((container) => container.name === name)) {
    const message = `the init container ${name} ends before the agent starts, so that it would see no secrets`;
    return [
      refusal('InvalidAnnotation', field, {
        message,
        remedy: `set ${keyOf('order')} to first, or leave it out`,
      }),
    ];
  }
  const names = able.slice(0, limits.podListCount).map((container) => container.name);
  const message = `the pod has no container ${JSON.stringify(name.slice(0, 80))}${didYouMean(name, names)}`;
  return [
    refusal('InvalidAnnotation', field, { message, remedy: `there is ${names.join(', ')}, or write none` }),
  ];
}
