import type { Clock } from '../base/clock.ts';
import { AgentError, type At } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Payload } from '../plan/payload.ts';
import type { ExternalSecret } from '../spec/spec.ts';
import { errnoOf, publishFailed } from './faults.ts';
import { extraFileOf, filesOf } from './files.ts';
import type { Folder } from './folder.ts';
import { leftovers, liveName } from './generation.ts';
import type { ModeOptions } from './modes.ts';
import { adopt, type FileSet, type Memory, type Publication, publish } from './publication.ts';
import type { Adopted, Sink, Written } from './sink.ts';
import { type Entry, type Place, removeTarget, withOutput, withTarget } from './volume.ts';

export interface DirectoryOptions extends ModeOptions {
  /** `--output`. Made, for its owner alone, when only the last part of the path is missing. */
  readonly output: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How long the generation before the live one stays for readers that are in it. */
  readonly graceMs?: number;
  /** Called with the number of each step of a publication before it is taken; 7 once for each file. */
  readonly onStep?: (step: number) => void;
}

/**
 * Files on the shared volume, each target a folder laid out as a Secret volume. Nothing is opened here: a
 * volume that cannot be written is PublishFailed at each publication, until it can.
 *
 * All file system calls are synchronous. A set is a few small files on tmpfs, each call some microseconds; as
 * promises every one would wait its turn in the thread pool, and two publications could interleave. A set is
 * bounded by `limits.payloadBytes`, and so is the pause.
 */
export function openDirectory(options: DirectoryOptions): Sink {
  return new Directory(options);
}

class Directory implements Sink {
  readonly name = 'directory';
  readonly #options: DirectoryOptions;
  readonly #graceMs: number;
  readonly #memories = new Map<string, Memory>();

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#graceMs = options.graceMs ?? limits.oldGenerationMs;
  }

  async publish(externalSecret: ExternalSecret, payload: Payload, signal: AbortSignal): Promise<Written> {
    signal.throwIfAborted();
    return this.#reported(externalSecret.target.name, externalSecret.at, () => {
      const set = fileSetOf(externalSecret, payload);
      this.#options.onStep?.(1);
      try {
        // `withTarget` gives nothing only where nothing is to be made.
        return withTarget(this.#entryOf(externalSecret, true), (place) =>
          publish(this.#publication(place), set),
        )!;
      } finally {
        this.#expire(externalSecret.target.name);
      }
    });
  }

  async adopt(externalSecret: ExternalSecret, signal: AbortSignal): Promise<Adopted | undefined> {
    signal.throwIfAborted();
    const expected = { externalSecret: externalSecret.name, extraFile: extraFileOf(externalSecret) };
    const { name } = externalSecret.target;
    try {
      return this.#reported(name, externalSecret.at, () => {
        return withTarget(this.#entryOf(externalSecret, false), (place) =>
          adopt(this.#publication(place), expected),
        );
      });
    } catch (error) {
      // The publication that follows fails of the same, and is told as the loop tells failures.
      this.#options.log.debug({ target: name, error }, 'what is on the volume cannot be used');
      return undefined;
    }
  }

  async remove(targetName: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { output, log } = this.#options;
    this.#memories.delete(targetName);
    this.#reported(targetName, {}, () => {
      const gone = withOutput(output, false, (folder) => removeTarget(folder, targetName)) ?? true;
      if (!gone) log.warn({ target: targetName }, 'the folder stays: it holds what this agent did not make');
    });
  }

  async sweep(liveTargets: ReadonlySet<string>): Promise<readonly string[]> {
    return this.#reported('', {}, () => {
      const swept = withOutput(this.#options.output, false, (output) => {
        const folders = output.names().filter((name) => output.lstat(name)?.isDirectory());
        return folders.filter((name) => !liveTargets.has(name) && this.#sweepOne(output, name)).sort();
      });
      return swept ?? [];
    });
  }

  /** A folder that cannot be removed, or is not ours, holds up no other. */
  #sweepOne(output: Folder, name: string): boolean {
    try {
      const gone = removeTarget(output, name);
      if (gone) this.#memories.delete(name);
      return gone;
    } catch (thrown) {
      const error = publishFailed(thrown, this.#pathOf(name));
      this.#options.log.warn({ target: name, error }, 'a folder that is out of use could not be removed');
      return false;
    }
  }

  #publication(place: Place): Publication {
    const { clock, log, onStep } = this.#options;
    const dropOld = (): void => {
      for (const targetName of this.#memories.keys()) this.#dropOld(targetName);
    };
    return { place, memory: this.#memoryOf(place.name), clock, log, dropOld, step: onStep ?? (() => {}) };
  }

  #memoryOf(targetName: string): Memory {
    const known = this.#memories.get(targetName);
    if (known !== undefined) return known;
    const memory: Memory = { old: undefined, unreported: undefined };
    this.#memories.set(targetName, memory);
    return memory;
  }

  /** Lets the old generation go when its grace is over. Two flips of a target are a second apart or more, so
   * that only so many can wait here. */
  #expire(targetName: string): void {
    const old = this.#memories.get(targetName)?.old;
    if (old === undefined) return;
    if (this.#graceMs === 0) this.#dropOld(targetName);
    else void this.#options.clock.sleep(this.#graceMs).then(() => this.#dropIf(targetName, old));
  }

  #dropIf(targetName: string, old: string): void {
    if (this.#memories.get(targetName)?.old === old) this.#dropOld(targetName);
  }

  #dropOld(targetName: string): void {
    const memory = this.#memoryOf(targetName);
    if (memory.old === undefined) return;
    memory.old = undefined;
    try {
      withTarget(this.#entry(targetName), ({ target }) => {
        for (const name of leftovers(target, [liveName(target)])) target.remove(name);
      });
    } catch (thrown) {
      const error = publishFailed(thrown, this.#pathOf(targetName));
      this.#options.log.warn({ target: targetName, error }, 'an old generation could not be removed');
    }
  }

  #entryOf(externalSecret: ExternalSecret, make: boolean): Entry {
    const { fileMode } = externalSecret.options;
    const entry = this.#entry(externalSecret.target.name);
    return { ...entry, make, modes: { ...entry.modes, ...(fileMode === undefined ? {} : { fileMode }) } };
  }

  #entry(targetName: string): Entry {
    const { output, fileMode, dirMode } = this.#options;
    return { output, targetName, modes: { fileMode, dirMode }, make: false };
  }

  #pathOf(targetName: string): string {
    return targetName === '' ? this.#options.output : `${this.#options.output}/${targetName}`;
  }

  /** Gives a failure of the file system the user's path, and every failure the place of the spec. */
  #reported<T>(targetName: string, at: At, work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      if (!(thrown instanceof AgentError) && errnoOf(thrown) === '') throw thrown;
      throw publishFailed(thrown, this.#pathOf(targetName)).within(at);
    }
  }
}

function fileSetOf(externalSecret: ExternalSecret, payload: Payload): FileSet {
  const note = {
    externalSecret: externalSecret.name,
    payloadHash: payload.hash,
    extraFile: extraFileOf(externalSecret),
  };
  return { files: filesOf(externalSecret, payload), note };
}
