import { type Clock, uniform, withDeadline } from '../base/clock.ts';
import { AgentError, asAgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Kube } from '../kube/client.ts';
import { isConflict } from '../kube/fault.ts';
import { fieldManagerOf } from '../kube/field-owner.ts';
import { type OwnerReference, type Resource, secretIn } from '../kube/resource.ts';
import type { Payload } from '../plan/payload.ts';
import type { ExternalSecret } from '../spec/spec.ts';
import {
  alwaysLost,
  deleteFailed,
  notOwner,
  notWrittenHere,
  refuseFixed,
  told,
  updateFailed,
} from './kubernetes-secret-faults.ts';
import {
  applied,
  changedKeys,
  checkSize,
  intactHashOf,
  type LiveSecret,
  managedLabel,
  ownKeysOf,
} from './kubernetes-secret-object.ts';
import {
  isEsos,
  isOurs,
  isOwnedRightly,
  ownerOf,
  ownersWanted,
  refuseTaken,
} from './kubernetes-secret-owner.ts';
import { surplusOf } from './kubernetes-secret-surplus.ts';
import type { Adopted, Sink, Written } from './sink.ts';

export interface KubernetesSecretOptions {
  /** Opened by the first look: an API server that is away holds up nothing before. */
  readonly kube: () => Promise<Kube>;
  /** The pod's own. */
  readonly namespace: string | undefined;
  /** `--owner`, for ExternalSecrets without a uid. */
  readonly owner: OwnerReference | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a look at the API server found before the values were fetched. */
type Seen = { readonly secret: LiveSecret | undefined } | { readonly error: AgentError };

/**
 * Kubernetes Secrets, by server-side apply. Many replicas write one Secret, so every write is bound to what was
 * there before the values were fetched: a replica that is late loses the race and fetches again, and a newer
 * value is never undone. An update waits a little at random and looks again; mostly another replica was first,
 * and nothing is left to do.
 */
export function openKubernetesSecret(options: KubernetesSecretOptions): Sink {
  return new KubernetesSecret(options);
}

class KubernetesSecret implements Sink {
  readonly name = 'kubernetes-secret';
  readonly #options: KubernetesSecretOptions;
  /** By target name: of the sync that is under way. */
  readonly #seen = new Map<string, Seen>();
  /** By target name: what this life last knew to be whole, for when the API server is away. */
  readonly #known = new Map<string, Adopted>();
  /** By target name: races lost in a row. */
  readonly #races = new Map<string, number>();
  /** ExternalSecrets that were warned of having no owner. */
  readonly #warned = new Set<string>();

  constructor(options: KubernetesSecretOptions) {
    this.#options = options;
  }

  /** creationPolicy None fetches, and asks the API server nothing. */
  concerns({ target }: ExternalSecret): boolean {
    return target.creationPolicy !== 'None';
  }

  async prepare(externalSecret: ExternalSecret, signal: AbortSignal): Promise<void> {
    this.#seen.set(externalSecret.target.name, await this.#look(externalSecret, signal));
  }

  async adopt(externalSecret: ExternalSecret, signal: AbortSignal): Promise<Adopted | undefined> {
    const { name } = externalSecret.target;
    const seen = this.#seen.get(name) ?? (await this.#look(externalSecret, signal));
    if ('error' in seen) {
      const known = this.#known.get(name);
      if (known === undefined) throw seen.error;
      return known;
    }
    const { secret } = seen;
    const payloadHash = secret && this.#wholeHashOf(secret, externalSecret);
    if (secret === undefined || payloadHash === undefined) {
      this.#known.delete(name);
      return undefined;
    }
    return this.#remember(externalSecret, secret, payloadHash);
  }

  async publish(externalSecret: ExternalSecret, payload: Payload, signal: AbortSignal): Promise<Written> {
    const { name } = externalSecret.target;
    try {
      const written = await this.#write(externalSecret, payload, signal);
      if (written.again !== true) this.#races.delete(name);
      return written;
    } catch (thrown) {
      if (isConflict(thrown)) return this.#lost(name);
      throw told(thrown, updateFailed, externalSecret);
    }
  }

  async withdraw(externalSecret: ExternalSecret, signal: AbortSignal): Promise<boolean> {
    const { name, creationPolicy } = externalSecret.target;
    try {
      if (creationPolicy !== 'Owner') throw notOwner(name, creationPolicy);
      const secret = await this.#before(externalSecret, signal);
      this.#known.delete(name);
      if (secret === undefined) return true;
      refuseTaken(secret, externalSecret);
      if (!isOurs(secret, externalSecret)) throw notWrittenHere(name);
      const { uid, resourceVersion } = secret.metadata;
      const kube = await this.#options.kube();
      await kube.delete(
        this.#resource(externalSecret),
        { uid: uid!, resourceVersion: resourceVersion! },
        signal,
      );
      return true;
    } catch (thrown) {
      if (isConflict(thrown)) return this.#lost(name).again !== true;
      throw told(thrown, deleteFailed, externalSecret);
    }
  }

  /** The Secret stays: other pods may run the spec that this one no longer has. It ends with its owner. */
  async remove(targetName: string): Promise<void> {
    this.#known.delete(targetName);
    this.#seen.delete(targetName);
  }

  async sweep(): Promise<readonly string[]> {
    return [];
  }

  async #write(externalSecret: ExternalSecret, payload: Payload, signal: AbortSignal): Promise<Written> {
    const { creationPolicy, immutable } = externalSecret.target;
    const secret = await this.#before(externalSecret, signal);
    if (secret !== undefined) refuseTaken(secret, externalSecret);
    checkSize(externalSecret, payload, secret);
    if (secret === undefined)
      return creationPolicy === 'Merge'
        ? missing
        : await this.#apply(externalSecret, payload, undefined, signal);
    if (this.#wholeHashOf(secret, externalSecret) === payload.hash) return unchanged(secret);
    if (immutable) return await this.#freeze(externalSecret, secret, signal);
    refuseFixed(externalSecret, payload, secret);
    await this.#options.clock.sleep(uniform(this.#options.clock, 0, limits.kubeUpdateSpreadMs), signal);
    const now = await (await this.#options.kube()).get<LiveSecret>(this.#resource(externalSecret), signal);
    if (now?.metadata.resourceVersion === secret.metadata.resourceVersion)
      return await this.#apply(externalSecret, payload, secret, signal);
    const done = now !== undefined && this.#wholeHashOf(now, externalSecret) === payload.hash;
    if (!done) return this.#lost(externalSecret.target.name);
    this.#remember(externalSecret, now, payload.hash);
    return unchanged(now);
  }

  async #apply(
    externalSecret: ExternalSecret,
    payload: Payload,
    live: LiveSecret | undefined,
    signal: AbortSignal,
  ): Promise<Written> {
    const kube = await this.#options.kube();
    const resource = this.#resource(externalSecret);
    const fieldManager = fieldManagerOf(externalSecret.name);
    const owner = this.#ownerOf(externalSecret);
    const object = applied({ externalSecret, payload, live, owner }, resource.namespace!);
    // Forced: what others changed in our fields is repaired; what they hold was checked before.
    let secret = await kube.apply(resource, object, { fieldManager, force: true, signal });
    const surplus = surplusOf(secret, externalSecret, payload);
    if (surplus !== undefined) secret = await kube.patch(resource, surplus, { fieldManager, signal });
    this.#remember(externalSecret, secret, payload.hash);
    return {
      changed: true,
      generation: versionOf(secret),
      changedKeys: changedKeys(live, externalSecret, payload),
    };
  }

  /** spec.target.immutable, and the Secret exists: its values stay for ever, and who owns it is kept right, as in
   * ESO. */
  async #freeze(externalSecret: ExternalSecret, secret: LiveSecret, signal: AbortSignal): Promise<Written> {
    const { resourceVersion, labels } = secret.metadata;
    const owner = this.#ownerOf(externalSecret);
    const declared = this.#options.owner;
    const owned = isOwnedRightly(secret, externalSecret, declared);
    const managed = labels?.[managedLabel] === 'true';
    if (secret.immutable === true && owned && managed) return unchanged(secret);
    const ownerReferences = ownersWanted(secret, owner, [externalSecret.uid, declared?.uid]);
    const patch = {
      metadata: {
        resourceVersion,
        labels: { [managedLabel]: 'true' },
        ...(!owned && { ownerReferences }),
      },
      immutable: true,
    };
    const kube = await this.#options.kube();
    const fieldManager = fieldManagerOf(externalSecret.name);
    const frozen = await kube.patch<LiveSecret>(this.#resource(externalSecret), patch, {
      fieldManager,
      signal,
    });
    return { changed: true, generation: versionOf(frozen), changedKeys: [] };
  }

  /** Somebody else wrote meanwhile: what we hold may be old, so it is fetched again and not written. */
  #lost(targetName: string): Written {
    const races = (this.#races.get(targetName) ?? 0) + 1;
    if (races >= limits.kubeRaces) {
      this.#races.delete(targetName);
      throw alwaysLost(targetName);
    }
    this.#races.set(targetName, races);
    return { changed: false, generation: '', changedKeys: [], again: true };
  }

  /** The payload hash of a Secret that is as this ExternalSecret left it, in values, marks and owner. */
  #wholeHashOf(secret: LiveSecret, externalSecret: ExternalSecret): string | undefined {
    const ours = isOurs(secret, externalSecret) && !isEsos(secret);
    if (!ours || !isOwnedRightly(secret, externalSecret, this.#options.owner)) return undefined;
    return intactHashOf(secret, externalSecret);
  }

  #remember(externalSecret: ExternalSecret, secret: LiveSecret, payloadHash: string): Adopted {
    const adopted = { generation: versionOf(secret), keys: ownKeysOf(secret, externalSecret), payloadHash };
    this.#known.set(externalSecret.target.name, adopted);
    return adopted;
  }

  /** The Secret as it was before the values were fetched; each look serves one write. */
  async #before(externalSecret: ExternalSecret, signal: AbortSignal): Promise<LiveSecret | undefined> {
    const { name } = externalSecret.target;
    const seen = this.#seen.get(name) ?? (await this.#look(externalSecret, signal));
    this.#seen.delete(name);
    if ('error' in seen) throw seen.error;
    return seen.secret;
  }

  /** One try within a short while: files wait for it. */
  async #look(externalSecret: ExternalSecret, signal: AbortSignal): Promise<Seen> {
    const expired = (): AgentError =>
      new AgentError('Unavailable', `the API server did not answer within ${limits.kubeLookMs / 1000} s`, {
        remedy: 'check its load and the network between; files are delivered all the same',
      });
    const deadline = { ms: limits.kubeLookMs, signal, expired };
    try {
      const secret = await withDeadline(this.#options.clock, deadline, async (inner) => {
        const kube = await this.#options.kube();
        return await kube.get<LiveSecret>(this.#resource(externalSecret), inner, { attempts: 1 });
      });
      return { secret };
    } catch (thrown) {
      signal.throwIfAborted();
      return { error: asAgentError(thrown, 'Unavailable') };
    }
  }

  #ownerOf(externalSecret: ExternalSecret): OwnerReference | undefined {
    const owner = ownerOf(externalSecret, this.#options.owner);
    const { name, target } = externalSecret;
    if (owner === undefined && target.creationPolicy === 'Owner' && !this.#warned.has(name)) {
      this.#warned.add(name);
      this.#options.log.warn(
        { externalSecret: name, secret: target.name },
        'the Secret has no owner and will outlive the pod: set --owner, or creationPolicy Orphan',
      );
    }
    return owner;
  }

  #resource(externalSecret: ExternalSecret): Resource {
    const { namespace, target } = externalSecret;
    const where = namespace ?? this.#options.namespace;
    if (where !== undefined) return { ...secretIn(where, target.name), needs: needsOf(externalSecret) };
    throw new AgentError('SpecInvalid', `Secret ${target.name} has no namespace to be written to`, {
      remedy: 'set metadata.namespace of the ExternalSecret, or POD_NAMESPACE',
    });
  }
}

/** An apply is checked for patch, and for create as well where it makes the Secret. */
function needsOf({ target: { creationPolicy, deletionPolicy } }: ExternalSecret): readonly string[] {
  return [
    'get',
    'patch',
    ...(creationPolicy === 'Merge' ? [] : ['create']),
    ...(creationPolicy === 'Owner' && deletionPolicy === 'Delete' ? ['delete'] : []),
  ];
}

const missing: Written = {
  changed: false,
  generation: '',
  changedKeys: [],
  reason: 'SecretMissing',
  message: 'secret will not be created due to CreationPolicy=Merge',
};

function unchanged(secret: LiveSecret): Written {
  return { changed: false, generation: versionOf(secret), changedKeys: [] };
}

function versionOf({ metadata }: LiveSecret): string {
  return metadata.resourceVersion ?? '';
}
