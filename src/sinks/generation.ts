import { readFileSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { errnoOf } from './faults.ts';
import type { Files } from './files.ts';
import type { Folder } from './folder.ts';
import { isOwn } from './modes.ts';

/** The link that every reader goes through, as in a Secret volume. */
export const dataLink = '..data';

const generationPattern = /^\.\.gen-\d{8}T\d{6}Z-[0-9a-f]{8}$/;
const temporaryPattern = /^\.\.tmp-[0-9a-f]{8}$/;
const notePattern = /^\.\.gen-\d{8}T\d{6}Z-[0-9a-f]{8}\.json$/;

const nameDraws = 16;

/** Unlike any name that the kubelet gives, so that a volume of its own is never taken for ours. */
export function newGenerationName(target: Folder, clock: Clock): string {
  const stamp = new Date(clock.now()).toISOString().replace(/[-:]|\.\d+/g, '');
  return newName(target, clock, `..gen-${stamp}-`);
}

export function newTemporaryName(target: Folder, clock: Clock): string {
  return newName(target, clock, '..tmp-');
}

/** Chance could repeat itself, and what stands under a name is never to be mistaken for our own. */
function newName(target: Folder, clock: Clock, prefix: string): string {
  for (let draw = 0; draw < nameDraws; draw++) {
    const hex = Math.floor(clock.random() * 2 ** 32).toString(16);
    const name = prefix + hex.padStart(8, '0');
    if (target.lstat(name) === undefined) return name;
  }
  throw new Error(`no free name in ${nameDraws} draws`);
}

function isGeneration(name: string): boolean {
  return generationPattern.test(name);
}

/** The generation that `..data` names; undefined when it names none of ours. */
export function liveName(target: Folder): string | undefined {
  const name = target.linkText(dataLink);
  return name !== undefined && isGeneration(name) ? name : undefined;
}

/** Opens the live generation for `use`; undefined when there is none, or what stands there is not ours. */
export function withLive<T>(target: Folder, use: (live: Folder) => T): T | undefined {
  const name = liveName(target);
  const live = name === undefined ? undefined : openOwn(target, name);
  if (live === undefined) return undefined;
  try {
    return isOwn(live.stat()) ? use(live) : undefined;
  } finally {
    live.close();
  }
}

function openOwn(target: Folder, name: string): Folder | undefined {
  try {
    return target.open(name);
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].includes(errnoOf(thrown))) return undefined;
    throw thrown;
  }
}

/** Temporary names, generations and notes, but for those of the generations `kept`. */
export function leftovers(target: Folder, kept: readonly (string | undefined)[]): readonly string[] {
  return target.names().filter((name) => isOurs(name) && !kept.some((live) => live && name.startsWith(live)));
}

/** Names that only this sink gives, beside `..data`. */
export function isOurs(name: string): boolean {
  return generationPattern.test(name) || notePattern.test(name) || temporaryPattern.test(name);
}

/** Names in `live` that are not byte for byte what `files` says, or not ours, or too many; sorted. */
export function differences(live: Folder, files: Files): readonly string[] {
  const differing = [...files].filter(([name, bytes]) => !holds(live, name, bytes)).map(([name]) => name);
  const foreign = live.names().filter((name) => !files.has(name));
  return [...differing, ...foreign].sort();
}

function holds(live: Folder, name: string, bytes: Buffer): boolean {
  const same = live.read(
    name,
    (fd, stat) => isOwn(stat) && stat.size === bytes.length && readFileSync(fd).equals(bytes),
  );
  return same ?? false;
}

/** Every file of a generation; undefined when something in it is no file of ours, or is larger than any. */
export function load(live: Folder): Files | undefined {
  const files = new Map<string, Buffer>();
  for (const name of live.names()) {
    const bytes = live.read(name, (fd, stat) => {
      return isOwn(stat) && stat.size <= limits.payloadBytes ? readFileSync(fd) : undefined;
    });
    if (bytes === undefined) return undefined;
    files.set(name, bytes);
  }
  return files;
}
