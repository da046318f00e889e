import type { IncomingMessage } from 'node:http';
import { limits } from '../base/limits.ts';

/** Why a body was not taken: too long, too many large ones at once, or who sent it went away. */
export type Untaken = 'too-long' | 'busy' | 'gone';

/**
 * The bodies of one server. What all of them hold together is bounded, since memory is: what a review usually has
 * is always taken, and of larger ones a few at a time.
 */
export class Bodies {
  #heldBytes = 0;

  /** What `work` makes of a body, whose share is held until it ends: what is read from it waits for its turn. */
  async use<T>(request: IncomingMessage, work: (body: Buffer | Untaken) => Promise<T>): Promise<T> {
    const share = { bytes: 0 };
    try {
      return await work(await this.#read(request, share));
    } finally {
      this.#heldBytes -= share.bytes;
    }
  }

  async #read(request: IncomingMessage, share: { bytes: number }): Promise<Buffer | Untaken> {
    if (Number(request.headers['content-length'] ?? 0) > limits.reviewBytes) return 'too-long';
    const parts: Buffer[] = [];
    let length = 0;
    try {
      for await (const part of request as AsyncIterable<Buffer>) {
        length += part.length;
        if (length > limits.reviewBytes) return 'too-long';
        const more = Math.max(0, length - limits.reviewUsualBytes) - share.bytes;
        if (this.#heldBytes + more > limits.reviewHeldBytes) return 'busy';
        share.bytes += more;
        this.#heldBytes += more;
        parts.push(part);
      }
      return Buffer.concat(parts, length);
    } catch {
      return 'gone';
    }
  }
}
