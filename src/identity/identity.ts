import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { Secret } from '../base/secret.ts';
import { claimsOf, type TokenClaims } from './token.ts';

/** Who the pod is. Token files are read at every call, so a rotated token is used at the next login: synchronously,
 * since they are small files of a volume in memory. */
export interface IdentitySource {
  readonly mode: 'pod' | 'local';
  readonly namespace: string | undefined;
  readonly serviceAccount: string | undefined;
  /** The projected token for an audience; AuthFailed naming file and annotation when there is none. */
  token(audience: string): Promise<Secret>;
  /** The API server's own token: only for a store that asks for it by name (`audience: kubernetes`). */
  apiServerToken?(): Promise<Secret>;
  /** The environment that credential chains may read, frozen at start. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface IdentityOptions {
  readonly mode: 'pod' | 'local';
  /** A frozen copy of the environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--tokens`: one file per audience, named by `tokenFileName`. */
  readonly tokensDir: string;
  /** Where the kubelet mounts the API server's token and the namespace. */
  readonly serviceAccountDir?: string;
}

const kubeletDir = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The name of an audience's token file: itself, with `/` and `:` as `_`. */
export function tokenFileName(audience: string): string {
  return audience.replace(/[/:]/g, '_');
}

/**
 * Who the pod is. Namespace and service account come from POD_NAMESPACE and POD_SERVICE_ACCOUNT, else from the
 * kubelet's namespace file and from what the tokens say of themselves; on a laptop from the environment alone.
 */
export async function openIdentity(options: IdentityOptions): Promise<IdentitySource> {
  const { mode, env, tokensDir } = options;
  const serviceAccountDir = options.serviceAccountDir ?? kubeletDir;
  const inPod = mode === 'pod';
  const claims = inPod ? anyClaims(tokensDir, serviceAccountDir) : undefined;
  const namespaceFile = inPod ? textOf(join(serviceAccountDir, 'namespace')) : undefined;
  return {
    mode,
    env,
    namespace: env['POD_NAMESPACE'] || namespaceFile || claims?.namespace,
    serviceAccount: env['POD_SERVICE_ACCOUNT'] || claims?.serviceAccount,
    token: async (audience) => {
      if (!inPod) throw noTokenOnLaptop(audience);
      return readToken(join(tokensDir, safeFileName(audience)), missingToken(audience, tokensDir));
    },
    apiServerToken: async () => {
      if (!inPod) throw noTokenOnLaptop('kubernetes');
      return readToken(join(serviceAccountDir, 'token'), missingApiServerToken(serviceAccountDir));
    },
  };
}

function safeFileName(audience: string): string {
  const name = tokenFileName(audience);
  if (name !== '' && name !== '.' && name !== '..' && !name.includes('\0')) return name;
  throw new AgentError('SpecInvalid', `${JSON.stringify(audience)} cannot be the audience of a token`, {
    remedy: 'name the audience that the store expects, such as vault',
  });
}

function readToken(file: string, missing: (why: string) => AgentError): Secret {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw missing(whyUnreadable(error));
  }
  if (bytes.length > limits.tokenFileBytes) throw missing(`is larger than ${limits.tokenFileBytes} bytes`);
  const text = bytes.toString('utf8').trim();
  if (text === '') throw missing('is empty');
  return Secret.of(text);
}

function whyUnreadable(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user';
  return `cannot be read: ${typeof code === 'string' ? code : 'unknown error'}`;
}

function missingToken(audience: string, tokensDir: string): (why: string) => AgentError {
  const file = join(tokensDir, tokenFileName(audience));
  return (why) =>
    new AgentError('AuthFailed', `no token for audience ${audience}: ${file} ${why}`, {
      remedy:
        `annotate the pod with agent.external-secrets.io/audiences: ${audience}, ` +
        `or project a serviceAccountToken with that audience to ${file}`,
    });
}

function missingApiServerToken(dir: string): (why: string) => AgentError {
  return (why) =>
    new AgentError('AuthFailed', `no token for the API server: ${join(dir, 'token')} ${why}`, {
      remedy: 'set automountServiceAccountToken: true on the pod',
    });
}

function noTokenOnLaptop(audience: string): AgentError {
  return new AgentError('AuthFailed', `there is no pod whose token for audience ${audience} could be used`, {
    remedy: 'run in a pod, or use a store whose login works with --identity local',
  });
}

/** The claims of the first token, by name, that has a service account in them. */
function anyClaims(tokensDir: string, serviceAccountDir: string): TokenClaims | undefined {
  const names = namesIn(tokensDir);
  const files = names.filter((name) => !name.startsWith('.')).sort();
  for (const file of [...files.map((name) => join(tokensDir, name)), join(serviceAccountDir, 'token')]) {
    const text = textOf(file);
    const claims = text === undefined ? undefined : claimsOf(Secret.of(text));
    if (claims?.serviceAccount !== undefined) return claims;
  }
  return undefined;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(file: string): string | undefined {
  try {
    const bytes = readFileSync(file);
    return bytes.length > limits.tokenFileBytes ? undefined : bytes.toString('utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
