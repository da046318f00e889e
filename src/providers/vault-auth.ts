import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { AgentError } from '../base/errors.ts';
import { hostMatches } from '../base/hosts.ts';
import { Secret } from '../base/secret.ts';
import type { Store } from '../spec/spec.ts';
import { checkNamespace, type ObjectRef, resolve } from './object-ref.ts';
import { checkServiceAccount } from './own-account.ts';
import type { StoreContext } from './provider.ts';
import { referencesOf, type VaultConfig } from './vault-config.ts';
import type { JwtSource, VaultAuth } from './vault-login.ts';
import { encodePath } from './vault-path.ts';

/** What the next login will send, or the token that stands for it. Made anew for every login. */
export type Credential =
  | {
      readonly kind: 'login';
      readonly method: Exclude<VaultAuth['method'], 'token'>;
      /** Path of the auth mount, e.g. `kubernetes`. */
      readonly mount: string;
      readonly role: string;
      /** Below `/v1/`, encoded. */
      readonly path: string;
      readonly body: Readonly<Record<string, Secret>>;
      /** The service-account token among them, for what a refusal has to say about it. */
      readonly jwt: Secret | undefined;
    }
  | {
      readonly kind: 'token';
      readonly method: 'token' | 'local';
      readonly token: Secret;
      readonly from: string;
    };

/** `undefined`: the store has no auth, and Vault is asked without a token. */
export type Credentials = (signal: AbortSignal) => Promise<Credential | undefined>;

const audienceAnnotation = 'agent.external-secrets.io/audience';

/** Checks what can be checked before any login, and gives the way to make each. Throws SpecInvalid. */
export function credentialsOf(store: Store, config: VaultConfig, context: StoreContext): Credentials {
  const { identity } = context;
  for (const ref of referencesOf(config)) checkNamespace(ref, identity);
  if (identity.mode === 'local') return async () => developerToken(identity.env);
  const { auth } = config;
  if (auth === undefined) return async () => undefined;
  if ('source' in auth && auth.source.kind === 'pod') checkServiceAccount(auth.source, identity);
  const jwtOf = jwtReader(store, config, context);
  return async (signal) => await credential(auth, { context, jwtOf, signal });
}

/** Whether the store's credentials stand in a Secret rather than being the pod's own. */
export function isStatic(auth: VaultAuth | undefined): boolean {
  if (auth === undefined) return false;
  return !('source' in auth) || auth.source.kind === 'secret';
}

interface Login {
  readonly context: StoreContext;
  readonly jwtOf: (source: JwtSource, signal: AbortSignal) => Promise<Secret>;
  readonly signal: AbortSignal;
}

async function credential(auth: VaultAuth, login: Login): Promise<Credential> {
  const read = (ref: ObjectRef) => resolve(ref, login.context, login.signal);
  switch (auth.method) {
    case 'token':
      return {
        kind: 'token',
        method: 'token',
        token: await read(auth.secretRef),
        from: `Secret ${auth.secretRef.name}`,
      };
    case 'appRole': {
      const roleId = typeof auth.roleId === 'string' ? Secret.of(auth.roleId) : await read(auth.roleId);
      const body = { role_id: roleId, secret_id: await read(auth.secretRef) };
      return { ...loginAt(auth, ''), body, jwt: undefined };
    }
    case 'userPass': {
      const path = `auth/${auth.mount}/login/${auth.username}`;
      const body = { password: await read(auth.secretRef) };
      return { ...loginAt(auth, auth.username), path: encodePath(path), body, jwt: undefined };
    }
    case 'kubernetes':
    case 'jwt': {
      const jwt = await login.jwtOf(auth.source, login.signal);
      return { ...loginAt(auth, auth.role), body: { role: Secret.of(auth.role), jwt }, jwt };
    }
  }
}

function loginAt(auth: Exclude<VaultAuth, { method: 'token' }>, role: string) {
  const path = encodePath(`auth/${auth.mount}/login`);
  return { kind: 'login', method: auth.method, mount: auth.mount, role, path } as const;
}

/**
 * The pod's token for the audience of the spec. The API server's own token would let Vault act as the pod
 * against the API server, so it goes out only where the store asks for it and its host is on the allow-list.
 */
function jwtReader(store: Store, config: VaultConfig, context: StoreContext): Login['jwtOf'] {
  const wanted = store.annotations.get(audienceAnnotation);
  const { identity, network } = context;
  if (wanted !== undefined && wanted !== 'kubernetes') {
    throw new AgentError(
      'SpecInvalid',
      `${audienceAnnotation} on ${store.id} must be kubernetes, this is ${wanted}`,
      {
        at: store.at,
        remedy: 'name other audiences in serviceAccountRef.audiences',
      },
    );
  }
  if (wanted !== undefined) refuseUnlisted(store, config, network.storesAllow);
  return async (source, signal) => {
    if (source.kind === 'secret') return await resolve(source.ref, context, signal);
    if (wanted === undefined) return await identity.token(source.audience);
    if (identity.apiServerToken !== undefined) return await identity.apiServerToken();
    throw new AgentError('AuthFailed', "the API server's token is not to be had here", { at: source.at });
  };
}

function refuseUnlisted(store: Store, config: VaultConfig, allow: readonly string[] | undefined): void {
  const url = new URL(config.server);
  if (allow?.some((entry) => hostMatches(entry, url))) return;
  throw new AgentError(
    'SpecInvalid',
    `${store.id} asks for the API server's token, and --stores-allow does not name ${url.hostname}`,
    {
      at: store.at,
      remedy: `add ${url.hostname} to --stores-allow, or remove ${audienceAnnotation} and let Vault's role expect audience vault`,
    },
  );
}

/** As the vault command keeps it: VAULT_TOKEN, else the file that `vault login` writes. */
function developerToken(env: Readonly<Record<string, string | undefined>>): Credential {
  const fromEnv = env['VAULT_TOKEN']?.trim();
  if (fromEnv) return { kind: 'token', method: 'local', token: Secret.of(fromEnv), from: 'VAULT_TOKEN' };
  const file = join(env['HOME'] ?? homedir(), '.vault-token');
  const text = textOf(file);
  if (text !== '') return { kind: 'token', method: 'local', token: Secret.of(text), from: '~/.vault-token' };
  throw new AgentError('AuthFailed', 'there is neither VAULT_TOKEN nor ~/.vault-token', {
    remedy: 'run vault login, or set VAULT_TOKEN',
  });
}

/** Empty where there is none. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
