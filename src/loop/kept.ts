import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../base/log.ts';
import type { Memory } from '../providers/provider.ts';

/** What the next life of this pod needs to know of a target. */
export interface KeptTarget {
  readonly specHash: string;
  /** Wall ms of the start of the last successful sync. */
  readonly syncedMs: number;
}

interface KeptFile {
  readonly version: number;
  readonly podUid: string;
  readonly targets: Record<string, KeptTarget>;
  readonly memory: Record<string, string>;
}

const fileVersion = 1;

/**
 * The small facts in `--state` that outlive the process, never a value: when and for which spec a target was
 * synced, and what providers remember (a denied batch action). A file of another pod or version is left unread:
 * the folder is the pod's own, so that means that it was copied or is from an older agent.
 */
export class Kept implements Memory {
  readonly #path: string | undefined;
  readonly #podUid: string;
  readonly #log: Log;
  readonly #targets: Map<string, KeptTarget>;
  readonly #memory: Map<string, string>;

  /** `folder` undefined keeps nothing. The folder is made, 0700, when it is missing. */
  constructor(options: { folder: string | undefined; podUid: string; log: Log }) {
    this.#podUid = options.podUid;
    this.#log = options.log;
    this.#path = options.folder === undefined ? undefined : join(options.folder, 'kept.json');
    if (options.folder !== undefined) mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    const file = this.#read();
    this.#targets = new Map(Object.entries(file?.targets ?? {}));
    this.#memory = new Map(Object.entries(file?.memory ?? {}));
  }

  target(name: string): KeptTarget | undefined {
    return this.#targets.get(name);
  }

  setTarget(name: string, kept: KeptTarget | undefined): void {
    if (kept === undefined) this.#targets.delete(name);
    else this.#targets.set(name, kept);
    this.#write();
  }

  get(key: string): string | undefined {
    return this.#memory.get(key);
  }

  set(key: string, value: string | undefined): void {
    if (value === undefined) this.#memory.delete(key);
    else this.#memory.set(key, value);
    this.#write();
  }

  #read(): KeptFile | undefined {
    if (this.#path === undefined) return undefined;
    try {
      const file = JSON.parse(readFileSync(this.#path, 'utf8')) as KeptFile;
      return file.version === fileVersion && file.podUid === this.#podUid ? file : undefined;
    } catch (error) {
      if (!isMissing(error))
        this.#log.warn({ path: this.#path }, 'kept state is unreadable and is made anew');
      return undefined;
    }
  }

  /** A failure loses only what can be found out again, so it is told and not thrown. */
  #write(): void {
    if (this.#path === undefined) return;
    const file: KeptFile = {
      version: fileVersion,
      podUid: this.#podUid,
      targets: Object.fromEntries(this.#targets),
      memory: Object.fromEntries(this.#memory),
    };
    try {
      writeFileSync(`${this.#path}.new`, JSON.stringify(file), { mode: 0o600 });
      renameSync(`${this.#path}.new`, this.#path);
    } catch (error) {
      this.#log.warn({ path: this.#path, err: error }, 'kept state could not be written');
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
