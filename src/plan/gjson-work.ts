import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

/** What one look-up may cost. A path can multiply the document, and gjson itself has no bound. */
export class Work {
  #bytes = 0;
  #depth = 0;

  /** Counts bytes read or made. Throws DecodeFailed over the bound. */
  spend(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > limits.pathWorkBytes) throw tooMuch('takes too much work');
  }

  /** Runs one level of nesting. Throws DecodeFailed over the bound. */
  nested<T>(run: () => T): T {
    if (this.#depth >= limits.pathDepthCount) throw tooMuch('nests too deep');
    this.#depth++;
    try {
      return run();
    } finally {
      this.#depth--;
    }
  }
}

function tooMuch(fault: string): AgentError {
  return new AgentError('DecodeFailed', `the property's path ${fault} on this value`, {
    remedy: 'use a simpler path, or store the value where a plain name reaches it',
  });
}
