import { options as contract } from '../spec/contract.ts';
import { hasIstio } from './mesh.ts';
import type { InjectSettings, PodOptions } from './options.ts';
import { agentName, initName } from './placement.ts';
import type { ContainerList, Pod } from './pod.ts';
import { listOf, type Members, membersOf } from './raw.ts';
import { resourcesJson } from './resources.ts';
import type { RunAs } from './run-as.ts';
import { configMapsFolder, secretsFolder } from './volumes.ts';

/** In the image: the runtime, its flags and the probe's own bundle. */
export const probeCommand = [
  '/usr/local/bin/node',
  '--max-semi-space-size=1',
  '--v8-pool-size=1',
  '--disable-sigusr1',
  '/app/probe.cjs',
] as const;

/** A container of ours as it should be, and where. */
export interface AgentContainer {
  readonly list: ContainerList;
  readonly container: Members;
}

export interface AgentParts {
  readonly pod: Pod;
  readonly options: PodOptions;
  readonly settings: InjectSettings;
  readonly runAs: RunAs;
  readonly mounts: readonly Members[];
}

/** One native sidecar, or one init container, or for old nodes one of each old kind. */
export function agentContainers(parts: AgentParts): readonly AgentContainer[] {
  const { mode, native } = parts.options;
  if (mode === 'init') return [{ list: 'initContainers', container: oneShot(parts, agentName) }];
  const probes = { livenessProbe: liveness(parts) };
  const sidecar = { ...base(parts, agentName, ['run', ...flags(parts)]), ...ports(parts), ...probes };
  if (native) {
    const startupProbe = startup();
    return [{ list: 'initContainers', container: { ...sidecar, restartPolicy: 'Always', startupProbe } }];
  }
  return [
    { list: 'initContainers', container: oneShot(parts, initName) },
    { list: 'containers', container: sidecar },
  ];
}

function oneShot(parts: AgentParts, name: string): Members {
  const listening = `${contract.listen.flag}=`;
  const own = flags(parts).filter((flag) => !flag.startsWith(listening));
  return base(parts, name, ['run', contract.once.flag, ...own]);
}

/** The image's entrypoint is the program, so that its flags of Node are the image's affair. */
function base(parts: AgentParts, name: string, args: readonly string[]): Members {
  const { options, settings, runAs, mounts } = parts;
  const { imagePullPolicy } = settings;
  return {
    name,
    image: options.image,
    ...(imagePullPolicy !== undefined && { imagePullPolicy }),
    args,
    env: environment(),
    resources: resourcesJson(options.resources),
    securityContext: securityContext(runAs),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: mounts,
  };
}

function flags({ pod, options, runAs }: AgentParts): readonly string[] {
  const port = portOf(pod, options);
  const { listen, secrets, configMaps, fileMode, dirMode } = contract;
  const when = (condition: boolean, flag: string): readonly string[] => (condition ? [flag] : []);
  return [
    ...options.flags,
    ...ownerFlag(pod, options),
    ...when(port !== defaultPort, `${listen.flag}=${port === 'off' ? 'off' : `:${port}`}`),
    ...when(options.extraSecrets.length > 0, `${secrets.flag}=${secretsFolder}`),
    ...when(options.extraConfigMaps.length > 0, `${configMaps.flag}=${configMapsFolder}`),
    ...when(runAs.fileMode !== undefined, `${fileMode.flag}=0${runAs.fileMode?.toString(8)}`),
    ...when(runAs.dirMode !== undefined, `${dirMode.flag}=0${runAs.dirMode?.toString(8)}`),
  ];
}

/**
 * With what ends, the Secrets of specs without a uid end too. Never a ReplicaSet or a Job, which the next one outlives;
 * a pod of theirs does not tell what stands above them.
 */
function ownerFlag(pod: Pod, { flags: own }: PodOptions): readonly string[] {
  if (!own.includes(`${contract.syncSecret.flag}=true`)) return [];
  const owners = listOf(membersOf(pod.raw['metadata'])['ownerReferences']);
  const owner = owners.find(({ kind }) => kind === 'StatefulSet' || kind === 'DaemonSet');
  if (owner === undefined) return [];
  const { apiVersion, kind, name, uid } = owner;
  return [`${contract.owner.flag}=${apiVersion}/${kind}/${name}/${uid}`];
}

const defaultPort = Number(contract.listen.default.slice(1));

/** On the host's network a port is the whole node's, so none is taken unless the pod says which. */
export function portOf(pod: Pod, { port }: PodOptions): number | 'off' {
  return port ?? (pod.spec['hostNetwork'] === true ? 'off' : defaultPort);
}

function ports({ pod, options }: AgentParts): Members {
  const port = portOf(pod, options);
  if (port === 'off') return {};
  return { ports: [{ name: 'esa-metrics', containerPort: port, protocol: 'TCP' }] };
}

/** From the downward API, since a name may not be known yet when the pod is admitted. */
function environment(): readonly Members[] {
  const field = (name: string, fieldPath: string): Members => ({
    name,
    valueFrom: { fieldRef: { fieldPath } },
  });
  const folder = contract.state.default;
  return [
    field('POD_NAME', 'metadata.name'),
    field('POD_NAMESPACE', 'metadata.namespace'),
    field('POD_UID', 'metadata.uid'),
    field('POD_SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    { name: 'HOME', value: folder },
    { name: 'TMPDIR', value: folder },
  ];
}

/** What the restricted Pod Security Standard wants of a container. */
function securityContext({ uid, gid }: RunAs): Members {
  return {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    privileged: false,
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    ...(uid !== undefined && { runAsUser: uid }),
    ...(gid !== undefined && { runAsGroup: gid }),
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

/** The probe waits for a yes itself, so that the app starts when its files are there and not at the next period. */
const startupWaitSeconds = 5;

/** More than a day of tries: the agent itself retries, and a sidecar that failed to start can hold a Job for ever
 * (kubernetes/kubernetes#134800). */
function startup(): Members {
  return {
    exec: { command: [...probeCommand, 'startup', `--wait=${startupWaitSeconds}`] },
    // Not how often it runs, since it waits, but when first: the kubelet counts from the pod's arrival.
    periodSeconds: 1,
    failureThreshold: 43_200,
    timeoutSeconds: 10,
  };
}

function liveness({ pod, options }: AgentParts): Members {
  const port = portOf(pod, options);
  if (port === 'off' || hasIstio(pod)) {
    return {
      exec: { command: [...probeCommand, 'live'] },
      periodSeconds: 30,
      failureThreshold: 4,
      timeoutSeconds: 10,
    };
  }
  return { httpGet: { path: '/livez', port }, periodSeconds: 10, failureThreshold: 12, timeoutSeconds: 10 };
}
