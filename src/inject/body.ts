import type { IncomingMessage } from 'node:http';
import { limits } from '../base/limits.ts';

/** Why a body was not taken: too long, too many large ones at once, or who sent it went away. */
export type Untaken = 'too-long' | 'busy' | 'gone';

/**
 * Reads the bodies of one server. What all of them hold together is bounded, since memory is: what a review usually has
 * is always taken, and of larger ones a few at a time.
 */
export class Bodies {
  #heldBytes = 0;

  async read(request: IncomingMessage): Promise<Buffer | Untaken> {
    if (Number(request.headers['content-length'] ?? 0) > limits.reviewBytes) return 'too-long';
    const parts: Buffer[] = [];
    let [length, held] = [0, 0];
    try {
      for await (const part of request as AsyncIterable<Buffer>) {
        length += part.length;
        if (length > limits.reviewBytes) return 'too-long';
        const more = Math.max(0, length - limits.reviewUsualBytes) - held;
        if (this.#heldBytes + more > limits.reviewHeldBytes) return 'busy';
        held += more;
        this.#heldBytes += more;
        parts.push(part);
      }
      return Buffer.concat(parts, length);
    } catch {
      return 'gone';
    } finally {
      this.#heldBytes -= held;
    }
  }
}
