import { X509Certificate } from 'node:crypto';
import { type Clock, uniform, withDeadline } from '../base/clock.ts';
import { AgentError, describe } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Kube } from '../kube/client.ts';
import { isConflict } from '../kube/fault.ts';
import { type Bundles, readBundles, writeBundles } from './certificates-bundle.ts';
import { planRotation, type Write } from './certificates-plan.ts';
import { readStored, type Stored, writeStored } from './certificates-secret.ts';
import {
  type CertificateSet,
  namesOfNext,
  pemsOf,
  withNewAuthority,
  withNewLeaf,
} from './certificates-set.ts';
import type { TlsPair, TlsSource } from './tls.ts';

export interface SelfCertificatesOptions {
  readonly kube: Kube;
  readonly namespace: string;
  /** The Secret of the injector's own in which all replicas keep one authority and one leaf. */
  readonly secret: string;
  /** Name of the MutatingWebhookConfiguration, and of the ValidatingWebhookConfiguration where there is one. */
  readonly configuration: string;
  /** DNS names and IP addresses by which the API server knows the webhook. */
  readonly names: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Certificates that the injector makes for itself, without a leader: every replica does what is due, the Secret's
 * resourceVersion lets one of them win, and the others read again. `tls()` is undefined until the API server
 * trusts the leaf. A failure is told once and tried again; what is served goes on being served.
 */
export function openSelfCertificates(options: SelfCertificatesOptions): TlsSource {
  const certificates = new SelfCertificates(options);
  certificates.start();
  return certificates;
}

class SelfCertificates implements TlsSource {
  readonly #options: SelfCertificatesOptions;
  readonly #listeners: (() => void)[] = [];
  readonly #closing = new AbortController();
  /** Since when, monotonic ms, each authority was seen in every bundle. */
  #trustedSince: ReadonlyMap<string, number> = new Map();
  #pair: TlsPair | undefined;
  #told = '';
  #running: Promise<void> = Promise.resolve();

  constructor(options: SelfCertificatesOptions) {
    this.#options = options;
  }

  tls(): TlsPair | undefined {
    return this.#pair;
  }

  onTlsChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  start(): void {
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('closed'));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#turn(signal).catch((error: unknown) => this.#tell(error));
      const pauseMs = limits.certificatePollMs * uniform(clock, 0.8, 1);
      await clock.sleep(pauseMs, signal).catch(() => {});
    }
  }

  /** Does all that can be done now. */
  async #turn(closing: AbortSignal): Promise<void> {
    const deadline = { ms: limits.certificateTurnMs, signal: closing, expired: tooSlow };
    await withDeadline(this.#options.clock, deadline, async (signal) => {
      for (let step = 0; step < limits.kubeRaces; step++) if (!(await this.#step(signal))) return;
    });
    this.#told = '';
  }

  /** One thing that is due; whether to look again at once. */
  async #step(signal: AbortSignal): Promise<boolean> {
    const { kube, configuration, clock, names } = this.#options;
    const [stored, bundles] = await Promise.all([
      readStored(this.#options, signal),
      readBundles(kube, configuration, signal),
    ]);
    this.#noteTrust(bundles);
    const plan = planRotation({
      nowMs: clock.now(),
      set: stored.set,
      rotate: stored.rotate,
      bundles: bundles.flatMap(({ entries }) => entries.map(({ pem }) => pem)),
      names,
      trustedMs: (authority) => this.#trustedMs(authority),
      serving: this.#pair?.cert,
    });
    if (plan.write !== undefined) return await this.#write(plan.write, stored, signal);
    if (plan.serve && stored.set?.leaf !== undefined) this.#serve(stored.set.leaf);
    if (bundles.length === 0) throw noConfiguration(configuration);
    return await raced(writeBundles(kube, { bundles, wanted: plan.bundles }, signal));
  }

  async #write(write: Write, stored: Stored, signal: AbortSignal): Promise<boolean> {
    const next = contentsAfter(write, stored.set, this.#options);
    const won = await raced(
      writeStored(this.#options, { stored, next }, signal).then(() => {
        this.#options.log.info({ secret: this.#options.secret, write }, 'the webhook has new certificates');
        return true;
      }),
    );
    return won;
  }

  #serve(pair: TlsPair): void {
    this.#pair = pair;
    const { validToDate } = new X509Certificate(pair.cert);
    this.#options.log.info({ until: validToDate.toISOString() }, 'the webhook serves a new certificate');
    for (const listener of this.#listeners) listener();
  }

  #noteTrust(bundles: Bundles): void {
    const all = bundles.flatMap(({ entries }) => entries.map(({ pem }) => new Set(pemsOf(pem))));
    const everywhere = [...(all[0] ?? [])].filter((pem) => all.every((each) => each.has(pem)));
    const nowMs = this.#options.clock.monotonic();
    this.#trustedSince = new Map(everywhere.map((pem) => [pem, this.#trustedSince.get(pem) ?? nowMs]));
  }

  #trustedMs(authority: string): number | undefined {
    const since = this.#trustedSince.get(pemsOf(authority)[0] ?? '');
    return since === undefined ? undefined : this.#options.clock.monotonic() - since;
  }

  #tell(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    const text = error instanceof AgentError ? describe(error) : String(error);
    const serves = this.#pair === undefined ? 'none is served' : 'the one before is served';
    if (text !== this.#told)
      this.#options.log.error({ err: error }, `no certificate could be kept: ${serves}`);
    this.#told = text;
  }
}

function contentsAfter(
  write: Write,
  set: CertificateSet | undefined,
  { clock, names }: SelfCertificatesOptions,
): CertificateSet {
  const nowMs = clock.now();
  if (write === 'authority and leaf' || set === undefined) {
    return withNewLeaf(withNewAuthority(set, nowMs), names, nowMs);
  }
  switch (write) {
    case 'authority':
      return withNewAuthority(set, nowMs);
    case 'leaf':
      return withNewLeaf(set, namesOfNext(set, names), nowMs);
    case 'retire':
      return { ...set, former: [] };
  }
}

/** Somebody else was first: look again. */
async function raced(write: Promise<boolean>): Promise<boolean> {
  try {
    return await write;
  } catch (error) {
    if (isConflict(error)) return true;
    throw error;
  }
}

function noConfiguration(name: string): AgentError {
  return new AgentError('NotFound', `there is no MutatingWebhookConfiguration ${name}`, {
    remedy: 'install it, or name the one there is with --webhook-configuration',
  });
}

function tooSlow(): AgentError {
  return new AgentError('Unavailable', 'the API server did not answer in time', {
    remedy: 'check the way to the API server',
  });
}
