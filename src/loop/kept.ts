import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Memory } from '../providers/provider.ts';

/** What the next life of this pod needs to know of a target. */
export interface KeptTarget {
  readonly specHash: string;
  /** Wall ms of the start of the last successful sync. */
  readonly syncedMs: number;
  /** Names of the keys that it fetched, of which a template may have made others. */
  readonly fetchedKeys?: readonly string[];
}

interface KeptFile {
  readonly version: number;
  readonly podUid: string;
  readonly targets: Record<string, KeptTarget>;
  readonly memory: Record<string, string>;
}

const fileVersion = 1;
/** Later is no Date (ECMA-262, time values). */
const latestMs = 8.64e15;

/**
 * The small facts in `--state` that outlive the process, never a value: when and for which spec a target was
 * synced, and what providers remember (a denied batch action). A file of another pod or version is left unread:
 * the folder is the pod's own, so that means that it was copied or is from an older agent. Whatever becomes of
 * the folder, secrets are delivered all the same.
 */
export class Kept implements Memory {
  readonly #folder: string | undefined;
  readonly #podUid: string;
  readonly #log: Log;
  readonly #targets: Map<string, KeptTarget>;
  readonly #memory: Map<string, string>;
  readonly #clock: Clock | undefined;
  #isTold = false;
  #unwritten = false;

  /** `folder` undefined keeps nothing. The folder is made, 0700, when it is missing. With a clock, what changes
   * within `limits.keptWriteMs` is one write; without, every change is. */
  constructor(options: { folder: string | undefined; podUid: string; clock?: Clock; log: Log }) {
    this.#clock = options.clock;
    this.#podUid = options.podUid;
    this.#log = options.log;
    this.#folder = options.folder;
    const file = this.#read();
    this.#targets = new Map(Object.entries(file?.targets ?? {}).filter(isKeptTarget));
    this.#memory = new Map(Object.entries(file?.memory ?? {}).filter(isText));
  }

  target(name: string): KeptTarget | undefined {
    return this.#targets.get(name);
  }

  setTarget(name: string, kept: KeptTarget | undefined): void {
    if (kept === undefined) this.#targets.delete(name);
    else this.#targets.set(name, kept);
    this.#writeSoon();
  }

  get(key: string): string | undefined {
    return this.#memory.get(key);
  }

  set(key: string, value: string | undefined): void {
    if (value === undefined) this.#memory.delete(key);
    else this.#memory.set(key, value);
    this.#writeSoon();
  }

  /** Writes now what is not written yet: at the end. */
  flush(): void {
    if (this.#unwritten) this.#write();
  }

  /** Once for all that changes together: a write for each of 100 targets took a sixth of their first sync. */
  #writeSoon(): void {
    if (this.#unwritten) return;
    this.#unwritten = true;
    if (this.#clock === undefined) this.flush();
    else void this.#clock.sleep(limits.keptWriteMs).then(() => this.flush());
  }

  #read(): KeptFile | undefined {
    if (this.#folder === undefined) return undefined;
    try {
      const file = JSON.parse(readFileSync(pathIn(this.#folder), 'utf8')) as KeptFile;
      return file.version === fileVersion && file.podUid === this.#podUid ? file : undefined;
    } catch (error) {
      if (!isMissing(error))
        this.#log.warn(
          { path: pathIn(this.#folder), err: error },
          'kept state is unreadable and is made anew',
        );
      return undefined;
    }
  }

  /** A failure loses only what can be found out again, so it is told, once until it is over, and not thrown. */
  #write(): void {
    this.#unwritten = false;
    if (this.#folder === undefined) return;
    const file: KeptFile = {
      version: fileVersion,
      podUid: this.#podUid,
      targets: Object.fromEntries(this.#targets),
      memory: Object.fromEntries(this.#memory),
    };
    try {
      writeAnew(this.#folder, JSON.stringify(file));
      this.#isTold = false;
    } catch (thrown) {
      if (!this.#isTold)
        this.#log.warn({ err: unkept(this.#folder, thrown) }, 'nothing is kept for a restart');
      this.#isTold = true;
    }
  }
}

function pathIn(folder: string): string {
  return join(folder, 'kept.json');
}

function writeAnew(folder: string, text: string): void {
  const path = pathIn(folder);
  try {
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
    makeFolder(folder);
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
  }
  renameSync(`${path}.new`, path);
}

/** With its parents, one by one: the recursive `mkdirSync` never returns where a file system (procfs) says
 * ENOENT below a folder that is there. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

function unkept(folder: string, cause: unknown): AgentError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown fault';
  return new AgentError('Unavailable', `--state ${folder} cannot be written: ${code}`, {
    remedy: 'name a folder with --state that the agent may write to; in a pod, an emptyDir in memory',
    cause,
  });
}

function isKeptTarget(entry: [string, unknown]): entry is [string, KeptTarget] {
  const target = entry[1] as Partial<Record<keyof KeptTarget, unknown>> | null;
  if (typeof target !== 'object' || target === null) return false;
  const isTime = Number.isFinite(target.syncedMs) && Math.abs(target.syncedMs as number) <= latestMs;
  const { fetchedKeys = [] } = target;
  const areNames = Array.isArray(fetchedKeys) && fetchedKeys.every((key) => typeof key === 'string');
  return typeof target.specHash === 'string' && isTime && areNames;
}

function isText(entry: [string, unknown]): entry is [string, string] {
  return typeof entry[1] === 'string';
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code));
}
