import { AgentError } from '../base/errors.ts';
import { type HttpTransport, openHttp } from '../base/http.ts';
import { type AwsIdentity, openAwsIdentity } from '../identity/aws.ts';
import { AwsFault } from '../identity/aws-fault.ts';
import { openSts } from '../identity/aws-sts.ts';
import type { Fetched, GetRead } from '../plan/fetched.ts';
import type { Find, Store } from '../spec/spec.ts';
import { absent, explained, fetchedOf, isAbsent, tagsJson } from './aws-answers.ts';
import { openApi, type SecretsManagerApi } from './aws-api.ts';
import { type BatchPermission, batchPermission, type Outcome, readBatches } from './aws-batch.ts';
import { type AwsConfig, type AwsPlace, sessionTagsOf } from './aws-config.ts';
import { findSecrets } from './aws-find.ts';
import { inPool } from './pool.ts';
import type { Client, Identity, StoreContext } from './provider.ts';

export interface SecretsManagerParts {
  readonly store: Store;
  readonly config: AwsConfig;
  readonly place: AwsPlace;
  readonly context: StoreContext;
  /** For one request; `limits.requestMs` when unset. */
  readonly requestMs?: number;
}

export async function openSecretsManager(parts: SecretsManagerParts): Promise<Client> {
  const { store, place, context, requestMs } = parts;
  const { clock, network } = context;
  const http = openHttp({ ca: network.ca, proxy: network.proxy, noProxy: network.noProxy });
  const observe = context.observe.bind(context);
  const identity = openIdentity(parts, http);
  const api = await openApi({ clock, place, identity, http, retry: store.retry, requestMs, observe });
  return new SecretsManager({ ...parts, http, identity, api });
}

function openIdentity(
  { store, config, place, context }: SecretsManagerParts,
  http: HttpTransport,
): AwsIdentity {
  const { stsEndpoint: endpoint, region } = place;
  const observe = context.observe.bind(context);
  const sts = openSts({ http, clock: context.clock, endpoint, region, observe });
  const namespace = context.identity.namespace ?? store.namespace ?? '';
  const sessionTags = sessionTagsOf(config, { name: store.name, kind: store.kind, namespace });
  const { clock, log, identity, references } = context;
  const world = { clock, log, identity, references, store, http, sts, region };
  return openAwsIdentity({ ...config, sessionTags }, world);
}

interface Opened extends SecretsManagerParts {
  readonly http: HttpTransport;
  readonly identity: AwsIdentity;
  readonly api: SecretsManagerApi;
}

class SecretsManager implements Client {
  readonly #opened: Opened;
  readonly #permission: BatchPermission;

  constructor(opened: Opened) {
    this.#opened = opened;
    const { store, context } = opened;
    const { memory, clock, log, awsBatch: mode } = context;
    this.#permission = batchPermission({ store, mode, memory, clock, log });
  }

  async get(read: GetRead, signal: AbortSignal): Promise<Fetched> {
    const id = this.#idOf(read);
    return read.metadataPolicy === 'Fetch'
      ? await this.#tags(id, signal)
      : await this.#value(id, read.version, signal);
  }

  /** Current values in batches; whatever a batch cannot give or did not give, one by one. */
  async getMany(reads: readonly GetRead[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const { api, store, context } = this.#opened;
    const ids = new Set(reads.filter(isCurrent).map((read) => this.#idOf(read)));
    const permission = this.#permission;
    const batch = { api, storeId: store.id, permission, clock: context.clock, signal };
    const batched = await readBatches([...ids], batch);
    const outcomes: Outcome[] = [];
    await inPool(reads, async (read, i) => {
      const known = isCurrent(read) ? batched.get(this.#idOf(read)) : undefined;
      outcomes[i] = known ?? (await this.#getOrError(read, signal));
    });
    return outcomes;
  }

  async find(find: Find, signal: AbortSignal): Promise<Fetched> {
    const { api, store } = this.#opened;
    const getOne = (name: string): Promise<Fetched> => this.#value(name, '', signal);
    return await findSecrets(find, { api, storeId: store.id, permission: this.#permission, getOne, signal });
  }

  async whoami(signal: AbortSignal): Promise<Identity> {
    return await this.#opened.identity.whoami(signal);
  }

  async close(): Promise<void> {
    await this.#opened.http.close();
  }

  #idOf(read: GetRead): string {
    return this.#opened.config.prefix + read.key;
  }

  async #getOrError(read: GetRead, signal: AbortSignal): Promise<Outcome> {
    try {
      return await this.get(read, signal);
    } catch (thrown) {
      if (signal.aborted || !(thrown instanceof AgentError)) throw thrown;
      return thrown;
    }
  }

  async #value(id: string, version: string, signal: AbortSignal): Promise<Fetched> {
    const { api, store, place } = this.#opened;
    const of = version.startsWith('uuid/')
      ? { VersionId: version.slice('uuid/'.length) }
      : { VersionStage: version || 'AWSCURRENT' };
    try {
      return fetchedOf(id, await api.getSecretValue({ SecretId: id, ...of }, signal));
    } catch (thrown) {
      if (thrown instanceof AwsFault && isAbsent(thrown)) return absent(id, version, place.region);
      throw explained(thrown, { call: 'GetSecretValue', key: id, storeId: store.id });
    }
  }

  /** A missing secret is an error here, as in ESO: only a value can be proven absent. */
  async #tags(id: string, signal: AbortSignal): Promise<Fetched> {
    const { api, store } = this.#opened;
    try {
      const { Tags: tags = [] } = await api.describeSecret(id, signal);
      return { kind: 'text', value: tagsJson(tags) };
    } catch (thrown) {
      throw explained(thrown, { call: 'DescribeSecret', key: id, storeId: store.id });
    }
  }
}

/** What BatchGetSecretValue can give: it knows no versions. */
function isCurrent(read: GetRead): boolean {
  return read.metadataPolicy === 'None' && (read.version === '' || read.version === 'AWSCURRENT');
}
