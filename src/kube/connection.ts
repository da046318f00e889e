import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { Secret } from '../base/secret.ts';

/** Where an API server is and as whom to speak to it. */
export interface KubeConnection {
  /** `https://host:port`, perhaps with a path before the API's. */
  readonly server: string;
  /** PEM trusted instead of the runtime's roots, or undefined for those; asked at every request, since the
   * kubelet replaces the mounted one. */
  readonly ca?: (() => Promise<string | undefined>) | undefined;
  /** PEM trusted besides those. */
  readonly addedCa?: string | undefined;
  /** Asked at every request, since tokens are rotated. */
  readonly token?: (() => Promise<Secret>) | undefined;
  /** PEM. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly proxy?: string | undefined;
  /** Kept at once; the client's own number when unset. */
  readonly connections?: number | undefined;
  /** The pod's own, or the kubeconfig context's; undefined when neither says. */
  readonly namespace?: string | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;

export const serviceAccountDir = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The connection that the kubelet gives a pod, or undefined outside of one. */
export async function podConnection(
  env: Env,
  dir: string = serviceAccountDir,
): Promise<KubeConnection | undefined> {
  const host = env['KUBERNETES_SERVICE_HOST'];
  if (!host) return undefined;
  const port = env['KUBERNETES_SERVICE_PORT_HTTPS'] || env['KUBERNETES_SERVICE_PORT'] || '443';
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: async () => (await readMounted(join(dir, 'ca.crt'))).toString('utf8'),
    token: async () => tokenOf(await readMounted(join(dir, 'token')), join(dir, 'token')),
    namespace: env['POD_NAMESPACE'] || (await namespaceIn(dir)),
  };
}

/** A token as it stands in a file. Throws AuthFailed. */
export function tokenOf(bytes: Buffer, file: string): Secret {
  const text = bytes.toString('utf8').trim();
  if (text !== '' && bytes.length <= limits.tokenFileBytes) return Secret.of(text);
  const why = text === '' ? 'is empty' : `is larger than ${limits.tokenFileBytes} bytes`;
  throw new AgentError('AuthFailed', `no token for the API server: ${file} ${why}`);
}

async function namespaceIn(dir: string): Promise<string | undefined> {
  const text = await readFile(join(dir, 'namespace'), 'utf8').catch(() => '');
  return text.trim() || undefined;
}

async function readMounted(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new AgentError('AuthFailed', `${file} cannot be read: ${code ?? 'unknown error'}`, {
      remedy: 'set automountServiceAccountToken: true on the pod',
    });
  }
}
