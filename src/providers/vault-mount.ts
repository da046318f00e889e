import { AgentError } from '../base/errors.ts';
import type { VaultConfig } from './vault-config.ts';
import { member } from './vault-session.ts';
import type { VaultAnswer } from './vault-wire.ts';

/** What Vault says lies at a path: `sys/internal/ui/mounts`, which any token with rights below the mount may ask. */
export interface MountFacts {
  /** With a slash at its end, as Vault writes it. */
  readonly path: string;
  readonly type: string;
  readonly version: 'v1' | 'v2';
}

export function mountFacts(answer: VaultAnswer): MountFacts | undefined {
  if (answer.status !== 200) return undefined;
  const data = member(answer.json, 'data');
  const { path, type } = data;
  if (typeof path !== 'string' || typeof type !== 'string') return undefined;
  return { path, type, version: member(data, 'options')['version'] === '2' ? 'v2' : 'v1' };
}

/** What was tried, for messages: `GET /v1/secret/data/app, mount secret, KV v2`. */
export function tried(path: string, config: VaultConfig): string {
  const mount = config.path === undefined ? 'no mount set' : `mount ${config.path}`;
  return `GET /v1/${path} (${mount}, KV ${config.version})`;
}

/**
 * Why a 404 or 403 is the store's spec rather than the key: nothing is mounted there, or something else than
 * the store says. Undefined when the mount is what the spec says it is. Denied, and never `absent`: a mount
 * that is gone or mistaken says nothing about the secret.
 */
export function mountFault(path: string, config: VaultConfig, facts: MountFacts): AgentError | undefined {
  const mount = facts.path.replace(/\/$/, '');
  const fault = (why: string, remedy: string) =>
    new AgentError('Denied', `${tried(path, config)}: ${why}`, { at: config.pathAt, remedy });
  if (facts.type !== 'kv' && facts.type !== 'generic') {
    // Any engine can be read as KV v1 is: a path gives an object.
    if (config.version === 'v1') return undefined;
    return fault(`what is mounted at ${mount} is ${facts.type}, not KV`, 'correct path in the store');
  }
  if (facts.version !== config.version) {
    return fault(`${mount} looks like KV ${facts.version}`, `set version: ${facts.version} in the store`);
  }
  if (config.path !== undefined && mount !== config.path) {
    return fault(`the mount is ${mount}`, `set path: ${mount} in the store`);
  }
  const ours = `${mount}/${config.version === 'v2' ? 'data/' : ''}`;
  if (config.path !== undefined || path.startsWith(ours) || config.version === 'v1') return undefined;
  return fault(`the mount is ${mount}`, `set path: ${mount} in the store, or write the key as ${ours}…`);
}

/** Vault has no mount at the path, as a token with wide rights is told. */
export function noMountFault(path: string, config: VaultConfig): AgentError {
  return new AgentError('Denied', `${tried(path, config)}: nothing is mounted there`, {
    at: config.pathAt,
    remedy: 'correct path in the store, or the namespace; vault secrets list shows the mounts',
  });
}

/** The versioned engine's own hint, on a path without data/. */
export function isVersionedHint(answer: VaultAnswer): boolean {
  return answer.warnings.some((warning) => warning.includes('Invalid path for a versioned K/V'));
}
