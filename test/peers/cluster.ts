import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import { findProgram, missing, type Peer, startPeer, until } from './process.ts';

const run = promisify(execFile);

/**
 * Why tests with real pods are skipped, or false. They go to the cluster that KUBECONFIG names, but only where
 * ESA_TEST_IMAGE says which of its images is the agent: nobody's everyday cluster is tested by accident.
 */
export function clusterMissing(): string | false {
  const wanted = ['KUBECONFIG', 'ESA_TEST_IMAGE'].filter((name) => !process.env[name]);
  const absent = missing('node', ['kubectl', 'vault']);
  if (absent !== false || wanted.length === 0) return absent;
  const reason = `${wanted.join(' and ')} not set`;
  if ((process.env['ESA_TEST_REQUIRE'] ?? '').split(',').includes('node')) {
    throw new Error(`ESA_TEST_REQUIRE names node, but ${reason}`);
  }
  return reason;
}

export const agentImage = (): string => process.env['ESA_TEST_IMAGE'] ?? '';

/** Any image with a POSIX shell and the usual small programs. */
export const appImage = (): string => process.env['ESA_TEST_APP_IMAGE'] ?? 'busybox:stable';

/** This host's address as pods see it: ESA_TEST_HOST, else its first that is not loopback. */
export function hostAddress(): string {
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const first = own.find(({ family, internal }) => family === 'IPv4' && !internal);
  return process.env['ESA_TEST_HOST'] ?? first?.address ?? '127.0.0.1';
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it knows to be there.
export type KubeObject = any;

const deadlineMs = 60_000;
const outputMaxBytes = 32 << 20;

/** Runs kubectl to its end; throws with what it printed unless it exits with 0. */
export async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const program = findProgram('kubectl') ?? 'kubectl';
  const done = run(program, args, { maxBuffer: outputMaxBytes, timeout: deadlineMs });
  done.child.stdin?.end(input ?? '');
  return (await done).stdout;
}

/** Where the API server is for this host, and what it is trusted by. */
export async function apiServerOf(): Promise<{ url: string; ca: string }> {
  const text = await kubectl(['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json']);
  const { cluster } = JSON.parse(text).clusters[0];
  const ca = Buffer.from(cluster['certificate-authority-data'], 'base64').toString();
  return { url: cluster.server, ca };
}

/** A namespace of one test. Its pods are of the service account `app`, which has no rights at all. */
export class Namespace {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** @param standard the Pod Security Standard that is enforced in it. */
  static async make(
    standard: 'restricted' | 'baseline',
    more: Readonly<Record<string, string>> = {},
  ): Promise<Namespace> {
    const namespace = new Namespace(`esa-test-${randomBytes(4).toString('hex')}`);
    const labels = { 'pod-security.kubernetes.io/enforce': standard, ...more };
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace.name, labels } };
    await kubectl(['create', '-f', '-'], JSON.stringify(object));
    await namespace.apply({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'app' },
      automountServiceAccountToken: false,
    });
    return namespace;
  }

  async kubectl(args: readonly string[], input?: string): Promise<string> {
    return await kubectl(['-n', this.name, ...args], input);
  }

  async apply(...objects: readonly object[]): Promise<void> {
    const list = { apiVersion: 'v1', kind: 'List', items: objects };
    await this.kubectl(['apply', '-f', '-'], JSON.stringify(list));
  }

  /** A ConfigMap of one document. */
  async configMap(name: string, text: string): Promise<void> {
    await this.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name },
      data: { 'specs.yaml': text },
    });
  }

  /** Gives the service account `app` a right. */
  async allow(rule: object): Promise<void> {
    const group = 'rbac.authorization.k8s.io';
    const named = { apiVersion: `${group}/v1`, metadata: { name: 'app' } };
    await this.apply(
      { ...named, kind: 'Role', rules: [rule] },
      {
        ...named,
        kind: 'RoleBinding',
        roleRef: { apiGroup: group, kind: 'Role', name: 'app' },
        subjects: [{ kind: 'ServiceAccount', name: 'app', namespace: this.name }],
      },
    );
  }

  async get(kind: string, name: string): Promise<KubeObject> {
    return JSON.parse(await this.kubectl(['get', kind, name, '-o', 'json']));
  }

  async list(kind: string, selector: string): Promise<readonly KubeObject[]> {
    return JSON.parse(await this.kubectl(['get', kind, '-l', selector, '-o', 'json'])).items;
  }

  async exec(pod: string, container: string, ...command: readonly string[]): Promise<string> {
    return await this.kubectl(['exec', pod, '-c', container, '--', ...command]);
  }

  async logs(pod: string, container: string, ...flags: readonly string[]): Promise<string> {
    return await this.kubectl(['logs', pod, '-c', container, ...flags]);
  }

  async describe(pod: string): Promise<string> {
    return await this.kubectl(['describe', 'pod', pod]);
  }

  /** Waits until the pod is as `condition` wants it; else throws with all that is known of it. */
  async pod(
    name: string,
    condition: (pod: KubeObject) => boolean,
    withinMs = deadlineMs,
  ): Promise<KubeObject> {
    let pod: KubeObject;
    const seen = async (): Promise<boolean> => {
      pod = await this.get('pod', name).catch(() => undefined);
      return pod !== undefined && condition(pod);
    };
    try {
      await until(seen, withinMs, 100);
    } catch (error) {
      throw new Error(`${condition}: ${error}\n${await this.report(name)}`);
    }
    return pod;
  }

  /** What a person would look at. */
  async report(pod: string): Promise<string> {
    const told = (text: Promise<string>): Promise<string> => text.catch((error) => String(error));
    const logs = this.kubectl(['logs', pod, '--all-containers', '--prefix', '--tail=60']);
    return `${await told(this.describe(pod))}\n${await told(logs)}`;
  }

  /** Its deletion goes on behind the test. */
  async remove(): Promise<void> {
    await kubectl(['delete', 'namespace', this.name, '--wait=false']);
  }

  /** A port of a pod on this host, until it is stopped. */
  async forward(pod: string, port: number, localPort: number): Promise<Peer> {
    const args = ['-n', this.name, 'port-forward', `pod/${pod}`, `${localPort}:${port}`];
    const ready = async () => (await fetch(`http://127.0.0.1:${localPort}/livez`)).status > 0;
    return await startPeer('kubectl', args, { ready });
  }
}

/** The state of one container, init containers too. */
export function containerOf(pod: KubeObject, name: string): KubeObject {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses].find((each) => each.name === name) ?? {};
}

export const isRunning = (pod: KubeObject, name: string): boolean =>
  containerOf(pod, name).state?.running !== undefined;
