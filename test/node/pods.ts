import { agentImage, appImage } from '../peers/cluster.ts';

export const filesFolder = '/run/secrets/external-secrets';

/** As whom a container runs; unset fields are the pod's, or the image's. */
export interface RunAs {
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
}

export interface AppPod {
  /** The app's shell script; `watching` makes one. */
  readonly script: string;
  readonly app?: RunAs;
  readonly fsGroup?: number;
  /** What all containers have in common, such as `shareProcessNamespace`. */
  readonly pod?: object;
}

export interface SidecarPod extends AppPod {
  /** The ConfigMap with the specs. */
  readonly specs: string;
  readonly agent?: RunAs;
  readonly tokenSeconds?: number;
  readonly flags?: readonly string[];
}

export interface AppSpec {
  readonly containers: readonly object[];
  readonly [field: string]: unknown;
}

/** Whatever the Pod Security Standard `restricted` asks of a container. */
export const restricted = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

/** A pod's spec without an agent: an app that the Pod Security Standard `restricted` lets in, unless it is root. */
export function appPod({ script, app = {}, fsGroup, pod }: AppPod): AppSpec {
  return {
    serviceAccountName: 'app',
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 10,
    enableServiceLinks: false,
    ...(fsGroup !== undefined && { securityContext: { fsGroup } }),
    containers: [
      {
        name: 'app',
        image: appImage(),
        command: ['/bin/sh', '-c', script],
        securityContext: { ...restricted, runAsNonRoot: app.runAsUser !== 0, ...app },
      },
    ],
    ...pod,
  };
}

/** The same with a native sidecar written by hand: nothing in it is the API server's but one token for Vault. */
export function sidecarPod(options: SidecarPod): object {
  const { specs, tokenSeconds = 3600 } = options;
  const { containers, ...rest } = appPod(options);
  const token = { audience: 'vault', path: 'vault', expirationSeconds: tokenSeconds };
  const volumeMounts = [{ name: 'esa-secrets', mountPath: filesFolder, readOnly: true }];
  return {
    ...rest,
    initContainers: [agentContainer(options)],
    containers: containers.map((container) => ({ ...container, volumeMounts })),
    volumes: [
      { name: 'esa-secrets', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
      { name: 'esa-state', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
      { name: 'specs', configMap: { name: specs } },
      { name: 'esa-tokens', projected: { sources: [{ serviceAccountToken: token }] } },
    ],
  };
}

function agentContainer({ agent = {}, flags = [] }: SidecarPod): object {
  const state = '/run/external-secrets-agent';
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  return {
    name: 'agent',
    image: agentImage(),
    restartPolicy: 'Always',
    args: ['run', ...flags],
    env: [
      field('POD_NAME', 'metadata.name'),
      field('POD_NAMESPACE', 'metadata.namespace'),
      field('POD_UID', 'metadata.uid'),
    ],
    startupProbe: {
      exec: { command: ['/usr/local/bin/node', '/app/probe.cjs', 'startup', '--wait=5'] },
      periodSeconds: 1,
      timeoutSeconds: 10,
      failureThreshold: 43_200,
    },
    livenessProbe: { httpGet: { path: '/livez', port: 9402 }, failureThreshold: 12, timeoutSeconds: 10 },
    resources: { requests: { cpu: '5m', memory: '32Mi' }, limits: { memory: '80Mi' } },
    securityContext: { ...restricted, runAsNonRoot: true, readOnlyRootFilesystem: true, ...agent },
    volumeMounts: [
      { name: 'specs', mountPath: '/etc/external-secrets/specs', readOnly: true },
      { name: 'esa-secrets', mountPath: filesFolder },
      { name: 'esa-state', mountPath: state },
      { name: 'esa-tokens', mountPath: '/var/run/secrets/external-secrets-agent/tokens', readOnly: true },
    ],
  };
}

export function pod(name: string, spec: object): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } }, spec };
}

/**
 * An app that needs its file from its first moment: it ends with 9 without it, says `first VALUE`, then `now VALUE`
 * at each change and `lost` whenever the file cannot be read.
 */
export function watching(target: string, key = 'password'): string {
  return `
file=${filesFolder}/${target}/${key}
last=$(cat $file) || exit 9
echo "first $last"
trap 'exit 0' TERM
while :; do
  if now=$(cat $file); then
    [ "$now" = "$last" ] || echo "now $now"
    last=$now
  else
    echo lost
  fi
  sleep 0.2
done`;
}

/** From another container of a pod that shares its process namespace. The brackets keep the script from finding itself. */
export const killAgent = `
for process in /proc/[0-9]*; do
  if grep -q 'app/main[.]cjs' $process/cmdline; then kill -9 \${process#/proc/}; fi
done`;
