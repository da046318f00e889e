import { tokenFileName } from '../identity/identity.ts';
import { options as contract } from '../spec/contract.ts';
import { keyOf } from './annotations.ts';
import type { PodOptions } from './options.ts';
import { bytesQuantity } from './quantity.ts';
import type { Members } from './raw.ts';

/** Where the kubelet mounts the API server's token, and where its clients look for it. */
const apiFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Only the agent sees what is mounted under it. */
const extraFolder = '/etc/external-secrets-agent';
export const secretsFolder = `${extraFolder}/secrets`;
export const configMapsFolder = `${extraFolder}/config-maps`;

export const secretsVolume = 'esa-secrets';

/** Of the state: socket, leases, generator state. */
const stateBytes = 8n * 1024n * 1024n;

/** A volume of ours and where the agent has it. */
interface Placed {
  readonly volume: Members;
  readonly path: string;
  readonly readOnly: boolean;
}

export interface Volumes {
  readonly volumes: readonly Members[];
  /** Of the agent. */
  readonly mounts: readonly Members[];
}

/** Everything that the agent mounts. All are of the kinds that the restricted Pod Security Standard allows. */
export function volumesOf(options: PodOptions): Volumes {
  const placed = [
    { volume: memory(secretsVolume, options.sizeBytes), path: options.path, readOnly: false },
    { volume: memory('esa-state', stateBytes), path: contract.state.default, readOnly: false },
    { volume: tokens(options), path: contract.tokens.default, readOnly: true },
    ...specs(options),
    ...extras(options),
    ...(options.needsApi ? [{ volume: apiAccess(), path: apiFolder, readOnly: true }] : []),
  ];
  return { volumes: placed.map(({ volume }) => volume), mounts: placed.map(mountOf) };
}

function mountOf({ volume, path, readOnly }: Placed): Members {
  return { name: volume['name'] ?? '', mountPath: path, ...(readOnly && { readOnly }) };
}

function memory(name: string, bytes: bigint): Members {
  return { name, emptyDir: { medium: 'Memory', sizeLimit: bytesQuantity(bytes).text } };
}

function tokens({ audiences, tokenTtlSeconds }: PodOptions): Members {
  const sources = audiences.map((audience) => ({
    serviceAccountToken: { audience, expirationSeconds: tokenTtlSeconds, path: tokenFileName(audience) },
  }));
  return { name: 'esa-tokens', projected: { sources } };
}

/** Each at a folder of its own: the agent reads the default folder's direct sub-folders that are mounts. */
function specs({ config, spec }: PodOptions): readonly Placed[] {
  const [folder = ''] = contract.specs.default;
  if (spec !== undefined) {
    const fieldRef = { fieldPath: `metadata.annotations['${keyOf('spec')}']` };
    const volume = { name: 'esa-podinfo', downwardAPI: { items: [{ path: 'spec.yaml', fieldRef }] } };
    return [{ volume, path: `${folder}/pod`, readOnly: true }];
  }
  return config.map((name, i) => configMap(`esa-config-${i}`, name, folder));
}

function extras({ extraSecrets, extraConfigMaps }: PodOptions): readonly Placed[] {
  return [
    ...extraSecrets.map((secretName, i) => ({
      volume: { name: `esa-extra-secret-${i}`, secret: { secretName } },
      path: `${secretsFolder}/${secretName}`,
      readOnly: true,
    })),
    ...extraConfigMaps.map((name, i) => configMap(`esa-extra-config-${i}`, name, configMapsFolder)),
  ];
}

function configMap(volume: string, name: string, folder: string): Placed {
  return { volume: { name: volume, configMap: { name } }, path: `${folder}/${name}`, readOnly: true };
}

/** What the API server's own admission would mount, unless the pod forbids it: the agent was asked to use it. */
function apiAccess(): Members {
  const namespace = { path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } };
  const sources = [
    { serviceAccountToken: { expirationSeconds: 3_607, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    { downwardAPI: { items: [namespace] } },
  ];
  return { name: 'esa-api', projected: { sources } };
}
