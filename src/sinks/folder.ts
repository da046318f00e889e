import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { errnoOf } from './faults.ts';

/** Linux names what an open descriptor holds here; elsewhere (a laptop's macOS) plain paths have to do. */
const descriptors = '/proc/self/fd';
const hasDescriptors = existsSync(descriptors);

/** Deeper than this nothing of ours goes; what was planted deeper stays, and is reported. */
const removalDepth = 8;

/**
 * A folder held open. Its entries are reached through the descriptor, so that whoever renames it or puts a link
 * in its place meanwhile cannot lead a write elsewhere: what `openat` is for, which Node does not have. No
 * entry is ever followed when it is a link. Errors are those of `node:fs`.
 */
export class Folder {
  readonly fd: number;
  readonly #base: string;

  private constructor(fd: number, path: string) {
    this.fd = fd;
    this.#base = hasDescriptors ? `${descriptors}/${fd}` : path;
  }

  static open(path: string): Folder {
    return new Folder(
      openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW),
      path,
    );
  }

  close(): void {
    closeSync(this.fd);
  }

  /** The path of an entry, good while the folder is open. */
  at(name: string): string {
    return `${this.#base}/${name}`;
  }

  open(name: string): Folder {
    return Folder.open(this.at(name));
  }

  stat(): Stats {
    return fstatSync(this.fd);
  }

  /** Of the entry itself, not of what it links to; undefined when there is none. */
  lstat(name: string): Stats | undefined {
    return lstatSync(this.at(name), { throwIfNoEntry: false });
  }

  names(): string[] {
    return readdirSync(this.at('.'));
  }

  make(name: string, mode: number): void {
    mkdirSync(this.at(name), { mode });
  }

  /** The text of a link; undefined for anything else, which is mostly told without an error: making one takes as
   * long as ten calls of the system. */
  linkText(name: string): string | undefined {
    if (!this.lstat(name)?.isSymbolicLink()) return undefined;
    try {
      return readlinkSync(this.at(name));
    } catch (thrown) {
      if (['ENOENT', 'EINVAL'].includes(errnoOf(thrown))) return undefined;
      throw thrown;
    }
  }

  link(name: string, text: string): void {
    symlinkSync(text, this.at(name));
  }

  rename(from: string, to: string): void {
    renameSync(this.at(from), this.at(to));
  }

  unlink(name: string): void {
    unlinkSync(this.at(name));
  }

  /** A regular file, opened for reading and handed to `use`; undefined for anything else or nothing. */
  read<T>(name: string, use: (fd: number, stat: Stats) => T): T | undefined {
    // Without O_NONBLOCK the opening of a planted pipe would wait for a writer that never comes.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    let fd: number;
    try {
      fd = openSync(this.at(name), flags);
    } catch (thrown) {
      if (['ENOENT', 'ELOOP', 'ENXIO', 'EACCES'].includes(errnoOf(thrown))) return undefined;
      throw thrown;
    }
    try {
      const stat = fstatSync(fd);
      return stat.isFile() ? use(fd, stat) : undefined;
    } finally {
      closeSync(fd);
    }
  }

  /** The content of a regular file of at most `maxBytes`. */
  bytes(name: string, maxBytes: number): Buffer | undefined {
    return this.read(name, (fd, stat) => (stat.size > maxBytes ? undefined : readFileSync(fd)));
  }

  /** A file that was not there before; `finish` sees the descriptor when all is written. */
  create(name: string, file: { bytes: Buffer; mode: number }, finish: (fd: number) => void): void {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = openSync(this.at(name), flags, file.mode);
    try {
      writeFileSync(fd, file.bytes);
      finish(fd);
    } finally {
      closeSync(fd);
    }
  }

  sync(): void {
    fsyncSync(this.fd);
  }

  /** Whatever stands under `name`, with all below it; links are removed, never entered. */
  remove(name: string, depth = removalDepth): void {
    const stat = this.lstat(name);
    if (stat === undefined) return;
    if (stat.isDirectory()) this.#removeFolder(name, depth);
    else this.unlink(name);
  }

  #removeFolder(name: string, depth: number): void {
    const folder = this.open(name);
    try {
      if (depth > 0) for (const entry of folder.names()) folder.remove(entry, depth - 1);
    } finally {
      folder.close();
    }
    rmdirSync(this.at(name));
  }

  /** True when the folder `name` is gone; a folder that still holds something stays. */
  removeEmpty(name: string): boolean {
    try {
      rmdirSync(this.at(name));
      return true;
    } catch (thrown) {
      if (['ENOTEMPTY', 'EEXIST'].includes(errnoOf(thrown))) return false;
      throw thrown;
    }
  }
}
