import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import { type Kube, openKubeAt } from '../../src/kube/client.ts';
import type { LiveSecret } from '../../src/sinks/kubernetes-secret-object.ts';
import type { ManualClock } from '../base/manual-clock.ts';
import { type ApiServer, startApiServer } from '../peers/apiserver.ts';
import { until } from '../peers/process.ts';

export const namespace = 'apps';
export const pod = { namespace, name: 'web' };

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** An API server with a pod's service account on it, and Secrets as a person would handle them. */
export class Cluster {
  readonly api: ApiServer;
  readonly token: string;

  private constructor(api: ApiServer, token: string) {
    this.api = api;
    this.token = token;
  }

  static async start(options: { args?: readonly string[] } = {}): Promise<Cluster> {
    const api = await startApiServer(options);
    await api.serviceAccount(pod.namespace, pod.name);
    return new Cluster(api, await api.token(pod.namespace, pod.name));
  }

  /** The pod's own rights, no admin's. */
  asPod(server: string = this.api.url): Kube {
    return openKubeAt(
      { server, ca: async () => this.api.ca, token: async () => Secret.of(this.token), namespace },
      systemClock,
    );
  }

  /** Gives the pod one more Role, and waits until the authorizer has seen it. */
  async allow(rule: Rule): Promise<void> {
    await this.api.allow(pod, [rule]);
    const { apiGroups, resources, resourceNames = [undefined], verbs } = rule;
    const wanted = {
      group: apiGroups[0],
      resource: resources[0],
      name: resourceNames[0],
      verb: verbs.at(-1),
    };
    const body = { spec: { resourceAttributes: { namespace, ...wanted } } };
    const review = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    await until(async () => {
      const { json } = await this.api.call('POST', review, { body, token: this.token });
      return json.status.allowed;
    });
  }

  async secret(name: string): Promise<LiveSecret | undefined> {
    const { status, json } = await this.api.call('GET', `/api/v1/namespaces/${namespace}/secrets/${name}`);
    return status === 200 ? json : undefined;
  }

  /** The values of a Secret as text; undefined when there is none. */
  async data(name: string): Promise<Record<string, string> | undefined> {
    const secret = await this.secret(name);
    if (secret === undefined) return undefined;
    const entries = Object.entries(secret.data ?? {});
    return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
  }

  /** As somebody with kubectl makes it. */
  async make(
    name: string,
    data: Record<string, string>,
    more: Partial<LiveSecret> = {},
  ): Promise<LiveSecret> {
    const { metadata, ...rest } = more;
    const object = { metadata: { ...metadata, name }, stringData: data, ...rest };
    return await this.api.create(`/api/v1/namespaces/${namespace}/secrets`, object);
  }

  /** As somebody edits it with kubectl. */
  async edit(name: string, patch: object): Promise<LiveSecret> {
    const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
    const contentType = 'application/merge-patch+json';
    const { status, json } = await this.api.call('PATCH', path, { body: patch, contentType });
    if (status !== 200) throw new Error(`${status} ${json.message}`);
    return json;
  }

  async stop(): Promise<void> {
    await this.api.stop();
  }
}

/** A client whose calls under way are counted, so that a manual clock can stand still for them. */
export class Counted {
  inFlight = 0;
  /** Methods and names, in order: `get db`. */
  readonly calls: string[] = [];
  readonly kube: Kube;

  constructor(kube: Kube) {
    this.kube = new Proxy(kube, {
      get: (target, property) => {
        const member: unknown = Reflect.get(target, property);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => this.#counted(String(property), member.apply(target, args), args);
      },
    });
  }

  async #counted(method: string, work: Promise<unknown>, args: readonly unknown[]): Promise<unknown> {
    this.inFlight++;
    this.calls.push(`${method} ${(args[0] as { name?: string } | undefined)?.name ?? ''}`.trim());
    try {
      return await work;
    } finally {
      this.inFlight--;
    }
  }
}

/**
 * Moves a manual clock from one sleeper to the next until `done`, but never while the API server is asked: its
 * answers take real time, and no deadline of the clock's may pass meanwhile.
 */
export async function drive(
  clock: ManualClock,
  kubes: readonly Counted[],
  done: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await done())) {
    if (performance.now() > end) throw new Error(`not done: ${done.toString().slice(0, 200)}`);
    if (await quiet(kubes)) await clock.advance(Math.max(0, (clock.nextWake ?? clock.now()) - clock.now()));
  }
}

async function quiet(kubes: readonly Counted[]): Promise<boolean> {
  for (let i = 0; i < 5; i++) {
    if (kubes.some(({ inFlight }) => inFlight > 0)) {
      await delay(1);
      return false;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return true;
}
