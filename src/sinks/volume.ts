import { fsyncSync, mkdirSync } from 'node:fs';
import { errnoOf, publishFailed, refuse } from './faults.ts';
import { checkTargetName } from './files.ts';
import { Folder } from './folder.ts';
import { dataLink, isOurs, leftovers, liveName } from './generation.ts';
import { staleLinks } from './links.ts';
import { isOwn, type ModeOptions, type Modes, modesOf, settle } from './modes.ts';
import { isInMemory } from './space.ts';

/** One target's folder, held open while it is worked on. */
export interface Place {
  /** `target.name`. */
  readonly name: string;
  readonly target: Folder;
  /** The path of the target as the user knows it, for messages. */
  readonly path: string;
  readonly modes: Modes;
  /** The volume is a disk, so that what must survive a loss of power is to be fsynced. */
  readonly durable: boolean;
}

/** Opens the output for `use`; undefined when there is none and it is not to be made. */
export function withOutput<T>(path: string, make: boolean, use: (output: Folder) => T): T | undefined {
  const output = reach(path, make);
  if (output === undefined) return undefined;
  try {
    return use(output);
  } finally {
    output.close();
  }
}

function reach(path: string, make: boolean): Folder | undefined {
  try {
    return openOutput(path, make);
  } catch (thrown) {
    throw publishFailed(thrown, path);
  }
}

/** A missing output is made for its owner alone: in a pod it is a mount, and on a laptop nobody else's. */
function openOutput(path: string, make: boolean): Folder | undefined {
  try {
    return Folder.open(path);
  } catch (thrown) {
    if (errnoOf(thrown) !== 'ENOENT') throw thrown;
    if (!make) return undefined;
    mkdirSync(path, { mode: 0o700 });
    return Folder.open(path);
  }
}

export interface Entry {
  /** `--output`. */
  readonly output: string;
  readonly targetName: string;
  readonly modes: ModeOptions;
  /** Whether output and target are made when they are missing. */
  readonly make: boolean;
}

/** Opens a target's folder for `use`; undefined when there is none and it is not to be made. */
export function withTarget<T>(entry: Entry, use: (place: Place) => T): T | undefined {
  checkTargetName(entry.targetName);
  return withOutput(entry.output, entry.make, (output) => {
    const modes = modesOf(output.stat(), entry.modes);
    const target = openTarget(output, entry.targetName, entry.make ? modes : undefined);
    if (target === undefined) return undefined;
    try {
      const path = `${entry.output}/${entry.targetName}`;
      const durable = !isInMemory(output.at('.'));
      const place: Place = { name: entry.targetName, target, path, modes, durable };
      if (entry.make) claim(output, place);
      return use(place);
    } finally {
      target.close();
    }
  });
}

/** A missing folder is made where `made` says with which modes, else undefined. */
function openTarget(output: Folder, name: string, made?: Modes): Folder | undefined {
  try {
    if (output.lstat(name) === undefined) {
      if (!made) return undefined;
      // Setgid is not asked for: the kernel gives it where the parent has it, to whoever makes the folder.
      output.make(name, made.folder & 0o777);
    }
    return output.open(name);
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT' && !made) return undefined;
    throw thrown;
  }
}

/** Makes sure that the folder is ours to fill, with our modes. */
function claim(output: Folder, place: Place): void {
  const { target, path, durable } = place;
  if (target.names().length > 0 && !isOursToFill(target)) {
    throw refuse(`${path} holds files that this agent did not make`, {
      remedy: 'Choose another target.name or --output, or empty that folder.',
    });
  }
  settleTarget(place);
  if (durable) fsyncSync(output.fd);
}

/** A folder of another owner is a mount point, and keeps what its owner gave it. */
export function settleTarget({ target, modes, path }: Place): void {
  if (isOwn(target.stat())) settle(target.fd, { mode: modes.folder, gid: modes.gid, path });
}

/** A folder is ours when it holds a name that only this sink gives, or a `..data` that links to such a name:
 * neither people nor the kubelet give those. Links of keys alone are what is left when a removal was killed. */
function isOursToFill(target: Folder): boolean {
  if (liveName(target) !== undefined || target.names().some(isOurs)) return true;
  return target.lstat(dataLink) === undefined && staleLinks(target, new Set()).length > 0;
}

/** Removes all that is ours in a target, `..data` first so that the keys go at once, and the folder if nothing
 * else is in it. True when it is gone. */
export function removeTarget(output: Folder, name: string): boolean {
  const target = openTarget(output, name);
  if (target === undefined) return true;
  try {
    if (!isOursToFill(target)) return false;
    if (liveName(target) !== undefined) target.unlink(dataLink);
    for (const link of staleLinks(target, new Set())) target.unlink(link);
    for (const leftover of leftovers(target, [])) target.remove(leftover);
  } finally {
    target.close();
  }
  return output.removeEmpty(name);
}
