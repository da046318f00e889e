import assert from 'node:assert/strict';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { AgentError, type Code } from '../../src/base/errors.ts';
import type { Log } from '../../src/base/log.ts';
import { Secret, type SecretMap } from '../../src/base/secret.ts';
import type { IdentitySource } from '../../src/identity/identity.ts';
import { openReferences } from '../../src/identity/references.ts';
import type { GetRead } from '../../src/plan/fetched.ts';
import type { Client, Network } from '../../src/providers/provider.ts';
import { vault } from '../../src/providers/vault.ts';
import type { Find, SpecNode, Store } from '../../src/spec/spec.ts';

export interface StoreOptions {
  /** `spec.provider.vault`. */
  readonly spec: object;
  readonly clock?: Clock;
  readonly identity?: Partial<IdentitySource>;
  readonly secrets?: Record<string, Record<string, string>>;
  readonly configMaps?: Record<string, Record<string, string>>;
  readonly annotations?: Record<string, string>;
  readonly network?: Partial<Network>;
}

export interface OpenStore {
  readonly client: Client;
  /** `call status`, in order. */
  readonly calls: string[];
  /** Everything logged, as text. */
  readonly logged: string[];
  /** Replaces a Secret document, as a reload does. */
  setSecret(name: string, data: Record<string, string>): void;
}

/** The spec's part as the loader would hand it over. */
export function nodeOf(value: object): SpecNode {
  return { value, at: (field) => ({ file: 'store.yaml', field: `spec.provider.vault.${field}` }) };
}

export const root = { tokenSecretRef: { name: 'root', key: 'token' } };

export async function openStore(options: StoreOptions): Promise<OpenStore> {
  const calls: string[] = [];
  const logged: string[] = [];
  const secrets = objects({ root: { token: 'root' }, ...options.secrets });
  const configMaps = objects(options.configMaps ?? {});
  const log = (level: string) => (fields: object, message: string) =>
    void logged.push(`${level} ${message} ${inspectAll(fields)}`);
  const recorder: Log = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  const identity: IdentitySource = {
    mode: 'pod',
    namespace: 'shop',
    serviceAccount: 'app',
    env: {},
    token: async () => assert.fail('no token is expected'),
    ...options.identity,
  };
  const client = await vault.open(storeOf(options), {
    clock: options.clock ?? systemClock,
    log: recorder,
    identity,
    references: openReferences({
      documents: () => ({ secrets, configMaps }),
      secretsDir: undefined,
      configMapsDir: undefined,
    }),
    network: { proxy: undefined, noProxy: [], ca: undefined, ...options.network },
    observe: (call, status) => void calls.push(`${call} ${status}`),
    awsBatch: 'auto',
    memory: { get: () => undefined, set: () => {} },
  });
  return {
    client,
    calls,
    logged,
    setSecret: (name, data) => void secrets.set(name, objects({ name: data }).get('name')!),
  };
}

function storeOf(options: StoreOptions): Store {
  return {
    id: 'SecretStore/vault',
    kind: 'SecretStore',
    name: 'vault',
    namespace: 'shop',
    at: { file: 'store.yaml', object: 'SecretStore/vault' },
    annotations: new Map(Object.entries(options.annotations ?? {})),
    provider: 'vault',
    config: vault.parse(nodeOf(options.spec)),
    hash: 'one',
    retry: { maxRetries: undefined, retryIntervalMs: undefined },
  };
}

function objects(plain: Record<string, Record<string, string>>): Map<string, SecretMap> {
  const asMap = (data: Record<string, string>) =>
    new Map(Object.entries(data).map(([key, value]) => [key, Secret.of(value)]));
  return new Map(Object.entries(plain).map(([name, data]) => [name, asMap(data)]));
}

/** Everything an error says, causes included: where a value could leak. */
export function inspectAll(thrown: unknown): string {
  const seen: string[] = [];
  const visit = (value: unknown, depth: number): void => {
    if (depth > 6) return;
    if (value instanceof Error) {
      seen.push(value.message, value.stack ?? '');
      visit(value.cause, depth + 1);
    }
    if (typeof value === 'object' && value !== null) {
      for (const key of Object.keys(value)) visit((value as Record<string, unknown>)[key], depth + 1);
    } else seen.push(String(value));
  };
  visit(thrown, 0);
  return seen.join('\n');
}

export const never = new AbortController().signal;

export function get(open: OpenStore, key: string, rest: Partial<GetRead> = {}) {
  return open.client.get({ key, version: '', metadataPolicy: 'None', ...rest }, never);
}

/** The raw JSON text of a read that gives one. */
export async function tree(open: OpenStore, key: string, rest: Partial<GetRead> = {}): Promise<string> {
  const fetched = await get(open, key, rest);
  assert.equal(fetched.kind, 'tree', JSON.stringify(fetched));
  return fetched.kind === 'tree' ? fetched.json.text() : '';
}

export async function absence(open: OpenStore, key: string, rest: Partial<GetRead> = {}): Promise<string> {
  const fetched = await get(open, key, rest);
  assert.equal(fetched.kind, 'absent');
  return fetched.kind === 'absent' ? fetched.reason : '';
}

export async function found(open: OpenStore, find: Partial<Find>): Promise<Record<string, string> | string> {
  const rest = { conversionStrategy: 'Default', decodingStrategy: 'None', nullBytePolicy: 'Ignore' } as const;
  const query = { path: undefined, nameRegexp: undefined, tags: undefined, ...rest, ...find };
  const fetched = await open.client.find!(query, never);
  if (fetched.kind === 'absent') return fetched.reason;
  assert.ok(fetched.kind === 'map');
  return Object.fromEntries([...fetched.entries].map(([key, value]) => [key, value.text()]));
}

export async function failure(
  work: Promise<unknown>,
  code: Code,
  message?: string | RegExp,
): Promise<AgentError> {
  const error = await work.then(
    () => assert.fail('it did not fail'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AgentError, String(error));
  assert.equal(error.code, code, error.message);
  if (typeof message === 'string') assert.equal(error.message, message);
  else if (message !== undefined) assert.match(error.message, message);
  return error;
}
