import { readFile } from 'node:fs/promises';
import { AgentError } from '../base/errors.ts';
import { isLoopback } from '../base/hosts.ts';
import { openHttp } from '../base/http.ts';
import { Secret } from '../base/secret.ts';
import { attempted, defaultAttempts } from './aws-attempts.ts';
import { AwsFault, explain, faultOf } from './aws-fault.ts';
import type { AwsWorld, Source } from './aws-sources.ts';
import type { AwsCredentials } from './aws-sts.ts';

/** Of the EKS Pod Identity agent, on every node. */
const podIdentityHosts = ['169.254.170.23', '[fd00:ec2::23]'];
/** Of ECS. */
const relativeBase = 'http://169.254.170.2';
const allowedHosts = [...podIdentityHosts, '169.254.170.2'];

/** The container credentials endpoint that the environment names: EKS Pod Identity or ECS; undefined if none. */
export function containerSource(world: AwsWorld): Source | undefined {
  const { env } = world.identity;
  const relative = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
  const full = env['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
  if (!relative && !full) return undefined;
  const url = endpointOf(relative ? relativeBase + relative : (full as string));
  const tokenFile = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  const isPodIdentity = podIdentityHosts.includes(url.hostname);
  if (isPodIdentity && !tokenFile) {
    throw new AgentError(
      'AuthFailed',
      'EKS Pod Identity is half configured: AWS_CONTAINER_CREDENTIALS_FULL_URI is set, but AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE is not set',
      { remedy: 'set both, or neither: restart the pod so that EKS injects them' },
    );
  }
  return {
    method: isPodIdentity || tokenFile ? 'pod-identity' : 'container',
    roleArn: undefined,
    details: { endpoint: url.host },
    load: async (signal) => await fetchCredentials(world, { url, tokenFile, signal }),
  };
}

/** Plain http only to the addresses that AWS documents and to this host: the token must not travel. */
function endpointOf(text: string): URL {
  const refuse = (why: string): AgentError =>
    new AgentError('AuthFailed', `AWS_CONTAINER_CREDENTIALS_FULL_URI ${why}`, {
      remedy: 'leave this variable to EKS or ECS: restart the pod so that they inject it',
    });
  if (!URL.canParse(text)) throw refuse('is not a URL');
  const url = new URL(text);
  if (url.protocol === 'https:') return url;
  if (url.protocol !== 'http:') throw refuse(`is a ${url.protocol}// URL`);
  if (allowedHosts.includes(url.hostname) || isLoopback(url.hostname)) return url;
  throw refuse(`names ${url.host}, where container credentials are not served over plain http`);
}

interface Ask {
  readonly url: URL;
  readonly tokenFile: string | undefined;
  readonly signal: AbortSignal;
}

async function fetchCredentials(world: AwsWorld, { url, tokenFile, signal }: Ask): Promise<AwsCredentials> {
  // Never through the proxy, and the only requests that may go to a link-local address.
  const http = openHttp({ linkLocal: true, keepAliveMs: 1 });
  const observe = (): void => {};
  try {
    return await attempted({ clock: world.clock, signal, attempts: defaultAttempts, observe }, async () => {
      const headers = await authorization(world, tokenFile);
      const response = await http.request({ method: 'GET', url, headers, signal });
      if (response.status !== 200) throw faultOf(response);
      return credentialsOf(response.body, url);
    });
  } catch (thrown) {
    if (!(thrown instanceof AwsFault)) throw thrown;
    throw explain(thrown, {
      action: 'credentials',
      resource: `the container credentials endpoint ${url.host}`,
      remedy: 'check that a Pod Identity association names this service account, and the trust of its role',
      login: true,
    });
  } finally {
    await http.close();
  }
}

async function authorization(
  world: AwsWorld,
  tokenFile: string | undefined,
): Promise<Record<string, string>> {
  if (!tokenFile) {
    const token = world.identity.env['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
    return token ? { authorization: token } : {};
  }
  const token = await readFile(tokenFile, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new AgentError(
      'AuthFailed',
      `the Pod Identity token file ${tokenFile} cannot be read: ${cause.code}`,
      {
        remedy: 'check that the token volume is mounted into this container',
        cause,
      },
    );
  });
  return { authorization: token.trim() };
}

function credentialsOf(body: Buffer, url: URL): AwsCredentials {
  let json: Record<string, unknown> = {};
  try {
    json = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  } catch {
    // The parser's message would quote the answer, which holds the credentials.
  }
  const { AccessKeyId: id, SecretAccessKey: secret, Token: token, Expiration: expiration } = json ?? {};
  const expiresMs = typeof expiration === 'string' ? Date.parse(expiration) : undefined;
  if (typeof id !== 'string' || typeof secret !== 'string' || Number.isNaN(expiresMs)) {
    throw new AgentError('Unavailable', `${url.host} answers with something that is not credentials`, {
      remedy: 'check what AWS_CONTAINER_CREDENTIALS_FULL_URI points to',
    });
  }
  return {
    accessKeyId: id,
    secretAccessKey: Secret.of(secret),
    sessionToken: typeof token === 'string' && token !== '' ? Secret.of(token) : undefined,
    expiresMs,
  };
}
