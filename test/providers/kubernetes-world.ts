import assert from 'node:assert/strict';
import { systemClock } from '../../src/base/clock.ts';
import { AgentError } from '../../src/base/errors.ts';
import type { Log } from '../../src/base/log.ts';
import { Secret, type SecretMap } from '../../src/base/secret.ts';
import type { IdentitySource } from '../../src/identity/identity.ts';
import { openReferences } from '../../src/identity/references.ts';
import type { Fetched } from '../../src/plan/fetched.ts';
import { readsOf } from '../../src/plan/plan.ts';
import { shape } from '../../src/plan/shape.ts';
import { kubernetes } from '../../src/providers/kubernetes.ts';
import type { Client, Network } from '../../src/providers/provider.ts';
import { parseSpecs } from '../../src/spec/parse.ts';
import type { ExternalSecret, SpecNode, Store } from '../../src/spec/spec.ts';
import { readNow } from '../spec/read-now.ts';

export const never = new AbortController().signal;

export interface StoreOptions {
  /** `spec.provider.kubernetes`. */
  readonly spec: object;
  readonly identity?: Partial<IdentitySource>;
  readonly secrets?: Record<string, Record<string, string>>;
  readonly annotations?: Record<string, string>;
  readonly network?: Partial<Network>;
}

export interface OpenStore {
  readonly client: Client;
  /** `call status`, in order. */
  readonly calls: string[];
  readonly logged: string[];
  setSecret(name: string, data: Record<string, string>): void;
}

export function nodeOf(value: object): SpecNode {
  return { value, at: (field) => ({ file: 'store.yaml', field: `spec.provider.kubernetes.${field}` }) };
}

export async function openStore(options: StoreOptions): Promise<OpenStore> {
  const calls: string[] = [];
  const logged: string[] = [];
  const log = (level: string) => (fields: object, message: string) =>
    void logged.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const recorder: Log = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  const secrets = new Map<string, SecretMap>();
  const setSecret = (name: string, data: Record<string, string>) =>
    void secrets.set(name, new Map(Object.entries(data).map(([key, value]) => [key, Secret.of(value)])));
  for (const [name, data] of Object.entries(options.secrets ?? {})) setSecret(name, data);
  const identity: IdentitySource = {
    mode: 'pod',
    namespace: 'shop',
    serviceAccount: 'app',
    env: {},
    token: async () => assert.fail('no token is expected'),
    ...options.identity,
  };
  const client = await kubernetes.open(storeOf(options), {
    clock: systemClock,
    log: recorder,
    identity,
    references: openReferences({
      documents: () => ({ secrets, configMaps: new Map() }),
      secretsDir: undefined,
      configMapsDir: undefined,
    }),
    network: { proxy: undefined, noProxy: [], ca: undefined, ...options.network },
    observe: (call, status) => void calls.push(`${call} ${status}`),
    awsBatch: 'auto',
    memory: { get: () => undefined, set: () => {} },
  });
  return { client, calls, logged, setSecret };
}

function storeOf(options: StoreOptions): Store {
  return {
    id: 'SecretStore/k8s',
    kind: 'SecretStore',
    name: 'k8s',
    namespace: 'shop',
    at: { file: 'store.yaml', object: 'SecretStore/k8s' },
    annotations: new Map(Object.entries(options.annotations ?? {})),
    provider: 'kubernetes',
    config: kubernetes.parse(nodeOf(options.spec)),
    hash: 'one',
    retry: { maxRetries: undefined, retryIntervalMs: undefined },
  };
}

/** An ExternalSecret of the store, by the part of its spec that matters. */
export function externalSecretOf(spec: object): ExternalSecret {
  const documents = [
    {
      apiVersion: 'external-secrets.io/v1',
      kind: 'SecretStore',
      metadata: { name: 'k8s' },
      spec: { provider: { kubernetes: { auth: { token: { bearerToken: { name: 'a', key: 'b' } } } } } },
    },
    {
      apiVersion: 'external-secrets.io/v1',
      kind: 'ExternalSecret',
      metadata: { name: 'one' },
      spec: { secretStoreRef: { name: 'k8s' }, ...spec },
    },
  ];
  const text = documents.map((document) => JSON.stringify(document)).join('\n---\n');
  const { externalSecrets, problems } = parseSpecs(readNow([{ path: 'specs.yaml', text }]), {
    namespace: 'shop',
    catalog: { kubernetes },
    matchesRegexp: () => true,
  });
  assert.deepEqual(problems.map(String), []);
  return externalSecrets[0]!;
}

/** What an ExternalSecret comes to by the store's answers, as the loop goes about it. */
export async function shaped(
  { client }: OpenStore,
  spec: object,
): Promise<{ entries: Record<string, Buffer>; missing: readonly string[] }> {
  const externalSecret = externalSecretOf(spec);
  const outcomes = new Map<string, Fetched | AgentError>();
  for (const read of readsOf(externalSecret)) {
    const work = read.kind === 'get' ? client.get(read.get, never) : client.find!(read.find, never);
    outcomes.set(read.id, await work.catch(ours));
  }
  const { entries, missing } = await shape(externalSecret, outcomes, {
    traitsOf: () => kubernetes.traits,
    clock: systemClock,
  });
  return {
    entries: Object.fromEntries([...entries].map(([key, value]) => [key, value.reveal()])),
    missing: missing.map(({ reason }) => reason),
  };
}

/** As texts, where all of them are. */
export async function texts(open: OpenStore, spec: object): Promise<Record<string, string>> {
  const { entries } = await shaped(open, spec);
  return Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, value.toString()]));
}

export async function failure(work: Promise<unknown> | (() => unknown)): Promise<AgentError> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    return ours(error);
  }
  assert.fail('it did not fail');
}

function ours(error: unknown): AgentError {
  assert.ok(error instanceof AgentError, String(error));
  return error;
}
