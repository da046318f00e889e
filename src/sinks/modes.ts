import { fchmodSync, fchownSync, fstatSync, type Stats } from 'node:fs';
import { refuse } from './faults.ts';

const setgid = 0o2000;

/** Permission bits as asked for: `auto` follows the volume. */
export interface ModeOptions {
  readonly fileMode: 'auto' | number;
  readonly dirMode: 'auto' | number;
}

export interface Modes {
  readonly file: number;
  /** Of the notes, which only the agent reads. */
  readonly note: number;
  readonly folder: number;
  /** The group that everything must have: that of a volume with setgid (`fsGroup`), else undefined. */
  readonly gid: number | undefined;
}

/**
 * What files and folders below `output` get. The owner can always read what it must compare with the next
 * payload, and setgid is kept on folders that inherit it, whatever was asked for.
 */
export function modesOf(output: Stats, asked: ModeOptions): Modes {
  const grouped = (output.mode & setgid) !== 0;
  const file = asked.fileMode === 'auto' ? (grouped ? 0o440 : 0o444) : asked.fileMode | 0o400;
  const folder = asked.dirMode === 'auto' ? (grouped ? 0o750 : 0o755) : asked.dirMode | 0o700;
  return {
    file,
    note: 0o400,
    folder: grouped ? folder | setgid : folder,
    gid: grouped ? output.gid : undefined,
  };
}

/** What a mode has to be, and for whom it is said when it cannot be. */
export interface Settling {
  readonly mode: number;
  readonly gid: number | undefined;
  readonly path: string;
}

/**
 * Gives an open file or folder its mode and group, if it has not got them, and makes sure that they hold: the
 * kernel drops setgid without a word when the caller is not in the group. True when something was changed.
 */
export function settle(fd: number, wanted: Settling): boolean {
  const before = fstatSync(fd);
  if (isSettled(before, wanted)) return false;
  if (!hasGroup(before, wanted)) changeGroup(fd, before, wanted);
  // A change of group may have cost bits of the mode.
  if ((fstatSync(fd).mode & 0o7777) !== wanted.mode) fchmodSync(fd, wanted.mode);
  if (!isSettled(fstatSync(fd), wanted)) throw groupRefused(wanted);
  return true;
}

function isSettled(stat: Stats, wanted: Settling): boolean {
  return (stat.mode & 0o7777) === wanted.mode && hasGroup(stat, wanted);
}

function hasGroup(stat: Stats, wanted: Settling): boolean {
  return wanted.gid === undefined || stat.gid === wanted.gid;
}

/** Giving a file of one's own to a group that one is in needs no privilege. */
function changeGroup(fd: number, stat: Stats, wanted: Settling): void {
  try {
    fchownSync(fd, stat.uid, wanted.gid ?? stat.gid);
  } catch (cause) {
    throw groupRefused(wanted, cause);
  }
}

function groupRefused(wanted: Settling, cause?: unknown): Error {
  return refuse(`${wanted.path} cannot be given the group ${wanted.gid} of its volume`, {
    cause,
    remedy: "Run the agent in that group: the pod's fsGroup, or supplementalGroups.",
  });
}

/** What another owner made may have been put there by anyone who may write to the volume. */
export function isOwn(stat: Stats): boolean {
  return process.geteuid === undefined || stat.uid === process.geteuid();
}
