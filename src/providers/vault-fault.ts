import type { Clock } from '../base/clock.ts';
import { AgentError, type Code } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Secret } from '../base/secret.ts';
import type { VaultAnswer } from './vault-wire.ts';

export interface FaultContext {
  readonly clock: Clock;
  /** Tokens and passwords that were sent: cut out of whatever the server says back. */
  readonly sent: readonly Secret[];
}

/** A status that says nothing about the key or the caller, only that Vault cannot serve now; else undefined. */
export function outageOf(answer: VaultAnswer, host: string, context: FaultContext): AgentError | undefined {
  const wait = retryAfterMs(answer.headers['retry-after'], context.clock);
  const init = (remedy: string) => ({ remedy, ...(wait !== undefined && { retryAfterMs: wait }) });
  const says = (words: string) => answer.errors.some((error) => error.includes(words));
  const { status } = answer;
  if (status === 429) {
    return new AgentError(
      'Throttled',
      `Vault at ${host} asks for fewer requests (429)`,
      init('lengthen refreshInterval, or raise the rate limit quota'),
    );
  }
  if (says('is sealed'))
    return new AgentError('Unavailable', `Vault at ${host} is sealed`, init('unseal it'));
  if (says('Upgrading from non-versioned to versioned')) {
    return new AgentError(
      'Unavailable',
      `Vault at ${host} is turning the mount into KV v2`,
      init('wait until it is done'),
    );
  }
  if (status === 412) {
    return new AgentError(
      'Unavailable',
      `this node of Vault at ${host} is behind what was last read (412)`,
      init('wait for its replication'),
    );
  }
  if (status === 472 || status === 473) {
    return new AgentError(
      'Unavailable',
      `Vault at ${host} is a standby that serves no reads (${status})`,
      init('point server to the active cluster'),
    );
  }
  if (status >= 500) {
    const message = `Vault at ${host} answers ${status}${quoted(answer, context.sent)}`;
    return new AgentError(
      'Unavailable',
      message,
      init("check Vault's own log, and any load balancer before it"),
    );
  }
  if (status === 204 || isVaults(answer)) return undefined;
  const message = `${host} answers ${status} with something that is not Vault's`;
  return new AgentError(
    'Unavailable',
    message,
    init('check server, and the ingress or load balancer before Vault'),
  );
}

/** A load balancer's own 404 or 403 is no word of Vault's: it must not pass for a secret that is gone. */
function isVaults(answer: VaultAnswer): boolean {
  const { json } = answer;
  return Array.isArray(json['errors']) || 'data' in json || 'auth' in json;
}

/** Vault's own words after a colon, or nothing: on one line, short, without what we sent and what changes from time to time. */
export function quoted(answer: VaultAnswer, sent: readonly Secret[]): string {
  let text = answer.errors
    .join('; ')
    .replace(/\d+ errors? occurred:/g, '')
    // biome-ignore lint/complexity/useRegexLiterals: keeps control characters out of the source.
    .replace(new RegExp('[\\x00-\\x1f\\x7f*\\s]+', 'g'), ' ')
    .trim();
  for (const secret of sent) {
    // A shorter one would be told by what is missing from the words around it.
    if (secret.byteLength >= 6) text = text.replaceAll(secret.text().trim(), '[secret]');
  }
  text = text
    .replace(/\bhv[sbr]\.[\w-]+/g, '[secret]')
    .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '[secret]')
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+( ?(Z|[+-]\d\d:?\d\d|UTC))*( m=[+-][\d.]+)?/g, '(a time)');
  return text === '' ? '' : `: ${text.slice(0, limits.quotedErrorLength)}`;
}

/** A status that no case expects. */
export function unexpected(
  code: Code,
  what: string,
  answer: VaultAnswer,
  sent: readonly Secret[],
): AgentError {
  return new AgentError(code, `${what} answers ${answer.status}${quoted(answer, sent)}`, {
    remedy: 'check that server is the address of a Vault, and its log for the reason',
  });
}

/** Seconds or an HTTP date, in ms from now. */
export function retryAfterMs(header: string | undefined, clock: Clock): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - clock.now());
}
