import { AgentError } from '../base/errors.ts';
import { goMarshal } from '../base/json.ts';
import { Secret, type SecretMap } from '../base/secret.ts';
import { type Kube, openKubeAt } from '../kube/client.ts';
import { kubeFaultOf } from '../kube/fault.ts';
import { type KubeObject, secretIn } from '../kube/resource.ts';
import type { Fetched, FetchedMap, GetRead } from '../plan/fetched.ts';
import { namedValue } from '../plan/named.ts';
import { nameMatcher } from '../plan/regexp.ts';
import type { Find, Store } from '../spec/spec.ts';
import {
  type Credential,
  type Credentials,
  credentialsOf,
  factsOf,
  isStatic,
  subjectOf,
} from './kubernetes-auth.ts';
import type { KubernetesConfig } from './kubernetes-config.ts';
import type { Client, Identity, StoreContext } from './provider.ts';

interface SecretObject extends KubeObject {
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}

interface SelfSubjectReview extends KubeObject {
  readonly status?: { readonly userInfo?: { readonly username?: string } };
}

interface Opened extends Credential {
  readonly kube: Kube;
}

export function openKubernetes(store: Store, context: StoreContext): Client {
  const config = store.config as KubernetesConfig;
  const credentials = credentialsOf(store, config, context);
  if (isStatic(config) && context.identity.mode === 'pod') {
    context.log.warn(
      { store: store.id, method: config.auth.method },
      'the store logs in with stored credentials; auth.serviceAccount with the pod\u2019s own account needs none',
    );
  }
  return new KubernetesClient(store, credentials, context);
}

/** Secrets of one namespace. Credentials are read again after the API server refused them, or could not be reached. */
class KubernetesClient implements Client {
  readonly #store: Store;
  readonly #namespace: string;
  readonly #credentials: Credentials;
  readonly #context: StoreContext;
  #opened: Promise<Opened> | undefined;
  /** Who we are was logged. */
  #told = false;

  constructor(store: Store, credentials: Credentials, context: StoreContext) {
    this.#store = store;
    this.#namespace = (store.config as KubernetesConfig).remoteNamespace;
    this.#credentials = credentials;
    this.#context = context;
  }

  /** `version` is ignored, as in ESO: a Secret has none. */
  async get({ key, metadataPolicy }: GetRead, signal: AbortSignal): Promise<Fetched> {
    const resource = secretIn(this.#namespace, checkedName(key));
    const secret = await this.#ask('GetSecret', key, signal, ({ kube }) =>
      kube.get<SecretObject>(resource, signal),
    );
    if (secret === undefined)
      return { kind: 'absent', reason: `there is no Secret ${key} in namespace ${this.#namespace}` };
    return metadataPolicy === 'Fetch' ? metadataOf(secret) : { kind: 'map', entries: valuesOf(secret) };
  }

  /** Tags are labels and win over a name, as in ESO; no tag at all selects every Secret. */
  async find({ tags, nameRegexp }: Find, signal: AbortSignal): Promise<Fetched> {
    if (tags === undefined && nameRegexp === undefined) {
      throw new AgentError('SpecInvalid', 'a Kubernetes store finds by name or by tags', {
        at: { store: this.#store.id },
        remedy: 'set find.name.regexp or find.tags',
      });
    }
    const matches = tags === undefined ? await nameMatcher(nameRegexp ?? '') : () => true;
    const selector = selectorOf(tags ?? new Map());
    const secrets = await this.#ask('ListSecrets', undefined, signal, ({ kube }) =>
      kube.list<SecretObject>(secretIn(this.#namespace), selector, signal),
    );
    const entries = secrets
      .map((secret) => [secret.metadata.name ?? '', secret] as const)
      .filter(([name]) => matches(name))
      .map(([name, secret]) => [name, namedValue({ kind: 'map', entries: valuesOf(secret) }, '')] as const);
    return { kind: 'map', entries: new Map(entries) };
  }

  /** As the API server knows us (1.28); an older one does not tell, and the credential does. */
  async whoami(signal: AbortSignal): Promise<Identity> {
    const resource = { group: 'authentication.k8s.io', version: 'v1', resource: 'selfsubjectreviews' };
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const review = await this.#ask('CreateSelfSubjectReview', undefined, signal, ({ kube }) =>
      kube.create<SelfSubjectReview>(resource, body, signal).catch(absentApi),
    );
    const { method, connection, kube } = await this.#open(signal);
    return {
      principal: review?.status?.userInfo?.username ?? (await subjectOf(connection)),
      method,
      details: { server: kube.host, namespace: this.#namespace, ...(await factsOf(connection)) },
    };
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    await opened?.kube.close();
  }

  /** One call, counted; when the credentials turn out to be refused, once more with those of now. */
  async #ask<T>(
    call: string,
    key: string | undefined,
    signal: AbortSignal,
    work: (opened: Opened) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.#counted(call, signal, work).catch(async (error: unknown) => {
        if (!(error instanceof AgentError) || error.code !== 'AuthFailed' || signal.aborted) throw error;
        return await this.#counted(call, signal, work);
      });
    } catch (error) {
      const at = { store: this.#store.id, ...(key !== undefined && { key }) };
      throw error instanceof AgentError ? error.within(at) : error;
    }
  }

  async #counted<T>(call: string, signal: AbortSignal, work: (opened: Opened) => Promise<T>): Promise<T> {
    const opened = await this.#open(signal);
    const { clock, observe } = this.#context;
    const began = clock.monotonic();
    try {
      const result = await work(opened);
      observe(call, 'success', clock.monotonic() - began);
      return result;
    } catch (error) {
      observe(call, 'error', clock.monotonic() - began);
      const suspect = error instanceof AgentError && ['AuthFailed', 'Unavailable'].includes(error.code);
      if (suspect) await this.#forget(opened);
      throw error;
    }
  }

  async #open(signal: AbortSignal): Promise<Opened> {
    this.#opened ??= this.#connect(signal).catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return await this.#opened;
  }

  async #connect(signal: AbortSignal): Promise<Opened> {
    const credential = await this.#credentials(signal);
    const opened = { ...credential, kube: openKubeAt(credential.connection, this.#context.clock) };
    if (!this.#told) await this.#tell(opened);
    this.#told = true;
    return opened;
  }

  /** Whom the first credential is for, by its own word: nothing is asked for it. */
  async #tell({ method, connection, kube }: Opened): Promise<void> {
    const who = { method, subject: await subjectOf(connection), host: kube.host, namespace: this.#namespace };
    const facts = await factsOf(connection);
    this.#context.log.info({ store: this.#store.id, ...who, ...facts }, 'logged in');
  }

  /** The next call connects anew; idle connections end by themselves. */
  async #forget(opened: Opened): Promise<void> {
    const current = await this.#opened?.catch(() => undefined);
    if (current === opened) this.#opened = undefined;
  }
}

function absentApi(error: unknown): undefined {
  if (kubeFaultOf(error)?.status !== 404) throw error;
}

function valuesOf({ data = {} }: SecretObject): SecretMap {
  return new Map(Object.entries(data).map(([key, value]) => [key, Secret.of(Buffer.from(value, 'base64'))]));
}

/** As ESO hands it out: null where there are none. */
function metadataOf({ metadata: { labels, annotations } }: SecretObject): FetchedMap {
  const entries = new Map([
    ['labels', textsJson(labels)],
    ['annotations', textsJson(annotations)],
  ]);
  return { kind: 'map', entries, content: 'json' };
}

function textsJson(texts: Readonly<Record<string, string>> | undefined): Secret {
  const json = texts === undefined ? null : new Map(Object.entries(texts));
  return Secret.of(goMarshal(json, { escapeHtml: false }));
}

/** A name that no Secret can have would ask for something else than a Secret. */
function checkedName(key: string): string {
  if (key.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(key))
    return key;
  throw new AgentError('SpecInvalid', `${JSON.stringify(key.slice(0, 80))} is not the name of a Secret`, {
    at: { key },
    remedy: 'use lower-case letters, digits, - and .; a key of the Secret goes into property',
  });
}

const labelName = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
const labelKey = new RegExp(`^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?${labelName}$`);
const labelValue = new RegExp(`^(${labelName})?$`);

/** Checked here, since a comma or an operator in a value would make another selection of it. */
function selectorOf(tags: ReadonlyMap<string, string>): { readonly labelSelector?: string } {
  for (const [key, value] of tags) {
    if (labelKey.test(key) && labelValue.test(value)) continue;
    throw new AgentError('SpecInvalid', `find.tags ${JSON.stringify(`${key}: ${value}`)} cannot be a label`, {
      remedy: 'a tag of a Kubernetes store is a label of the Secret',
    });
  }
  if (tags.size === 0) return {};
  return { labelSelector: [...tags].map(([key, value]) => `${key}=${value}`).join(',') };
}
