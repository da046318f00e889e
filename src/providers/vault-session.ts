import { type Clock, uniform } from '../base/clock.ts';
import { AgentError, type At } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { Secret } from '../base/secret.ts';
import type { Credential, Credentials } from './vault-auth.ts';
import { outageOf, unexpected } from './vault-fault.ts';
import { loginFault } from './vault-login-fault.ts';
import type { VaultAnswer, Wire } from './vault-wire.ts';

/** A token in use. Times are monotonic ms. */
export interface Grant {
  readonly method: Credential['method'];
  readonly token: Secret;
  readonly renewable: boolean;
  /** From here on it is renewed, or replaced where it cannot be, before its next use. Infinity: never. */
  readonly renewAt: number;
  /** From here on it is not used any more. */
  readonly usableUntil: number;
  /** Ours to give back: not a static token, not a batch token, which cannot be revoked. */
  readonly revocable: boolean;
}

export interface SessionOptions {
  readonly credentials: Credentials;
  readonly wire: Wire;
  /** The namespace of the login. */
  readonly namespace: string | undefined;
  readonly host: string;
  /** Of the pod's own token, where that is what logs in. */
  readonly audience: string | undefined;
  readonly at: At;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * One login, kept for the life of the client. There is no timer: a token is looked at when it is used, renewed
 * past about two thirds of its ttl, and replaced by a new login when it ended unused. So an idle agent sends
 * nothing, and one that refreshes often sends one renewal in two thirds of a ttl.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #closed = new AbortController();
  #held: Grant | undefined;
  #pending: Promise<Grant | undefined> | undefined;
  /** Learned: this Vault says "permission denied" to a live token's self-lookup, so that proves nothing. */
  #lookupForbidden = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** The token to use now; undefined when the store has no auth. Side by side callers share one login. */
  async grant(signal: AbortSignal): Promise<Grant | undefined> {
    const held = this.#held;
    if (held !== undefined && this.#options.clock.monotonic() < held.renewAt) return held;
    return await this.#single(() => this.#refresh(held), signal);
  }

  /** After `refused` was answered 403: another grant when it turns out to be dead, undefined when it lives. */
  async replacement(refused: Grant, answer: VaultAnswer, signal: AbortSignal): Promise<Grant | undefined> {
    if (this.#held !== refused) return await this.grant(signal);
    if (!(await this.#isDead(refused, answer, signal))) return undefined;
    // Another caller may have replaced it while this one asked.
    const replace = async () => (this.#held === refused ? await this.#login(refused) : this.#held);
    const next = await this.#single(replace, signal);
    if (next !== undefined && !next.token.equals(refused.token)) return next;
    if (saysInvalid(answer)) throw this.#staleToken(refused);
    return undefined;
  }

  /** To be told when a replacement, too, was denied: then the first was not dead. */
  deniedAlike(answer: VaultAnswer): void {
    if (!saysInvalid(answer)) this.#lookupForbidden = true;
  }

  /** What Vault says of the token in use. */
  async lookUp(
    signal: AbortSignal,
  ): Promise<{ grant: Grant; data: Readonly<Record<string, unknown>> } | undefined> {
    const grant = await this.grant(signal);
    if (grant === undefined) return undefined;
    const answer = await this.#ask('LookupSelf', grant, signal);
    if (answer.status === 200) return { grant, data: member(answer.json, 'data') };
    throw this.#fault(answer, grant, 'the look-up of our own token');
  }

  async close(options: { readonly revoke: boolean }): Promise<void> {
    const { log, clock } = this.#options;
    if (this.#pending !== undefined)
      await Promise.race([this.#pending.catch(() => undefined), clock.sleep(limits.revokeMs)]);
    this.#closed.abort(new AgentError('Unavailable', 'the store is closed'));
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined || !options.revoke || !held.revocable) return;
    try {
      const answer = await this.#ask('RevokeSelf', held, AbortSignal.timeout(limits.revokeMs));
      if (answer.status >= 400)
        log.debug({ status: answer.status }, 'token not revoked; it ends with its ttl');
    } catch (error) {
      log.debug({ err: error }, 'token not revoked; it ends with its ttl');
    }
  }

  /** One at a time, for all callers; none of them can abort it for the others. */
  async #single(work: () => Promise<Grant | undefined>, signal: AbortSignal): Promise<Grant | undefined> {
    this.#closed.signal.throwIfAborted();
    signal.throwIfAborted();
    if (this.#pending === undefined) {
      const pending = work().finally(() => {
        this.#pending = undefined;
      });
      pending.catch(() => undefined);
      this.#pending = pending;
    }
    return await abortable(this.#pending, signal);
  }

  async #refresh(held: Grant | undefined): Promise<Grant | undefined> {
    const { clock } = this.#options;
    if (held?.renewable && clock.monotonic() < held.usableUntil) {
      const renewed = await this.#renew(held);
      if (renewed !== undefined) return renewed;
    }
    return await this.#login(held);
  }

  /** Undefined when only a new login helps. An outage leaves the token in use while it lasts. */
  async #renew(held: Grant): Promise<Grant | undefined> {
    const { clock } = this.#options;
    const postponed = { ...held, renewAt: clock.monotonic() + (held.usableUntil - clock.monotonic()) / 4 };
    let answer: VaultAnswer;
    try {
      answer = await this.#ask('RenewSelf', held, this.#closed.signal);
    } catch (error) {
      this.#options.log.debug({ err: error }, 'token not renewed; it is used while it lasts');
      return this.#hold(postponed);
    }
    if (answer.status === 200) return this.#hold(this.#granted(answer, held, held));
    if (answer.status === 429 || answer.status >= 500) return this.#hold(postponed);
    return undefined;
  }

  async #login(before: Grant | undefined): Promise<Grant | undefined> {
    const { credentials, wire, namespace } = this.#options;
    const signal = this.#closed.signal;
    const credential = await credentials(signal);
    if (credential === undefined) return undefined;
    if (credential.kind === 'token') return this.#hold(fixed(credential));
    const body = Object.fromEntries(
      Object.entries(credential.body).map(([name, value]) => [name, value.text()]),
    );
    const answer = await wire.call({
      name: 'Login',
      method: 'POST',
      path: credential.path,
      body,
      namespace,
      signal,
    });
    const token = member(answer.json, 'auth')['client_token'];
    if (answer.status !== 200 || typeof token !== 'string' || token === '') {
      const { host, at, clock } = this.#options;
      throw loginFault(answer, credential, { host, at, clock, sent: sentOf(credential) });
    }
    if (before === undefined) this.#tell(credential, member(answer.json, 'auth'));
    return this.#hold(this.#granted(answer, { method: credential.method, token: Secret.of(token) }));
  }

  /** Who the store takes us for, by its own word at the first login: nothing is asked for it. */
  #tell(
    { method, path }: Extract<Credential, { kind: 'login' }>,
    auth: Readonly<Record<string, unknown>>,
  ): void {
    const { at, host, namespace, audience, log } = this.#options;
    const { entity_id: entity, policies, lease_duration: expiresInS } = auth;
    log.info({ ...at, method, path, host, namespace, audience, entity, policies, expiresInS }, 'logged in');
  }

  /** `renewed`: the grant of before, whose end the new one must move, or renewing is over (its max ttl is near). */
  #granted(answer: VaultAnswer, who: Pick<Grant, 'method' | 'token'>, renewed?: Grant): Grant {
    const { clock } = this.#options;
    const now = clock.monotonic();
    const auth = member(answer.json, 'auth');
    const seconds = typeof auth['lease_duration'] === 'number' ? auth['lease_duration'] : 0;
    const ttl = seconds === 0 ? Number.POSITIVE_INFINITY : seconds * 1000;
    const batch = auth['token_type'] === 'batch';
    const usableUntil = now + ttl - Math.min(10_000, ttl / 10);
    const stuck = renewed !== undefined && usableUntil < renewed.usableUntil + ttl / 10;
    const renewable = auth['renewable'] === true && !batch && !stuck;
    const renewAt = renewable ? now + uniform(clock, 0.6, 0.72) * ttl : usableUntil;
    return { ...who, renewable, renewAt, usableUntil, revocable: !batch };
  }

  #hold(grant: Grant): Grant {
    this.#held = grant;
    return grant;
  }

  async #isDead(grant: Grant, answer: VaultAnswer, signal: AbortSignal): Promise<boolean> {
    if (saysInvalid(answer)) return true;
    if (this.#lookupForbidden) return false;
    const lookup = await this.#ask('LookupSelf', grant, signal);
    return lookup.status === 403;
  }

  #ask(
    name: 'LookupSelf' | 'RenewSelf' | 'RevokeSelf',
    grant: Grant,
    signal: AbortSignal,
  ): Promise<VaultAnswer> {
    const { wire, namespace } = this.#options;
    const path = { LookupSelf: 'lookup-self', RenewSelf: 'renew-self', RevokeSelf: 'revoke-self' }[name];
    const method = name === 'LookupSelf' ? 'GET' : 'POST';
    return wire.call({ name, method, path: `auth/token/${path}`, token: grant.token, namespace, signal });
  }

  #fault(answer: VaultAnswer, grant: Grant, what: string): AgentError {
    const { host, clock } = this.#options;
    const outage = outageOf(answer, host, { clock, sent: [grant.token] });
    if (outage !== undefined) return outage;
    if (saysInvalid(answer)) return this.#staleToken(grant);
    return unexpected('Denied', what, answer, [grant.token]);
  }

  #staleToken(grant: Grant): AgentError {
    const { host, at } = this.#options;
    return new AgentError(
      'AuthFailed',
      `Vault at ${host} does not know the ${grant.method} token: it was revoked or has expired`,
      {
        at,
        remedy:
          grant.method === 'local'
            ? 'run vault login'
            : 'put a new token into the Secret, or log in as the pod with auth.kubernetes',
      },
    );
  }
}

function fixed(credential: Extract<Credential, { kind: 'token' }>): Grant {
  const never = Number.POSITIVE_INFINITY;
  const { method, token } = credential;
  return { method, token, renewable: false, renewAt: never, usableUntil: never, revocable: false };
}

function sentOf(credential: Extract<Credential, { kind: 'login' }>): readonly Secret[] {
  return Object.entries(credential.body)
    .filter(([name]) => name !== 'role')
    .map(([, value]) => value);
}

/** Vault 1.10 and later, and OpenBao, say so; older ones say "permission denied" alone. */
function saysInvalid(answer: VaultAnswer): boolean {
  return answer.errors.some((error) => /invalid token|bad token/.test(error));
}

export function member(
  json: Readonly<Record<string, unknown>>,
  name: string,
): Readonly<Record<string, unknown>> {
  const value = json[name];
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
