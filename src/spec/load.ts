import { constants } from 'node:fs';
import { type FileHandle, open, readdir, readlink, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AgentError, type At, asAgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { options } from './contract.ts';
import type { SpecFile } from './yaml.ts';

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
 * folder also the direct sub-folders that are mounts). What cannot be read is a problem; throws only the
 * signal's reason.
 */
export async function loadSpecs(paths: readonly string[], signal?: AbortSignal): Promise<LoadedSpecs> {
  const loading = new Loading(signal);
  for (const path of paths) await loading.add(path);
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

  async add(path: string): Promise<void> {
    try {
      const found = await stat(path);
      if (found.isDirectory()) await this.#addFolder(path);
      else this.#keep([await this.#read(path, path)]);
    } catch (error) {
      this.#keep([this.#fault(path, error)]);
    }
  }

  async #addFolder(folder: string): Promise<void> {
    const outcomes = await this.#readFolder(folder);
    if (folder === options.specs.default[0]) {
      for (const mount of await mountsIn(folder)) outcomes.push(...(await this.#readFolder(mount)));
    }
    this.#keep(outcomes);
    if (outcomes.some((outcome) => outcome !== undefined)) return;
    const remedy = 'put a .yaml, .yml or .json file there, or mount a ConfigMap';
    const at = { file: folder };
    this.problems.push(new AgentError('SpecInvalid', 'the folder holds no spec file', { at, remedy }));
  }

  /** A ConfigMap's volume is read through its link, resolved once, so that all files are of one moment; when
   * that moment's folder goes while it is read, the newer one is read instead. */
  async #readFolder(folder: string): Promise<Outcome[]> {
    for (let attempt = 1; ; attempt++) {
      const generation = await generationOf(folder);
      const outcomes = await this.#readNames(folder, generation);
      if (attempt === 3 || (await generationOf(folder)) === generation) return outcomes;
    }
  }

  async #readNames(folder: string, generation: string): Promise<Outcome[]> {
    try {
      const names = (await readdir(generation)).filter(isSpecName);
      const outcomes: Outcome[] = [];
      for (const name of names.sort())
        outcomes.push(await this.#read(join(folder, name), join(generation, name)));
      return outcomes;
    } catch (error) {
      return [this.#fault(folder, error)];
    }
  }

  /** `shown` is the path as the user knows it. */
  async #read(shown: string, path: string): Promise<Outcome> {
    this.#signal?.throwIfAborted();
    try {
      const bytes = await readBounded(path);
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

async function generationOf(folder: string): Promise<string> {
  const target = await readlink(join(folder, dataLink)).catch(() => undefined);
  return target === undefined ? folder : resolve(folder, target);
}

/** Each ConfigMap is mounted at a folder of its own; other folders are none of ours. */
async function mountsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  const mounts: string[] = [];
  for (const { name } of folders) {
    const mount = join(folder, name);
    if ((await generationOf(mount)) !== mount) mounts.push(mount);
  }
  return mounts.sort();
}

/** The bytes of a regular file; undefined for anything else. Opened without blocking, so that a pipe put in
 * its place cannot hang the agent. */
async function readBounded(path: string): Promise<Buffer | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) return undefined;
    if (found.size > limits.specFileBytes) throw tooLarge('the file is', limits.specFileBytes);
    return await readUpTo(file, limits.specFileBytes);
  } finally {
    await file.close();
  }
}

/** It may grow while it is read. */
async function readUpTo(file: FileHandle, limit: number): Promise<Buffer> {
  const buffer = Buffer.alloc(limit + 1);
  let length = 0;
  while (length <= limit) {
    const { bytesRead } = await file.read(buffer, length, limit + 1 - length);
    if (bytesRead === 0) return Buffer.from(buffer.subarray(0, length));
    length += bytesRead;
  }
  throw tooLarge('the file is', limit);
}

function textOf(bytes: Buffer): string {
  if (bytes.length === 0) {
    throw new AgentError('SpecInvalid', 'the file is empty', {
      remedy: 'write a document into it, or remove it',
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const remedy = 'keep only YAML or JSON files in UTF-8 among the specs';
    throw new AgentError('SpecInvalid', 'the file is not text', { remedy });
  }
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
