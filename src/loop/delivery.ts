import { type At, asAgentError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Payload } from '../plan/payload.ts';
import type { Adopted, Sink, Written } from '../sinks/sink.ts';
import type { ExternalSecret } from '../spec/spec.ts';
import type { LoopEvent } from './state.ts';

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

  /** What the sinks hold of an ExternalSecret, whole, when all of them hold the same payload. */
  async adopt(externalSecret: ExternalSecret, signal: AbortSignal): Promise<Adopted | undefined> {
    const adopted: (Adopted | undefined)[] = [];
    for (const sink of this.#sinks) adopted.push(await sink.adopt(externalSecret, signal));
    const [first] = adopted;
    return adopted.every((each) => each?.payloadHash === first?.payloadHash) ? first : undefined;
  }

  async publish(externalSecret: ExternalSecret, payload: Payload, signal: AbortSignal): Promise<Written> {
    const written: Written[] = [];
    for (const sink of this.#sinks)
      written.push(await this.#publishTo(sink, externalSecret, payload, signal));
    return written[0]!;
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
      const written = await sink.publish(externalSecret, payload, signal);
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
