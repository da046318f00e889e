import { setImmediate } from 'node:timers/promises';

/** One work at a time, and between two of them whatever else waits: pods that need no such work, and new connections. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  async take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(async () => {
      await setImmediate();
      return await work();
    });
    this.#last = mine.catch(() => {});
    return await mine;
  }
}
