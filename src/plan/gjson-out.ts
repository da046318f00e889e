import type { Work } from './gjson-work.ts';

/** A byte string that grows, and that can be cut. */
export class Out {
  readonly #work: Work;
  #bytes = Buffer.alloc(256);
  #length = 0;

  constructor(work: Work) {
    this.#work = work;
  }

  get length(): number {
    return this.#length;
  }

  /** The last character; empty when nothing is written. */
  get last(): string {
    return this.#length === 0 ? '' : String.fromCharCode(this.#bytes[this.#length - 1]!);
  }

  push(text: string): void {
    this.#work.spend(text.length);
    const length = this.#length + text.length;
    if (length > this.#bytes.length) {
      const larger = Buffer.alloc(length * 2);
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#bytes.write(text, this.#length, 'latin1');
    this.#length = length;
  }

  truncate(length: number): void {
    this.#length = length;
  }

  /** What is written from `start` on. */
  text(start = 0): string {
    return this.#bytes.toString('latin1', start, this.#length);
  }
}
