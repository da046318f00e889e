import { statfsSync } from 'node:fs';
import { refuse } from './faults.ts';

/** `statfs` types of file systems that live in memory, where fsync has nothing to save (linux/magic.h). */
const memoryTypes = new Set([0x01021994, 0x858458f6]);

/** tmpfs keeps the text of longer links in a page of its own (SHORT_SYMLINK_LEN in mm/shmem.c). */
const inlineLinkBytes = 128;

/** What a publication is about to put on the volume. */
export interface Need {
  /** Sizes of the files, the note included. */
  readonly fileBytes: readonly number[];
  /** Texts of the links that are to be made. */
  readonly links: readonly string[];
  readonly folders: number;
}

export function isInMemory(path: string): boolean {
  return memoryTypes.has(statfsSync(path).type);
}

/** Whether a full second copy fits beside what is there, in blocks and in inodes. */
export function fits(path: string, need: Need): boolean {
  const volume = statfsSync(path);
  // A file system without a bound, or without a count, says 0 of 0.
  const bytesFit = volume.blocks === 0 || volume.bavail >= blocksOf(need, volume.bsize);
  const inodesFit = volume.files === 0 || volume.ffree >= inodesOf(need);
  return bytesFit && inodesFit;
}

/** The refusal, in figures that are the same every time. */
export function tooSmall(volumePath: string, refused: { path: string; need: Need }): Error {
  const { path, need } = refused;
  const volume = statfsSync(volumePath);
  const bytes = blocksOf(need, volume.bsize) * volume.bsize;
  const message =
    `${path} has no room for a whole set, which takes ${bytes} bytes and ${inodesOf(need)} inodes ` +
    `(the volume has ${volume.blocks * volume.bsize} bytes and ${volume.files} inodes in all)`;
  return refuse(message, {
    remedy: 'Give the volume at least twice the size of its secrets; what was delivered before stays.',
  });
}

function blocksOf(need: Need, blockBytes: number): number {
  const files = need.fileBytes.reduce((sum, bytes) => sum + Math.ceil(bytes / blockBytes), 0);
  const longLinks = need.links.filter((text) => Buffer.byteLength(text) >= inlineLinkBytes).length;
  return files + longLinks + need.folders;
}

function inodesOf(need: Need): number {
  return need.fileBytes.length + need.links.length + need.folders;
}
