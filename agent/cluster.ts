import type { Clock } from '../src/base/clock.ts';
import { type AgentError, asAgentError } from '../src/base/errors.ts';
import type { Log } from '../src/base/log.ts';
import type { ReferenceSources } from '../src/identity/references.ts';
import type { Kube } from '../src/kube/client.ts';
import type { AgentState } from '../src/loop/state.ts';
import type { PodEvents } from '../src/observe/events.ts';
import type { StatusWriter } from '../src/observe/external-secret-status.ts';
import type { Sink } from '../src/sinks/sink.ts';
import type { Config } from './config.ts';
import { exitCodes, UsageError } from './host.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The API server, opened by its first use: an agent that needs none loads nothing of it and sends it nothing. */
export class Cluster {
  readonly #clock: Clock;
  readonly #env: Env;
  #kube: Promise<Kube> | undefined;

  constructor(env: Env, clock: Clock) {
    this.#env = env;
    this.#clock = clock;
  }

  /** Whether there is one to ask at all, as far as the environment says. */
  get known(): boolean {
    return Boolean(this.#env['KUBERNETES_SERVICE_HOST'] || this.#env['KUBECONFIG']);
  }

  /** Throws SpecInvalid or AuthFailed when no connection can be made of what is given. */
  async kube(): Promise<Kube> {
    this.#kube ??= import('../src/kube/client.ts').then(({ openKube }) =>
      openKube({ env: this.#env, clock: this.#clock }),
    );
    return await this.#kube.catch((error: unknown) => {
      this.#kube = undefined;
      throw error;
    });
  }

  /** The last place where references are looked up: the pod's own namespace, by name. */
  objects(namespace: string | undefined): ReferenceSources['objects'] {
    if (!this.known) return undefined;
    return async (kind, name, signal) => {
      const { contentsOf } = await import('../src/kube/contents.ts');
      return await contentsOf(await this.kube(), { kind, name, namespace }, signal);
    };
  }

  async close(): Promise<void> {
    await this.#kube?.then((kube) => kube.close()).catch(() => {});
  }
}

/** `--events`, or undefined without it. Throws UsageError, exit code 78, where nobody says which pod this is. */
export async function podEvents(
  { events, pod }: Pick<Config, 'events' | 'pod'>,
  cluster: Cluster,
  parts: {
    readonly namespace: string | undefined;
    readonly clock: Clock;
    readonly log: Log;
    readonly view: () => AgentState;
  },
): Promise<PodEvents | undefined> {
  if (!events) return undefined;
  const { namespace, ...rest } = parts;
  const { name, uid } = pod;
  if (name === undefined || uid === undefined || namespace === undefined) {
    throw new UsageError(
      exitCodes.invalid,
      '--events needs to know its pod: POD_NAME, POD_NAMESPACE and POD_UID',
      'set them from metadata.name, metadata.namespace and metadata.uid by valueFrom.fieldRef',
    );
  }
  const { PodEvents } = await import('../src/observe/events.ts');
  return new PodEvents({ kube: () => cluster.kube(), pod: { namespace, name, uid }, ...rest });
}

/** `--write-status`, or undefined without it. */
export async function statusWriter(
  { writeStatus, syncSecret }: Pick<Config, 'writeStatus' | 'syncSecret'>,
  cluster: Cluster,
  parts: {
    readonly namespace: string | undefined;
    readonly clock: Clock;
    readonly log: Log;
    readonly view: () => AgentState;
  },
): Promise<StatusWriter | undefined> {
  if (!writeStatus) return undefined;
  const { StatusWriter } = await import('../src/observe/external-secret-status.ts');
  return new StatusWriter({ kube: () => cluster.kube(), bindsSecrets: syncSecret, ...parts });
}

/** `--sync-secret`: the sink of Kubernetes Secrets, or none. Throws UsageError, exit code 78. */
export async function secretSinks(
  config: Pick<Config, 'syncSecret' | 'owner'>,
  cluster: Cluster,
  parts: { readonly namespace: string | undefined; readonly clock: Clock; readonly log: Log },
): Promise<readonly Sink[]> {
  if (!config.syncSecret) return [];
  const [{ openKubernetesSecret }, { parseOwner }] = await Promise.all([
    import('../src/sinks/kubernetes-secret.ts'),
    import('../src/sinks/kubernetes-secret-owner.ts'),
  ]);
  try {
    const owner = config.owner === undefined ? undefined : parseOwner(config.owner);
    return [openKubernetesSecret({ kube: () => cluster.kube(), owner, ...parts })];
  } catch (thrown) {
    const { message, remedy }: AgentError = asAgentError(thrown, 'SpecInvalid');
    throw new UsageError(exitCodes.invalid, `--owner: ${message}`, remedy);
  }
}
