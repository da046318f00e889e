import { limits } from '../base/limits.ts';
import { portOf } from './agent-container.ts';
import { keyOf } from './annotations.ts';
import type { PodOptions } from './options.ts';
import { isAgent } from './placement.ts';
import type { Container, Pod } from './pod.ts';
import { contains, listOf, type Members, membersOf, textOf } from './raw.ts';
import { type Refusal, refusal } from './refusal.ts';
import { mountsOf } from './run-as.ts';
import { secretsVolume } from './volumes.ts';

/** What the pod must be for an agent to be of any use in it. */
export function kindRefusals(pod: Pod): readonly Refusal[] {
  const os = textOf(membersOf(pod.spec['os'])['name']);
  const node = textOf(membersOf(pod.spec['nodeSelector'])['kubernetes.io/os']);
  if (os !== 'windows' && node !== 'windows') return [];
  const field = os === 'windows' ? 'spec.os.name' : 'spec.nodeSelector';
  const message = 'Windows has neither volumes in memory nor the file modes that secrets need';
  return [refusal('Windows', field, { message, remedy: 'run the pod on Linux, or leave the agent out' })];
}

/** Made by the kubelet of a file on its node: nothing that is patched would reach it. */
export function isMirror(pod: Pod): boolean {
  return textOf(pod.annotations['kubernetes.io/config.mirror']) !== undefined;
}

export interface Wanted {
  readonly options: PodOptions;
  readonly volumes: readonly Members[];
  readonly consumers: readonly Container[];
  /** Whether the status annotation says that we were here: then what has our names is ours. */
  readonly isOurs: boolean;
}

/** Names, paths and ports that the pod uses already for something else. */
export function clashes(pod: Pod, wanted: Wanted): readonly Refusal[] {
  return [
    ...(wanted.isOurs ? [] : nameClashes(pod, wanted.volumes)),
    ...wanted.consumers
      .flatMap((container) => pathClashes(container, wanted.options.path))
      .slice(0, limits.podClashCount),
    ...portClashes(pod, wanted.options),
    ...ownPathClashes(wanted.options.path),
  ];
}

function nameClashes(pod: Pod, volumes: readonly Members[]): readonly Refusal[] {
  const taken = [...pod.containers, ...pod.initContainers].filter(isAgent).map((container) =>
    refusal('NameClash', container.path.slice(1).replaceAll('/', '.'), {
      message: `a container is named ${container.name} already`,
      remedy: `rename it, or take the label ${keyOf('inject')} away if it is an agent`,
    }),
  );
  const others = volumes.flatMap((volume) => {
    const present = pod.volumes.find((each) => each['name'] === volume['name']);
    if (present === undefined || contains(present, volume)) return [];
    const message = `a volume is named ${String(volume['name'])} already, and is not what the agent needs`;
    return [
      refusal('NameClash', 'spec.volumes', {
        message,
        remedy: 'rename it: names that start with esa- are of the agent',
      }),
    ];
  });
  return [...taken, ...others];
}

/** A mount at our path hides the secrets; one below it cannot be made, since the folder is read-only there. */
function pathClashes(container: Container, path: string): readonly Refusal[] {
  return mountsOf(container)
    .filter((mount) => mount.name !== secretsVolume)
    .filter((mount) => `${mount.path.replace(/\/+$/, '')}/`.startsWith(`${path}/`))
    .slice(0, limits.podClashCount)
    .map((mount) =>
      refusal('PathClash', `${container.path.slice(1).replaceAll('/', '.')}.volumeMounts`, {
        message: `${container.name} mounts ${mount.name} at ${mount.path}, where its secrets go`,
        remedy: `mount it elsewhere, choose another ${keyOf('path')}, or leave ${container.name} out of ${keyOf('containers')}`,
      }),
    );
}

/** All containers of a pod share its ports. */
function portClashes(pod: Pod, options: PodOptions): readonly Refusal[] {
  const port = portOf(pod, options);
  if (port === 'off' || options.mode === 'init') return [];
  const others = [...pod.containers, ...pod.initContainers].filter((container) => !isAgent(container));
  const taken = others.find(({ raw }) => listOf(raw['ports']).some((each) => each['containerPort'] === port));
  if (taken === undefined) return [];
  const message = `the port ${port} is that of the container ${taken.name}`;
  return [refusal('PortClash', keyOf('port'), { message, remedy: 'choose another port, or off' })];
}

/** Where the agent itself mounts something else. */
const ownFolders = [
  '/etc/external-secrets',
  '/etc/external-secrets-agent',
  '/run/external-secrets-agent',
  '/var/run/secrets/external-secrets-agent',
  '/var/run/secrets/kubernetes.io',
  '/app',
  '/dev',
  '/proc',
  '/sys',
  '/usr',
  '/lib',
  '/lib64',
];

function ownPathClashes(path: string): readonly Refusal[] {
  const taken = ownFolders.find(
    (folder) => `${path}/`.startsWith(`${folder}/`) || `${folder}/`.startsWith(`${path}/`),
  );
  if (taken === undefined) return [];
  const message = `${path} and ${taken} are within one another, and the agent needs the latter for itself`;
  return [
    refusal('PathClash', keyOf('path'), {
      message,
      remedy: 'choose a folder such as /run/secrets/external-secrets',
    }),
  ];
}
