import { type At, asAgentError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Payload } from '../plan/payload.ts';
import type { Adopted, Sink, Written } from '../sinks/sink.ts';
import type { ExternalSecret } from '../spec/spec.ts';
import type { LoopEvent } from './state.ts';

/** What a sink holds: undefined for nothing of use, `unknown` when it could not be asked. */
type Holding = Adopted | undefined | 'unknown';

/** All sinks as one: what every one of them holds is delivered. */
export class Delivery {
  readonly #sinks: readonly Sink[];
  readonly #log: Log;
  readonly #observe: (event: LoopEvent) => void;

  /** `sinks` in the order of writing: files first, since an app waits for them. */
  constructor(parts: { sinks: readonly Sink[]; log: Log; observe: (event: LoopEvent) => void }) {
    this.#sinks = parts.sinks;
    this.#log = parts.log;
    this.#observe = parts.observe;
  }

  /** Lets sinks look at what they may replace, before the values are fetched; undefined when none wants to. */
  prepare(externalSecrets: readonly ExternalSecret[], signal: AbortSignal): Promise<void> | undefined {
    const looks = externalSecrets.flatMap((externalSecret) =>
      this.#sinksOf(externalSecret).flatMap((sink) => sink.prepare?.(externalSecret, signal) ?? []),
    );
    if (looks.length === 0) return undefined;
    return Promise.allSettled(looks).then(() => {});
  }

  /** What the sinks hold of an ExternalSecret, whole, when all of them hold the same payload. */
  async adopt(externalSecret: ExternalSecret, signal: AbortSignal): Promise<Adopted | undefined> {
    return agreed(await this.#holdings(externalSecret, signal));
  }

  /** As `adopt`, of an earlier life that delivered everything: a sink that cannot be asked now is believed. */
  async recall(externalSecret: ExternalSecret, signal: AbortSignal): Promise<Adopted | undefined> {
    const holdings = await this.#holdings(externalSecret, signal);
    return agreed(holdings.filter((holding) => holding !== 'unknown'));
  }

  /** All keys that any sink holds of it, whole; sorted. */
  async keys(externalSecret: ExternalSecret, signal: AbortSignal): Promise<readonly string[]> {
    const holdings = await this.#holdings(externalSecret, signal);
    const keys = holdings.flatMap((holding) => (typeof holding === 'object' ? holding.keys : []));
    return [...new Set(keys)].sort();
  }

  async #holdings(externalSecret: ExternalSecret, signal: AbortSignal): Promise<Holding[]> {
    const holdings: Holding[] = [];
    for (const sink of this.#sinksOf(externalSecret))
      holdings.push(await sink.adopt(externalSecret, signal).catch(() => 'unknown' as const));
    signal.throwIfAborted();
    return holdings;
  }

  async publish(externalSecret: ExternalSecret, payload: Payload, signal: AbortSignal): Promise<Written> {
    const written: Written[] = [];
    for (const sink of this.#sinksOf(externalSecret)) {
      signal.throwIfAborted();
      written.push(await this.#publishTo(sink, externalSecret, payload, signal));
    }
    // The generation is that of the files; how it ended is up to the last that has something to say.
    return Object.assign({}, ...written.toReversed(), ...written.map(verdictOf));
  }

  #sinksOf(externalSecret: ExternalSecret): readonly Sink[] {
    return this.#sinks.filter((sink) => sink.concerns?.(externalSecret) ?? true);
  }

  async #publishTo(
    sink: Sink,
    externalSecret: ExternalSecret,
    payload: Payload,
    signal: AbortSignal,
  ): Promise<Written> {
    const { name } = externalSecret;
    const at: At = { object: `ExternalSecret/${name}` };
    try {
      const written = await this.#writeTo(sink, externalSecret, payload, signal);
      const { changed, generation, changedKeys } = written;
      this.#observe({ kind: 'publish', sink: sink.name, name, result: changed ? 'changed' : 'unchanged' });
      if (changed)
        this.#log.info({ externalSecret: name, sink: sink.name, generation, keys: changedKeys }, 'published');
      return written;
    } catch (thrown) {
      this.#observe({ kind: 'publish', sink: sink.name, name, result: 'failed' });
      throw asAgentError(thrown, 'PublishFailed', at);
    }
  }

  /** A sink that holds these inputs keeps what it has: another one's failure renders random parts anew. */
  async #writeTo(
    sink: Sink,
    externalSecret: ExternalSecret,
    payload: Payload,
    signal: AbortSignal,
  ): Promise<Written> {
    if (this.#sinks.length > 1) {
      const held = await sink.adopt(externalSecret, signal).catch(() => undefined);
      if (held?.payloadHash === payload.hash)
        return { changed: false, generation: held.generation, changedKeys: [] };
    }
    return await sink.publish(externalSecret, payload, signal);
  }

  /** deletionPolicy Delete takes all away; false when a sink wants it proven again. */
  async withdraw(externalSecret: ExternalSecret, signal: AbortSignal): Promise<boolean> {
    let done = true;
    for (const sink of this.#sinksOf(externalSecret)) {
      if (sink.withdraw === undefined) await sink.remove(externalSecret.target.name, signal);
      else done = (await sink.withdraw(externalSecret, signal)) && done;
    }
    return done;
  }

  async remove(targetName: string, signal: AbortSignal): Promise<void> {
    for (const sink of this.#sinks) await sink.remove(targetName, signal);
  }

  /** Clears away what an earlier life delivered and no spec names now. */
  async sweep(liveTargets: ReadonlySet<string>): Promise<void> {
    for (const sink of this.#sinks) {
      const swept = await sink.sweep(liveTargets);
      if (swept.length > 0)
        this.#log.info({ sink: sink.name, targets: swept }, 'removed, as nobody names them');
    }
  }
}

function agreed(holdings: readonly Holding[]): Adopted | undefined {
  const [first] = holdings;
  if (first === undefined || first === 'unknown') return undefined;
  const same = holdings.every((each) => each !== 'unknown' && each?.payloadHash === first.payloadHash);
  return same ? first : undefined;
}

function verdictOf({ reason, message, again }: Written): Partial<Written> {
  return { ...(reason && { reason }), ...(message && { message }), ...(again && { again }) };
}
