import { AgentError, type At } from '../base/errors.ts';
import { rawMembers } from '../base/json.ts';
import { Secret } from '../base/secret.ts';
import type { Fetched, GetRead } from '../plan/fetched.ts';
import type { Find } from '../spec/spec.ts';
import type { Client, Identity, StoreContext } from './provider.ts';
import { audienceOf, type VaultConfig } from './vault-config.ts';
import { outageOf, unexpected } from './vault-fault.ts';
import { findSecrets } from './vault-find.ts';
import {
  isVersionedHint,
  type MountFacts,
  mountFacts,
  mountFault,
  noMountFault,
  tried,
} from './vault-mount.ts';
import { dataPath, encodePath, metadataPath } from './vault-path.ts';
import { type Grant, member, type Session } from './vault-session.ts';
import type { VaultAnswer, VaultCall, Wire } from './vault-wire.ts';

interface Parts {
  readonly config: VaultConfig;
  readonly context: StoreContext;
  readonly wire: Wire;
  readonly session: Session;
  readonly host: string;
  /** Ends the connections. */
  readonly close: () => Promise<void>;
}

/** What Vault calls system metadata and ESO hands out, beside the custom ones. */
const systemMetadata = ['created_time', 'current_version', 'delete_version_after'];

export class VaultClient implements Client {
  readonly #parts: Parts;
  /** Mounts that were asked for, by the first segments of the path; a mount hardly ever changes under a client. */
  readonly #mounts = new Map<string, MountFacts>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async get(read: GetRead, signal: AbortSignal): Promise<Fetched> {
    const { config } = this.#parts;
    const at = { key: read.key };
    if (read.metadataPolicy === 'Fetch') return await this.#metadata(read.key, signal);
    if (read.version !== '' && !/^\d+$/.test(read.version)) {
      throw new AgentError('SpecInvalid', `version ${JSON.stringify(read.version)} is not a number`, {
        at,
        remedy: 'KV v2 numbers its versions; leave version out for the latest',
      });
    }
    return await this.read(dataPath(config, read.key), { version: read.version, at, signal });
  }

  /** The secret at a raw data path. */
  async read(path: string, options: { version: string; at: At; signal: AbortSignal }): Promise<Fetched> {
    const query = options.version === '' ? '' : `?version=${options.version}`;
    const answer = await this.ask({ name: 'ReadSecretData', path, query, signal: options.signal });
    if (answer.status === 404) return await this.#absent(path, answer, options);
    if (answer.status !== 200) throw await this.#refusal(path, answer, options);
    return this.#tree(path, answer, options.at);
  }

  async find(find: Find, signal: AbortSignal): Promise<Fetched> {
    return await findSecrets(this, { find, config: this.#parts.config, signal });
  }

  /** The metadata of a KV v2 secret as texts, or undefined when there is none. */
  async metadataAt(path: string, signal: AbortSignal): Promise<Readonly<Record<string, string>> | undefined> {
    const answer = await this.ask({ name: 'ReadSecretData', path, query: '', signal });
    if (answer.status === 404) {
      await this.#absent(path, answer, { version: '', at: {}, signal });
      return undefined;
    }
    if (answer.status !== 200) throw await this.#refusal(path, answer, { at: {}, signal });
    const data = member(answer.json, 'data');
    const system = systemMetadata.filter((name) => (data[name] ?? undefined) !== undefined);
    return Object.fromEntries([
      ...system.map((name) => [name, String(data[name])]),
      ...Object.entries(member(data, 'custom_metadata')).map(([name, value]) => [name, String(value)]),
    ]);
  }

  /** Names below a raw listing path; undefined when there is nothing. */
  async list(path: string, signal: AbortSignal): Promise<readonly string[] | undefined> {
    const answer = await this.ask({ name: 'ListSecrets', path, query: '?list=true', signal });
    if (answer.status === 404) {
      await this.#absent(path, answer, { version: '', at: {}, signal });
      return undefined;
    }
    if (answer.status !== 200) throw await this.#refusal(path, answer, { at: {}, signal }, 'list');
    const { keys } = member(answer.json, 'data');
    return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : [];
  }

  async whoami(signal: AbortSignal): Promise<Identity> {
    const looked = await this.#parts.session.lookUp(signal);
    if (looked === undefined) return { principal: 'nobody', method: 'none', details: {} };
    const { data, grant } = looked;
    const facts: Record<string, unknown> = {
      entity: data['entity_id'],
      policies: [data['policies'], data['identity_policies']].flat().filter(Boolean).join(', '),
      ttl: data['ttl'] === 0 ? 'unlimited' : `${data['ttl']} s`,
      path: data['path'],
      audience: audienceOf(this.#parts.config),
      namespace: this.#parts.config.namespace,
    };
    const details = Object.fromEntries(
      Object.entries(facts).filter(([, value]) => typeof value === 'string' && value),
    );
    return {
      principal: String(data['display_name'] ?? ''),
      method: grant.method,
      details: details as Record<string, string>,
    };
  }

  async close(options: { readonly revoke: boolean }): Promise<void> {
    await this.#parts.session.close(options);
    await this.#parts.close();
  }

  /** One GET with the token; a token that turns out to be dead is replaced once. Throws on an outage. */
  async ask(
    request: Pick<VaultCall, 'name' | 'signal'> & { readonly path: string; readonly query: string },
  ): Promise<VaultAnswer> {
    const { wire, session, config } = this.#parts;
    const { name, signal } = request;
    const path = encodePath(request.path) + request.query;
    const send = (grant: Grant | undefined) =>
      wire.call({ name, method: 'GET', path, token: grant?.token, namespace: config.namespace, signal });
    const grant = await session.grant(signal);
    const answer = this.#served(await send(grant), grant);
    if (answer.status !== 403 || grant === undefined) return answer;
    const next = await session.replacement(grant, answer, signal);
    if (next === undefined) return answer;
    const again = this.#served(await send(next), next);
    if (again.status === 403) session.deniedAlike(again);
    return again;
  }

  #served(answer: VaultAnswer, grant: Grant | undefined): VaultAnswer {
    const { host, context } = this.#parts;
    const outage = outageOf(answer, host, {
      clock: context.clock,
      sent: grant === undefined ? [] : [grant.token],
    });
    if (outage !== undefined) throw outage;
    return answer;
  }

  async #metadata(key: string, signal: AbortSignal): Promise<Fetched> {
    const { config } = this.#parts;
    if (config.version === 'v1') {
      throw new AgentError('SpecInvalid', 'KV v1 has no metadata', {
        at: { key },
        remedy: 'remove metadataPolicy: Fetch, or use a KV v2 mount',
      });
    }
    const path = metadataPath(config, key);
    const metadata = await this.metadataAt(path, signal);
    if (metadata !== undefined) return { kind: 'tree', json: Secret.of(JSON.stringify(metadata)) };
    throw new AgentError('NotFound', `${tried(path, config)}: there is no such secret`, {
      at: { key },
      remedy: 'correct the key',
    });
  }

  #tree(path: string, answer: VaultAnswer, at: At): Fetched {
    const { config } = this.#parts;
    refuseLease(path, answer, at);
    const v2 = config.version === 'v2';
    const found = v2 ? member(answer.json, 'data') : answer.json;
    const json = textOfTexts(found['data']) ?? asItCame(answer, v2);
    if (v2 && json === undefined) throw this.#notVersioned(path, at);
    if (json === undefined || json === 'null')
      return { kind: 'absent', reason: `${tried(path, config)}: no data` };
    if (!json.startsWith('{')) {
      throw new AgentError('DecodeFailed', `${tried(path, config)}: the data is no object`, {
        at,
        remedy: 'check the path',
      });
    }
    const version = member(member(answer.json, 'data'), 'metadata')['version'];
    const tree = { kind: 'tree', json: Secret.of(json) } as const;
    return v2 && version !== undefined ? { ...tree, version: String(version) } : tree;
  }

  #notVersioned(path: string, at: At): AgentError {
    return new AgentError('Denied', `${tried(path, this.#parts.config)}: the answer looks like KV v1`, {
      at,
      remedy: 'set version: v1 in the store',
    });
  }

  /** A 404 is proof only when the mount is the one the spec means. */
  async #absent(
    path: string,
    answer: VaultAnswer,
    options: { version: string; at: At; signal: AbortSignal },
  ): Promise<Fetched> {
    const { config } = this.#parts;
    const what = tried(path, config);
    const metadata = member(member(answer.json, 'data'), 'metadata');
    if (metadata['version'] !== undefined) {
      const how = metadata['destroyed'] === true ? 'destroyed' : 'deleted';
      return { kind: 'absent', reason: `${what}: version ${metadata['version']} is ${how}` };
    }
    const facts = await this.#mountOf(path, options.signal);
    const fault = facts && mountFault(path, config, facts);
    if (fault !== undefined) throw fault.within(options.at);
    if (answer.errors.some((error) => /no handler for route/.test(error))) {
      throw noMountFault(path, config).within(options.at);
    }
    if (config.version === 'v1' && isVersionedHint(answer)) {
      throw mountFault(path, config, {
        path: `${config.path ?? path.split('/')[0]}/`,
        type: 'kv',
        version: 'v2',
      })!.within(options.at);
    }
    const version =
      options.version === '' ? 'no such secret' : `no such secret, or no version ${options.version} of it`;
    return { kind: 'absent', reason: `${what}: ${version}` };
  }

  async #refusal(
    path: string,
    answer: VaultAnswer,
    options: { at: At; signal: AbortSignal },
    capability: 'read' | 'list' = 'read',
  ): Promise<AgentError> {
    const { config } = this.#parts;
    const what = tried(path, config);
    if (answer.status !== 403 && answer.status !== 405) {
      return unexpected('Denied', what, answer, []).within(options.at);
    }
    const facts = await this.#mountOf(path, options.signal);
    const fault = facts && mountFault(path, config, facts);
    if (fault !== undefined) return fault.within(options.at);
    if (answer.status === 405) return unexpected('Denied', what, answer, []).within(options.at);
    const grant = `path "${path}" { capabilities = ["${capability}"] }`;
    const mounted = facts === undefined ? '; nor may it see the mount, which may be another or none' : '';
    return new AgentError('Denied', `${what}: the policies of the token do not allow it${mounted}`, {
      at: options.at,
      remedy: `add to a policy of the role: ${grant}${facts === undefined ? '; or correct path in the store' : ''}`,
    });
  }

  /** Undefined where Vault does not tell. */
  async #mountOf(path: string, signal: AbortSignal): Promise<MountFacts | undefined> {
    const known = [...this.#mounts.values()].find((facts) => `${path}/`.startsWith(facts.path));
    if (known !== undefined && mountFault(path, this.#parts.config, known) === undefined) return known;
    // A key without a mount given has `data` after its first segment, which is wrong for a mount of two.
    for (const asked of new Set([path, path.replace('/data/', '/')])) {
      const facts = mountFacts(
        await this.ask({ name: 'ReadMount', path: `sys/internal/ui/mounts/${asked}`, query: '', signal }),
      );
      if (facts === undefined) continue;
      this.#mounts.set(facts.path, facts);
      return facts;
    }
    return undefined;
  }
}

/** The text of `data`, and of KV v2 of the `data` within, with every digit and its order of members. */
function asItCame(answer: VaultAnswer, v2: boolean): string | undefined {
  const data = rawMembers(answer.text.text()).get('data');
  return v2 ? data && rawMembers(data).get('data') : data;
}

/**
 * An object whose members are texts, as most secrets are, loses nothing when JavaScript reads it; numbers would, and the
 * order of members that are named by one. To read it byte by byte took a tenth of each first read.
 */
function textOfTexts(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const members = Object.entries(value);
  if (!members.every(([name, text]) => typeof text === 'string' && !/^\d/.test(name))) return undefined;
  const text = JSON.stringify(value);
  return text.includes('\ufffd') ? undefined : text;
}

/** A lease is a dynamic secret: read again at every refresh it would make a new credential each time. */
function refuseLease(path: string, answer: VaultAnswer, at: At): void {
  const lease = answer.json['lease_id'];
  if (typeof lease !== 'string' || lease === '') return;
  throw new AgentError('SpecInvalid', `not supported by this version: dynamic secrets, such as ${path}`, {
    at,
    remedy: 'read a KV secret; the lease of this one ends with the token',
  });
}
