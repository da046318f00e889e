import { assertStoreUrl } from '../base/http.ts';
import type { SpecNode } from '../spec/spec.ts';
import { type KubernetesConfig, parseKubernetes } from './kubernetes-config.ts';
import type { Provider } from './provider.ts';

/** Secrets of a namespace, of this cluster or another, by an identity that may read them. */
export const kubernetes: Provider = {
  label: 'Kubernetes',
  traits: {
    lookup: 'key-then-path',
    absentProperty: 'error',
    absentKeyOfData: 'error',
    extract: 'raw',
    findConvertsFirst: true,
  },
  parse,
  endpoints: (config) => {
    const { server } = config as KubernetesConfig;
    return server === undefined ? [] : [server.url];
  },
  endpointAt: (config) => (config as KubernetesConfig).server?.at,
  open: async (store, context) => {
    const { openKubernetes } = await import('./kubernetes-client.ts');
    return openKubernetes(store, context);
  },
};

function parse(node: SpecNode): KubernetesConfig {
  const config = parseKubernetes(node);
  // Whether http is allowed and which hosts are is the process's to say, by `endpoints`.
  if (config.server !== undefined)
    assertStoreUrl(config.server.url, { allow: undefined, insecure: true }, node.at('server.url'));
  return config;
}
