import type { Container, Pod } from './pod.ts';
import { textOf } from './raw.ts';

/** What Istio and Linkerd put into a pod; none of it is an app that waits for secrets. */
const meshContainers: readonly string[] = [
  'istio-proxy',
  'istio-init',
  'istio-validation',
  'linkerd-proxy',
  'linkerd-init',
  'linkerd-network-validator',
];

const proxies: readonly string[] = ['istio-proxy', 'linkerd-proxy'];

export function isMeshContainer({ name }: Container): boolean {
  return meshContainers.includes(name);
}

/** A proxy that runs, as a native sidecar, while later init containers do: they have network only after it. */
export function isNativeProxy({ name, raw }: Container): boolean {
  return proxies.includes(name) && raw['restartPolicy'] === 'Always';
}

/**
 * Whether Istio is in the pod, or its labels and annotations ask for it. Under strict mTLS the kubelet's HTTP
 * probes fail, and Istio rewrites only those of containers that it saw (istio/istio#53786).
 */
export function hasIstio(pod: Pod): boolean {
  const { labels, annotations } = pod;
  if (textOf(annotations['sidecar.istio.io/status']) !== undefined) return true;
  const asked = textOf(labels['sidecar.istio.io/inject']) ?? textOf(annotations['sidecar.istio.io/inject']);
  if (asked === 'true' || (asked !== 'false' && textOf(labels['istio.io/rev']) !== undefined)) return true;
  return [...pod.containers, ...pod.initContainers].some(({ name }) => name === 'istio-proxy');
}
