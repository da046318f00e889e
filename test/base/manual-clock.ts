import type { Clock } from '../../src/base/clock.ts';

interface Sleeper {
  readonly wakeAt: number;
  readonly resolve: () => void;
}

/** A clock that moves only when told to, with a seeded random source. */
export class ManualClock implements Clock {
  #now: number;
  readonly #start: number;
  #wallJumpMs = 0;
  #sleepers: Sleeper[] = [];
  #seed: number;

  constructor(options: { now?: number; seed?: number } = {}) {
    this.#now = options.now ?? Date.UTC(2026, 0, 1);
    this.#start = this.#now;
    this.#seed = options.seed ?? 1;
  }

  now(): number {
    return this.#now + this.#wallJumpMs;
  }

  /** The wall clock is set, forwards or backwards; the monotonic one does not notice. */
  setWall(byMs: number): void {
    this.#wallJumpMs += byMs;
  }

  monotonic(): number {
    return this.#now - this.#start;
  }

  /** mulberry32. */
  random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let t = this.#seed;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper: Sleeper = { wakeAt: this.#now + ms, resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal.reason);
      });
    });
  }

  /** How many wait. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** When the next sleeper wakes, as `now()` will read then but for jumps; undefined when none waits. */
  get nextWake(): number | undefined {
    if (this.#sleepers.length === 0) return undefined;
    return Math.min(...this.#sleepers.map((sleeper) => sleeper.wakeAt));
  }

  /** Moves time forward by `ms`, waking sleepers in order and letting promises settle between them. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (let wake = this.nextWake; wake !== undefined && wake <= until; wake = this.nextWake) {
      this.#now = Math.max(this.#now, wake);
      const due = this.#sleepers.filter((sleeper) => sleeper.wakeAt <= this.#now);
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.wakeAt > this.#now);
      for (const sleeper of due) sleeper.resolve();
      await settle();
    }
    this.#now = until;
    await settle();
  }
}

/** Lets every promise and immediate that is ready run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}
