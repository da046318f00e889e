import { isUtf8 } from 'node:buffer';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { AgentError, type At, asAgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { options } from './contract.ts';
import type { SpecFile } from './document.ts';

export interface LoadedSpecs {
  /** Sorted by path. */
  readonly files: readonly SpecFile[];
  /** Each with its file or folder. */
  readonly problems: readonly AgentError[];
  /** False when something could not be read, so that what is absent may only be unseen: then nothing counts
   * as removed. An empty folder is a problem, and complete. */
  readonly complete: boolean;
}

/** How a volume of a ConfigMap names the link to its current contents. */
export const dataLink = '..data';

const specName = /^[^.].*\.(?:ya?ml|json)$/;

export function isSpecName(name: string): boolean {
  return specName.test(name);
}

/**
 * Hop 1: the text of every spec file under `paths`, each a file or a folder (not recursive; of the default
 * folder also the direct sub-folders that are mounts). What cannot be read is a problem; rejects only with the
 * signal's reason.
 *
 * All reads are synchronous: a few small files of a volume, where a promise would wait its turn in the thread pool
 * for each call, and `node:fs/promises` itself costs a start 2 ms.
 */
export async function loadSpecs(paths: readonly string[], signal?: AbortSignal): Promise<LoadedSpecs> {
  const loading = new Loading(signal);
  for (const path of paths) loading.add(path);
  const files = [...loading.files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files, problems: loading.problems, complete: loading.complete };
}

class Loading {
  readonly files = new Map<string, SpecFile>();
  readonly problems: AgentError[] = [];
  complete = true;
  #length = 0;
  readonly #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  add(path: string): void {
    try {
      if (statSync(path).isDirectory()) this.#addFolder(path);
      else this.#keep([this.#read(path, path)]);
    } catch (error) {
      this.#keep([this.#fault(path, error)]);
    }
  }

  #addFolder(folder: string): void {
    const outcomes = this.#readFolder(folder);
    if (folder === options.specs.default[0]) {
      for (const mount of mountsIn(folder)) outcomes.push(...this.#readFolder(mount));
    }
    this.#keep(outcomes);
    if (outcomes.some((outcome) => outcome !== undefined)) return;
    const remedy = 'put a .yaml, .yml or .json file there, or mount a ConfigMap';
    const at = { file: folder };
    this.problems.push(new AgentError('SpecInvalid', 'the folder holds no spec file', { at, remedy }));
  }

  /** A ConfigMap's volume is read through its link, resolved once, so that all files are of one moment; when
   * that moment's folder goes while it is read, the newer one is read instead. */
  #readFolder(folder: string): Outcome[] {
    for (let attempt = 1; ; attempt++) {
      const generation = generationOf(folder);
      const outcomes = this.#readNames(folder, generation);
      if (attempt === 3 || generationOf(folder) === generation) return outcomes;
    }
  }

  #readNames(folder: string, generation: string): Outcome[] {
    try {
      const names = readdirSync(generation).filter(isSpecName).sort();
      return names.map((name) => this.#read(join(folder, name), join(generation, name)));
    } catch (error) {
      return [this.#fault(folder, error)];
    }
  }

  /** `shown` is the path as the user knows it. */
  #read(shown: string, path: string): Outcome {
    this.#signal?.throwIfAborted();
    try {
      const bytes = readBounded(path);
      return bytes === undefined ? undefined : { path: shown, text: textOf(bytes) };
    } catch (error) {
      return this.#fault(shown, error);
    }
  }

  #fault(file: string, error: unknown): AgentError {
    if (this.#signal?.aborted) throw error;
    return error instanceof AgentError ? error.within({ file }) : unreadable(error, { file });
  }

  #keep(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) {
      if (outcome === undefined) continue;
      if (outcome instanceof AgentError) this.#refuse(outcome);
      else this.#keepFile(outcome);
    }
  }

  #keepFile(file: SpecFile): void {
    this.#length += file.text.length;
    if (this.#length <= limits.specBytes) this.files.set(file.path, file);
    else this.#refuse(tooLarge('all spec files together are', limits.specBytes).within({ file: file.path }));
  }

  #refuse(problem: AgentError): void {
    this.complete = false;
    this.problems.push(problem);
  }
}

/** A file, why it cannot be read, or nothing: not a regular file. */
type Outcome = SpecFile | AgentError | undefined;

function generationOf(folder: string): string {
  try {
    return resolve(folder, readlinkSync(join(folder, dataLink)));
  } catch {
    return folder;
  }
}

/** Each ConfigMap is mounted at a folder of its own; other folders are none of ours. */
function mountsIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  const paths = folders.map(({ name }) => join(folder, name));
  return paths.filter((mount) => generationOf(mount) !== mount).sort();
}

/** The bytes of a regular file; undefined for anything else. Opened without blocking, so that a pipe put in
 * its place cannot hang the agent. */
function readBounded(path: string): Buffer | undefined {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = fstatSync(file);
    if (!found.isFile()) return undefined;
    if (found.size > limits.specFileBytes) throw tooLarge('the file is', limits.specFileBytes);
    return readUpTo(file, { expected: found.size, limit: limits.specFileBytes });
  } finally {
    closeSync(file);
  }
}

/** It may grow while it is read: what was not expected is read too, up to the limit. */
function readUpTo(file: number, { expected, limit }: { expected: number; limit: number }): Buffer {
  let buffer = Buffer.alloc(expected + 1);
  let length = 0;
  for (;;) {
    const bytesRead = readSync(file, buffer, length, buffer.length - length, null);
    length += bytesRead;
    if (length > limit) throw tooLarge('the file is', limit);
    if (bytesRead === 0) return buffer.subarray(0, length);
    if (length === buffer.length) buffer = Buffer.concat([buffer, Buffer.alloc(length)]);
  }
}

function textOf(bytes: Buffer): string {
  if (bytes.length === 0) {
    throw new AgentError('SpecInvalid', 'the file is empty', {
      remedy: 'write a document into it, or remove it',
    });
  }
  if (!isUtf8(bytes)) {
    const remedy = 'keep only YAML or JSON files in UTF-8 among the specs';
    throw new AgentError('SpecInvalid', 'the file is not text', { remedy });
  }
  // A byte order mark says what is known by now.
  return bytes.toString('utf8').replace(/^\ufeff/, '');
}

function tooLarge(what: string, limit: number): AgentError {
  const remedy = 'split it, or keep only the specs of this pod in it';
  return new AgentError('SpecInvalid', `${what} larger than ${limit / 1024 / 1024} MiB`, { remedy });
}

const faults: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  ENOTDIR: 'a part of the path is not a folder',
  EACCES: 'the agent may not read it',
  EPERM: 'the agent may not read it',
  ELOOP: 'its links go in a circle',
};

function unreadable(thrown: unknown, at: At): AgentError {
  const code = (thrown as NodeJS.ErrnoException).code;
  const fault = code === undefined ? undefined : (faults[code] ?? `the system says ${code}`);
  if (fault === undefined) return asAgentError(thrown, 'SpecInvalid', at);
  const remedy = 'say with --specs where the specs are, and check the mode of what is mounted there';
  return new AgentError('SpecInvalid', `cannot be read: ${fault}`, { at, remedy, cause: thrown });
}
