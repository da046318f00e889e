import { withDeadline } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { AwsFault, explain } from './aws-fault.ts';
import { type AwsAuth, type AwsWorld, chooseSource, type Source, sessionName } from './aws-sources.ts';
import type { AssumeRole, AwsCredentials, AwsTag } from './aws-sts.ts';

export interface AwsLogin {
  readonly auth: AwsAuth;
  /** Assumed one after the other, without external id and tags. */
  readonly additionalRoles: readonly string[];
  /** Assumed last; empty for none. */
  readonly role: string;
  readonly externalId: string;
  readonly sessionTags: readonly AwsTag[];
  readonly transitiveTagKeys: readonly string[];
}

/** The credentials of one store, kept fresh. */
export interface AwsIdentity {
  /** Logs in when there are none or they are about to expire; callers at the same time share one login. */
  credentials(signal: AbortSignal): Promise<AwsCredentials>;
  /** The store refused these credentials: the next call logs in anew. */
  forget(refused: AwsCredentials): void;
  /** Who STS says we are, and how we came to be it. */
  whoami(signal: AbortSignal): Promise<{
    readonly principal: string;
    readonly method: string;
    readonly details: Readonly<Record<string, string>>;
  }>;
}

export function openAwsIdentity(login: AwsLogin, world: AwsWorld): AwsIdentity {
  return new CachedIdentity(login, world);
}

interface LoggedIn {
  readonly source: Source;
  readonly credentials: AwsCredentials;
  /** Wall ms from which on a new login is due. */
  readonly renewMs: number;
}

class CachedIdentity implements AwsIdentity {
  readonly #login: AwsLogin;
  readonly #world: AwsWorld;
  #source: Source | undefined;
  #current: LoggedIn | undefined;
  #pending: Promise<LoggedIn> | undefined;
  /** Who we are was logged. */
  #told = false;

  constructor(login: AwsLogin, world: AwsWorld) {
    this.#login = login;
    this.#world = world;
  }

  async credentials(signal: AbortSignal): Promise<AwsCredentials> {
    return (await this.#loggedIn(signal)).credentials;
  }

  forget(refused: AwsCredentials): void {
    if (this.#current?.credentials === refused) this.#current = undefined;
  }

  async whoami(signal: AbortSignal): Promise<Awaited<ReturnType<AwsIdentity['whoami']>>> {
    const { source, credentials } = await this.#loggedIn(signal);
    const principal = await this.#callerArn(credentials, signal);
    const { expiresMs } = credentials;
    const expires: Record<string, string> =
      expiresMs === undefined ? {} : { expires: new Date(expiresMs).toISOString() };
    const account = principal.split(':')[4] ?? '';
    const details = { ...source.details, account, region: this.#world.region, ...expires };
    return { principal, method: source.method, details };
  }

  async #loggedIn(signal: AbortSignal): Promise<LoggedIn> {
    signal.throwIfAborted();
    const now = this.#world.clock.now();
    if (this.#current !== undefined && now < this.#current.renewMs) return this.#current;
    this.#pending ??= this.#renew().finally(() => {
      this.#pending = undefined;
    });
    return await abortable(this.#pending, signal);
  }

  /** A login that fails while the old credentials are good keeps them, and waits before it is tried again. */
  async #renew(): Promise<LoggedIn> {
    const old = this.#current;
    try {
      this.#current = await this.#logIn();
      if (!this.#told) this.#tell(this.#current);
      this.#told = true;
    } catch (thrown) {
      const now = this.#world.clock.now();
      const stillGood = old !== undefined && (old.credentials.expiresMs ?? now) > now;
      if (!stillGood || this.#current !== old) throw thrown;
      this.#world.log.warn(
        { store: this.#world.store.id, err: thrown },
        'AWS login failed, the old one still holds',
      );
      this.#current = { ...old, renewMs: now + limits.awsLoginPauseMs };
    }
    return this.#current;
  }

  /** Who we are by the first login, as far as that told it: nothing is asked for it. */
  #tell({ source, credentials: { expiresMs } }: LoggedIn): void {
    const { store, region, log } = this.#world;
    const { method, details } = source;
    const assumed = this.#roles().at(-1)?.roleArn;
    const expires = expiresMs === undefined ? undefined : new Date(expiresMs).toISOString();
    log.info({ store: store.id, method, ...details, assumed, region, expires }, 'logged in');
  }

  /** Shared by all who wait for it, so it ends by its own deadline and not with one of them. */
  async #logIn(): Promise<LoggedIn> {
    const expired = (): AgentError =>
      new AgentError('Unavailable', `the AWS login did not end within ${limits.awsLoginMs / 1000} s`, {
        remedy: 'check the way to STS',
      });
    const deadline = { ms: limits.awsLoginMs, signal: new AbortController().signal, expired };
    return await withDeadline(this.#world.clock, deadline, async (signal) => {
      this.#source ??= await chooseSource(this.#login.auth, this.#world);
      const source = this.#source;
      const base = await source.load(signal);
      const credentials = await this.#assumeRoles(source, base, signal);
      return { source, credentials, renewMs: this.#renewMs(credentials) };
    });
  }

  async #assumeRoles(source: Source, base: AwsCredentials, signal: AbortSignal): Promise<AwsCredentials> {
    let credentials = base;
    let holds = source.roleArn;
    const roles = this.#roles();
    if (roles.length > 0 && holds === undefined && mayHoldRole(source)) {
      holds = await this.#callerArn(credentials, signal);
    }
    for (const role of roles) {
      // Assuming oneself needs a trust that nobody gives; only tags would be worth it.
      if (holds !== undefined && isSameRole(holds, role.roleArn) && !role.tags?.length) continue;
      credentials = await this.#assume(credentials, role, signal);
      holds = role.roleArn;
    }
    return credentials;
  }

  #roles(): AssumeRole[] {
    const { additionalRoles, role, externalId, sessionTags, transitiveTagKeys } = this.#login;
    const name = sessionName(this.#world);
    const roles: AssumeRole[] = additionalRoles.map((roleArn) => ({ roleArn, sessionName: name }));
    if (role === '') return roles;
    const tags = sessionTags.length === 0 ? {} : { tags: sessionTags, transitiveTagKeys };
    return [...roles, { roleArn: role, sessionName: name, externalId: externalId || undefined, ...tags }];
  }

  async #assume(credentials: AwsCredentials, role: AssumeRole, signal: AbortSignal): Promise<AwsCredentials> {
    try {
      return await this.#world.sts.assumeRole(credentials, role, signal);
    } catch (thrown) {
      if (!(thrown instanceof AwsFault)) throw thrown;
      const tagged = role.tags === undefined ? '' : ' and sts:TagSession';
      const external = role.externalId === undefined ? '' : ', with the externalID of the store,';
      throw explain(thrown, {
        action: 'sts:AssumeRole',
        resource: role.roleArn,
        remedy: `allow sts:AssumeRole${tagged} on ${role.roleArn} to this identity, and this identity${external} in the trust policy of that role`,
      });
    }
  }

  async #callerArn(credentials: AwsCredentials, signal: AbortSignal): Promise<string> {
    try {
      return await this.#world.sts.callerArn(credentials, signal);
    } catch (thrown) {
      if (!(thrown instanceof AwsFault)) throw thrown;
      throw explain(thrown, { action: 'sts:GetCallerIdentity', login: true });
    }
  }

  /** Five minutes before the end, jittered; short-lived ones at half their life. */
  #renewMs(credentials: AwsCredentials): number {
    const now = this.#world.clock.now();
    const early = limits.awsCredentialsEarlyMs + this.#world.clock.random() * limits.awsCredentialsJitterMs;
    if (credentials.expiresMs === undefined) return now + limits.awsCredentialsAgeMs;
    return Math.max(credentials.expiresMs - early, now + (credentials.expiresMs - now) / 2);
  }
}

/** Users' keys hold no role; asking STS would be a call for nothing. */
function mayHoldRole(source: Source): boolean {
  return source.method === 'pod-identity' || source.method === 'container';
}

/** A role's ARN has a path, its session's ARN has none: account and last part tell. */
function isSameRole(holds: string, roleArn: string): boolean {
  return identityOfArn(holds) === identityOfArn(roleArn);
}

function identityOfArn(arn: string): string {
  const [, , , , account = '', ...rest] = arn.split(':');
  const parts = rest.join(':').split('/');
  const name = parts[0] === 'assumed-role' ? parts[1] : parts.at(-1);
  return `${account}/${name}`;
}

/** Waits for what is shared without ending it for the others. */
async function abortable<T>(shared: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([shared, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
