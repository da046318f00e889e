import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/clock.ts';
import { AgentError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import type { Fetched, GetRead } from '../../src/plan/fetched.ts';
import { aws } from '../../src/providers/aws.ts';
import type { Client, StoreContext } from '../../src/providers/provider.ts';
import type { Find, SpecNode, Store } from '../../src/spec/spec.ts';

/** Every value, key and token of these tests holds this word, so that one search finds any leak. */
export const canary = 'cAnArY';

export const signal = new AbortController().signal;
export const account = '123456789012';

/** The AWS client of the tests' own hand: fills the store. */
export function admin(endpoint: string): SecretsManagerClient {
  return new SecretsManagerClient({
    endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'ADMIN', secretAccessKey: 'admin' },
  });
}

export function awsNode(value: unknown): SpecNode {
  return { value, at: (field) => ({ file: 'store.yaml', field: `spec.provider.aws.${field}` }) };
}

export interface WorldOptions {
  readonly env?: Record<string, string | undefined>;
  readonly mode?: 'pod' | 'local';
  readonly serviceAccount?: string | undefined;
  readonly tokens?: Record<string, string>;
  readonly secrets?: Record<string, string>;
  readonly awsBatch?: 'auto' | 'never';
  readonly clock?: Clock;
  readonly memory?: Map<string, string>;
  readonly proxy?: string;
}

export interface World {
  readonly context: StoreContext;
  readonly memory: Map<string, string>;
  /** `call status`, in order. */
  readonly observed: string[];
  /** Everything logged, as inspected, behind its level. */
  readonly logged: string[];
}

/** A pod's surroundings: real files and servers are given by the tests, only the wiring is made here. */
export function world(options: WorldOptions = {}): World {
  const memory = options.memory ?? new Map<string, string>();
  const observed: string[] = [];
  const logged: string[] = [];
  const note =
    (level: string) =>
    (fields: object, message: string): void => {
      logged.push(`${level} ${message} ${shown(fields)}`);
    };
  const context: StoreContext = {
    clock: options.clock ?? systemClock,
    log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
    identity: {
      mode: options.mode ?? 'pod',
      namespace: 'shop',
      serviceAccount: 'serviceAccount' in options ? options.serviceAccount : 'shop-app',
      env: options.env ?? {},
      token: async (audience) => {
        const token = options.tokens?.[audience];
        if (token === undefined) throw new AgentError('AuthFailed', `no token for audience ${audience}`);
        return Secret.of(token);
      },
    },
    references: {
      secret: async (name, key) => {
        const value = options.secrets?.[`${name}/${key}`];
        if (value === undefined) throw new AgentError('NotFound', `no key ${key} in Secret ${name}`);
        return Secret.of(value);
      },
      configMap: async () => assert.fail('no ConfigMap is asked for'),
    },
    network: { proxy: options.proxy, noProxy: [], ca: undefined },
    observe: (call, status) => observed.push(`${call} ${status}`),
    awsBatch: options.awsBatch ?? 'auto',
    memory: {
      get: (key) => memory.get(key),
      set: (key, value) => {
        if (value === undefined) memory.delete(key);
        else memory.set(key, value);
      },
    },
  };
  return { context, memory, observed, logged };
}

/** `spec.provider.aws` with what these tests do not care about filled in. */
export function storeOf(provider: object = {}, store: Partial<Store> = {}): Store {
  const config = aws.parse(awsNode({ service: 'SecretsManager', region: 'eu-west-1', ...provider }));
  return {
    id: 'SecretStore/aws',
    kind: 'SecretStore',
    name: 'aws',
    namespace: 'shop',
    at: {},
    annotations: new Map(),
    provider: 'aws',
    hash: 'h1',
    retry: { maxRetries: undefined, retryIntervalMs: undefined },
    ...store,
    config,
  };
}

export async function open(store: Store, { context }: World): Promise<Client> {
  return await aws.open(store, context);
}

export function read(key: string, rest: Partial<GetRead> = {}): GetRead {
  return { key, version: '', metadataPolicy: 'None', ...rest };
}

export function find(query: { path?: string; name?: string; tags?: Record<string, string> }): Find {
  return {
    path: query.path,
    nameRegexp: query.name,
    tags: query.tags && new Map(Object.entries(query.tags)),
    conversionStrategy: 'Default',
    decodingStrategy: 'None',
    nullBytePolicy: 'Ignore',
  };
}

export function textOf(outcome: unknown): string {
  const fetched = outcome as Fetched;
  assert.equal(fetched.kind, 'text', inspect(outcome));
  return (fetched as Extract<Fetched, { kind: 'text' }>).value.text();
}

export function mapOf(fetched: Fetched | undefined): Record<string, string> {
  assert(fetched?.kind === 'map', inspect(fetched));
  return Object.fromEntries([...fetched.entries].map(([key, value]) => [key, value.text()]));
}

/** The error of a promise that must fail, checked for leaks. */
export async function failureOf(promise: Promise<unknown> | undefined): Promise<AgentError> {
  const result = await promise?.then(
    () => assert.fail('it did not fail'),
    (thrown: unknown) => thrown,
  );
  assert(result instanceof AgentError, inspect(result));
  assertNoCanary(shown(result));
  return result;
}

export function assertNoCanary(text: string): void {
  const at = text.indexOf(canary);
  assert(at < 0, `a secret leaked: ${text.slice(Math.max(0, at - 200), at + 50)}`);
}

/** All that a careless logger could print. */
export function shown(value: unknown): string {
  return inspect(value, { depth: 12, showHidden: true, maxStringLength: null }) + JSON.stringify(value);
}
