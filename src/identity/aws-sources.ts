import { readFile } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import { AgentError, type At } from '../base/errors.ts';
import type { HttpTransport } from '../base/http.ts';
import type { Log } from '../base/log.ts';
import { Secret } from '../base/secret.ts';
import { containerSource } from './aws-container.ts';
import { AwsFault, explain } from './aws-fault.ts';
import type { AwsCredentials, Sts } from './aws-sts.ts';
import type { IdentitySource } from './identity.ts';
import type { References } from './references.ts';
import { claimsOf } from './token.ts';

/** The store's `auth`, as written. */
export interface AwsAuth {
  readonly jwt: ServiceAccountRef | undefined;
  readonly secretRef:
    | {
        readonly accessKeyId: SecretRef;
        readonly secretAccessKey: SecretRef;
        readonly sessionToken: SecretRef | undefined;
      }
    | undefined;
}

export interface ServiceAccountRef {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly audiences: readonly string[];
  readonly at: At;
}

export interface SecretRef {
  readonly name: string;
  readonly key: string;
  readonly namespace: string | undefined;
  readonly at: At;
}

/** What a login is given of the world. */
export interface AwsWorld {
  readonly clock: Clock;
  readonly log: Log;
  readonly identity: IdentitySource;
  readonly references: References;
  /** The store's own way to the network. */
  readonly http: HttpTransport;
  readonly sts: Sts;
  readonly region: string;
  readonly store: {
    readonly id: string;
    readonly name: string;
    readonly kind: string;
    readonly namespace: string | undefined;
    readonly annotations: ReadonlyMap<string, string>;
  };
}

export type AwsMethod =
  | 'service-account'
  | 'secret-ref'
  | 'irsa'
  | 'pod-identity'
  | 'container'
  | 'static-env'
  | 'profile';

/** Where the first credentials come from: exactly one a store, never the next one when it fails. */
export interface Source {
  readonly method: AwsMethod;
  /** The role that its credentials are of; undefined when only STS knows. */
  readonly roleArn: string | undefined;
  /** For whoami: audience, file, profile. Never a token. */
  readonly details: Readonly<Record<string, string>>;
  /** Reads files and Secrets anew at every call. */
  load(signal: AbortSignal): Promise<AwsCredentials>;
}

const defaultAudience = 'sts.amazonaws.com';

/** Order as ESO's (jwt, secretRef, environment), but the environment's ends before the instance role. */
export async function chooseSource(auth: AwsAuth, world: AwsWorld): Promise<Source> {
  const local = world.identity.mode === 'local';
  if (auth.jwt !== undefined && !local) return serviceAccountSource(auth.jwt, world);
  if (auth.secretRef !== undefined) return secretRefSource(auth.secretRef, world);
  if (!local) return podSource(world);
  if (world.identity.env['AWS_ACCESS_KEY_ID']) return staticEnvSource(world);
  const { profileSource } = await import('./aws-profile.ts');
  return await profileSource(world);
}

function podSource(world: AwsWorld): Source {
  const { env } = world.identity;
  const role = env['AWS_ROLE_ARN'];
  const file = env['AWS_WEB_IDENTITY_TOKEN_FILE'];
  if (role && file) return webIdentitySource(world, role, file);
  if (role || file) throw halfConfigured(role ? 'AWS_WEB_IDENTITY_TOKEN_FILE' : 'AWS_ROLE_ARN', role || file);
  const container = containerSource(world);
  if (container !== undefined) return container;
  if (env['AWS_ACCESS_KEY_ID'] || env['AWS_SECRET_ACCESS_KEY']) return staticEnvSource(world);
  throw new AgentError(
    'AuthFailed',
    'this pod has no AWS credentials: neither AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE (IRSA) nor AWS_CONTAINER_CREDENTIALS_FULL_URI (EKS Pod Identity) is set, and the instance role is never used',
    {
      remedy:
        'annotate the service account with eks.amazonaws.com/role-arn or create a Pod Identity association, and restart the pod',
    },
  );
}

function halfConfigured(missing: string, given: string | undefined): AgentError {
  const set = missing === 'AWS_ROLE_ARN' ? 'AWS_WEB_IDENTITY_TOKEN_FILE' : 'AWS_ROLE_ARN';
  return new AgentError(
    'AuthFailed',
    `IRSA is half configured: ${set} is ${given}, but ${missing} is not set`,
    {
      remedy: `set ${missing} too: annotate the service account with eks.amazonaws.com/role-arn and restart the pod`,
    },
  );
}

function webIdentitySource(world: AwsWorld, roleArn: string, file: string): Source {
  return {
    method: 'irsa',
    roleArn,
    details: { role: roleArn, tokenFile: file },
    load: async (signal) => await loginWithToken(world, { roleArn, token: await readToken(file), signal }),
  };
}

function serviceAccountSource(ref: ServiceAccountRef, world: AwsWorld): Source {
  assertOwnAccount(ref, world);
  const { env } = world.identity;
  const roleArn =
    world.store.annotations.get('agent.external-secrets.io/role-arn') ||
    env['ESA_ROLE_ARN'] ||
    env['AWS_ROLE_ARN'];
  if (!roleArn) {
    throw new AgentError('AuthFailed', `no IAM role is known for service account ${ref.name}`, {
      at: ref.at,
      remedy: 'set the annotation agent.external-secrets.io/role-arn on the store or on the pod',
    });
  }
  const audience = ref.audiences[0] ?? defaultAudience;
  return {
    method: 'service-account',
    roleArn,
    details: { role: roleArn, audience },
    load: async (signal) =>
      await loginWithToken(world, { roleArn, token: await ownToken(world, audience), signal }),
  };
}

/** The token projected for us, else the one that EKS projected for IRSA. */
async function ownToken(world: AwsWorld, audience: string): Promise<Secret> {
  try {
    return await world.identity.token(audience);
  } catch (thrown) {
    const file = world.identity.env['AWS_WEB_IDENTITY_TOKEN_FILE'];
    if (audience !== defaultAudience || !file) throw thrown;
    return await readToken(file);
  }
}

function assertOwnAccount(ref: ServiceAccountRef, world: AwsWorld): void {
  const { serviceAccount, namespace } = world.identity;
  if (serviceAccount === undefined) {
    throw new AgentError('AuthFailed', 'it is not known which service account this pod runs as', {
      at: ref.at,
      remedy: 'set POD_SERVICE_ACCOUNT from spec.serviceAccountName through the downward API',
    });
  }
  const elsewhere = ref.namespace !== undefined && namespace !== undefined && ref.namespace !== namespace;
  if (ref.name === serviceAccount && !elsewhere) return;
  const named = elsewhere ? `${ref.namespace}/${ref.name}` : ref.name;
  const own = elsewhere ? `${namespace}/${serviceAccount}` : serviceAccount;
  throw new AgentError(
    'SpecInvalid',
    `serviceAccountRef names ${named}, but this pod runs as ${own} and can only log in as itself`,
    { at: ref.at, remedy: `run the pod as ${ref.name}, or name ${serviceAccount} in the store` },
  );
}

async function readToken(file: string): Promise<Secret> {
  const refuse = (what: string, cause?: unknown): AgentError =>
    new AgentError('AuthFailed', `the web identity token file ${file} ${what}`, {
      remedy: 'check that the token volume is mounted into this container',
      ...(cause === undefined ? {} : { cause }),
    });
  const token = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw refuse(`cannot be read: ${cause.code}`, cause);
  });
  if (token.trim() === '') throw refuse('is empty');
  return Secret.of(token.trim());
}

interface TokenLogin {
  readonly roleArn: string;
  readonly token: Secret;
  readonly signal: AbortSignal;
}

async function loginWithToken(world: AwsWorld, login: TokenLogin): Promise<AwsCredentials> {
  const { roleArn, token, signal } = login;
  try {
    const role = { roleArn, sessionName: sessionName(world), token };
    return await world.sts.assumeRoleWithWebIdentity(role, signal);
  } catch (thrown) {
    if (!(thrown instanceof AwsFault)) throw thrown;
    throw explain(thrown, {
      action: 'sts:AssumeRoleWithWebIdentity',
      resource: roleArn,
      remedy: trustRemedy(roleArn, token),
      login: true,
    });
  }
}

/** The claims of a token are no secret, only its signature is: they are what the trust policy compares. */
function trustRemedy(roleArn: string, token: Secret): string {
  const claims = claimsOf(token);
  if (claims === undefined)
    return `check the trust policy of ${roleArn}, and that the token file holds a JWT`;
  const issuer = claims.issuer.replace(/^https:\/\//, '');
  const conditions = `${issuer}:sub = ${claims.subject} and ${issuer}:aud = ${claims.audiences.join(', ')}`;
  return `the trust policy of ${roleArn} must allow sts:AssumeRoleWithWebIdentity to the OIDC provider ${issuer} with ${conditions}`;
}

function secretRefSource(refs: NonNullable<AwsAuth['secretRef']>, world: AwsWorld): Source {
  for (const ref of [refs.accessKeyId, refs.secretAccessKey, refs.sessionToken]) {
    if (ref !== undefined) assertOwnNamespace(ref, world);
  }
  world.log.warn(
    { store: world.store.id },
    'static AWS credentials: auth.secretRef instead of the identity of the pod',
  );
  return {
    method: 'secret-ref',
    roleArn: undefined,
    details: { secret: refs.accessKeyId.name },
    load: async (signal) => {
      const read = async (ref: SecretRef): Promise<Secret> => {
        const value = await world.references.secret(ref.name, ref.key, signal).catch((thrown: unknown) => {
          throw thrown instanceof AgentError ? thrown.within(ref.at) : thrown;
        });
        if (value.byteLength > 0) return value;
        throw new AgentError('AuthFailed', `key ${ref.key} of Secret ${ref.name} is empty`, { at: ref.at });
      };
      return {
        accessKeyId: (await read(refs.accessKeyId)).text(),
        secretAccessKey: await read(refs.secretAccessKey),
        sessionToken: refs.sessionToken === undefined ? undefined : await read(refs.sessionToken),
        expiresMs: undefined,
      };
    },
  };
}

function assertOwnNamespace(ref: SecretRef, world: AwsWorld): void {
  const own = world.identity.namespace ?? world.store.namespace;
  if (ref.namespace === undefined || own === undefined || ref.namespace === own) return;
  throw new AgentError(
    'SpecInvalid',
    `the Secret ${ref.namespace}/${ref.name} is in another namespace than this pod`,
    {
      at: ref.at,
      remedy: `put the Secret into ${own} and leave the namespace out`,
    },
  );
}

function staticEnvSource(world: AwsWorld): Source {
  const { env } = world.identity;
  const accessKeyId = env['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY'];
  if (!accessKeyId || !secretAccessKey) {
    const missing = accessKeyId ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID';
    throw new AgentError(
      'AuthFailed',
      `the static AWS credentials are half configured: ${missing} is not set`,
      {
        remedy: `set ${missing}, or better give the pod an identity (IRSA, EKS Pod Identity)`,
      },
    );
  }
  if (world.identity.mode === 'pod') {
    world.log.warn(
      { store: world.store.id },
      'static AWS credentials: environment keys instead of the identity of the pod',
    );
  }
  const token = env['AWS_SESSION_TOKEN'];
  return {
    method: 'static-env',
    roleArn: undefined,
    details: {},
    load: async () => ({
      accessKeyId,
      secretAccessKey: Secret.of(secretAccessKey),
      sessionToken: token ? Secret.of(token) : undefined,
      expiresMs: undefined,
    }),
  };
}

/** What CloudTrail shows. */
export function sessionName(world: AwsWorld): string {
  return world.identity.env['AWS_ROLE_SESSION_NAME'] || 'external-secrets-agent';
}
