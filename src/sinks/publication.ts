import { fsyncSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { publishFailed } from './faults.ts';
import type { Files } from './files.ts';
import type { Folder } from './folder.ts';
import {
  dataLink,
  differences,
  leftovers,
  liveName,
  load,
  newGenerationName,
  newTemporaryName,
  withLive,
} from './generation.ts';
import { missingLinks, reconcileLinks, visibleText } from './links.ts';
import { settle } from './modes.ts';
import { digestOf, type NoteOf, noteFor, noteName, readNote, saysTheSame } from './note.ts';
import type { Adopted, Written } from './sink.ts';
import { fits, type Need, tooSmall } from './space.ts';
import { type Place, settleTarget } from './volume.ts';

/** What this life knows of a target beyond what the volume shows. */
export interface Memory {
  /** The generation before the live one, while readers may still be in it. */
  old: string | undefined;
  /** Keys that flipped in a publication that failed afterwards, and so were never reported. */
  unreported: ReadonlySet<string> | undefined;
}

/** A set of files to be published, and what is to be noted of it. */
export interface FileSet {
  readonly files: Files;
  readonly note: NoteOf;
}

export interface Publication {
  readonly place: Place;
  readonly memory: Memory;
  readonly clock: Clock;
  readonly log: Log;
  /** Lets the old generations of every target go, which makes room. */
  readonly dropOld: () => void;
  readonly step: (number: number) => void;
}

/**
 * Publishes one set, so that a reader of `..data` meets the old set or the new one, whole, whenever this
 * process is killed; what a kill leaves behind, the next publication or life clears away.
 *
 *  1. Open the output and the target's folder, made if missing; no link is followed, here or later.
 *     (`withTarget` has done this.)
 *  2. Remove what a killed life left: temporary links, generations that nothing names.
 *  3. Compare the generation that `..data` names with the payload, byte for byte.
 *  4. Where they are the same, repair modes and note, and go on at 11.
 *  5. See that a whole second copy fits, in blocks and in inodes; if not, old generations go early.
 *  6. Make the new generation's folder, hidden by its leading dots.
 *  7. Write every file into it, each new (O_EXCL), with its mode and group.
 *  8. Write the note that tells the next life what this is.
 *  9. Make a link to the new generation under a temporary name.
 * 10. Rename that link onto `..data`: all keys flip at once. A fault up to here removes what 6 to 9 made, and
 *     nothing else.
 * 11. Make the visible links of new keys, remove those of keys that are gone; also when nothing else changed,
 *     since a life may have been killed right after its flip.
 * 12. Remove what nothing names any more: the generation before the one that is now old. That one follows
 *     after its grace.
 */
export function publish(publication: Publication, set: FileSet): Written {
  const { place, memory, step } = publication;
  const { target, path } = place;

  step(2);
  const before = liveName(target);
  clearAll(publication, [before, memory.old]);

  step(3);
  const changed = changedKeys(target, set);

  let live = before ?? '';
  if (changed === undefined) {
    step(4);
    repair(place, live, set.files);
    renewNote(publication, live, set);
  } else {
    live = flip(publication, set, () => {
      memory.old = before;
      memory.unreported = new Set([...changed, ...(memory.unreported ?? [])]);
    }); // Steps 5 to 10.
  }

  step(11);
  reconcileLinks(target, [...set.files.keys()], { clock: publication.clock, path });

  step(12);
  clearAll(publication, [live, memory.old]);
  const reported = memory.unreported;
  memory.unreported = undefined;
  return { changed: reported !== undefined, generation: live, changedKeys: [...(reported ?? [])].sort() };
}

/**
 * What an earlier life, or an earlier publication, left: undefined unless all of it is there as it was written.
 * Takes the steps that need no payload: 2, 4 and 11.
 */
export function adopt(
  publication: Publication,
  expected: { externalSecret: string; extraFile: string },
): Adopted | undefined {
  const { place, memory, clock, step } = publication;
  step(2);
  const live = liveName(place.target);
  clearAll(publication, [live, memory.old]);

  const note = live === undefined ? undefined : readNote(place.target, live);
  const files = withLive(place.target, load);
  // What flipped without being reported is to be published once more, so that somebody is told.
  if (live === undefined || note === undefined || files === undefined || memory.unreported) return undefined;
  const isExpected = note.externalSecret === expected.externalSecret && note.extraFile === expected.extraFile;
  if (!isExpected || digestOf(note.salt, files) !== note.digest) return undefined;

  step(4);
  repair(place, live, files);
  step(11);
  reconcileLinks(place.target, [...files.keys()], { clock, path: place.path });
  const keys = [...files.keys()].filter((name) => name !== note.extraFile).sort();
  return { generation: live, keys, payloadHash: note.payloadHash };
}

/** The keys that the live generation has otherwise, or not, or too many; undefined when all is the same. */
function changedKeys(target: Folder, { files, note }: FileSet): readonly string[] | undefined {
  const differing = withLive(target, (live) => differences(live, files));
  if (differing?.length === 0) return undefined;
  const live = liveName(target);
  const extraBefore = live === undefined ? '' : readNote(target, live)?.extraFile;
  const names = differing ?? [...files.keys()];
  return names.filter((name) => name !== note.extraFile && name !== extraBefore);
}

/** Steps 5 to 10; calls `flipped` right after the last. Returns the name of the new generation. */
function flip(publication: Publication, set: FileSet, flipped: () => void): string {
  const { place, clock, step } = publication;
  const note = Buffer.from(JSON.stringify(noteFor(set.note, set.files)));
  const name = newGenerationName(place.target, clock);
  const temporary = newTemporaryName(place.target, clock);

  step(5);
  makeRoom(publication, needOf(place.target, { files: set.files, noteBytes: note.length, generation: name }));
  const made: string[] = [];
  try {
    step(6);
    place.target.make(name, place.modes.folder & 0o777);
    made.push(name, noteName(name));
    writeGeneration(publication, name, set.files); // Step 7.

    step(8);
    writeNote(publication, noteName(name), note);
    if (place.durable) place.target.sync();

    step(9);
    place.target.link(temporary, name);
    made.push(temporary);

    step(10);
    place.target.rename(temporary, dataLink);
  } catch (thrown) {
    for (const entry of made) attempt(publication, () => place.target.remove(entry));
    throw thrown;
  }
  flipped();
  if (place.durable) place.target.sync();
  return name;
}

function writeGeneration({ place, step }: Publication, name: string, files: Files): void {
  const { modes, path, durable } = place;
  const folder = place.target.open(name);
  try {
    settle(folder.fd, { mode: modes.folder, gid: modes.gid, path });
    for (const [file, bytes] of files) {
      step(7);
      folder.create(file, { bytes, mode: modes.file }, (fd) => {
        settle(fd, { mode: modes.file, gid: modes.gid, path: `${path}/${file}` });
        if (durable) fsyncSync(fd);
      });
    }
    if (durable) folder.sync();
  } finally {
    folder.close();
  }
}

function writeNote({ place }: Publication, name: string, bytes: Buffer): void {
  place.target.create(name, { bytes, mode: place.modes.note }, (fd) => {
    if (place.durable) fsyncSync(fd);
  });
}

/** Step 4: the same content may come from other inputs now, and the note may have been lost. */
function renewNote(publication: Publication, live: string, { files, note }: FileSet): void {
  const { target } = publication.place;
  const held = readNote(target, live);
  if (held && saysTheSame(held, note) && digestOf(held.salt, files) === held.digest) return;
  const temporary = newTemporaryName(target, publication.clock);
  writeNote(publication, temporary, Buffer.from(JSON.stringify(noteFor(note, files))));
  target.rename(temporary, noteName(live));
}

/** Step 4: modes and group of what is live, which someone may have changed. */
function repair(place: Place, live: string, files: Files): void {
  const { target, modes, path } = place;
  settleTarget(place);
  const folder = target.open(live);
  try {
    settle(folder.fd, { mode: modes.folder, gid: modes.gid, path });
    for (const name of files.keys()) {
      folder.read(name, (fd) => settle(fd, { mode: modes.file, gid: modes.gid, path: `${path}/${name}` }));
    }
  } finally {
    folder.close();
  }
}

/** Step 5. */
function makeRoom({ place, dropOld }: Publication, need: Need): void {
  const volume = place.target.at('.');
  if (fits(volume, need)) return;
  dropOld();
  if (!fits(volume, need)) throw tooSmall(volume, { path: place.path, need });
}

function needOf(target: Folder, made: { files: Files; noteBytes: number; generation: string }): Need {
  const links = missingLinks(target, [...made.files.keys()]).map(visibleText);
  const sizes = [...made.files.values()].map((bytes) => bytes.length);
  return { fileBytes: [...sizes, made.noteBytes], links: [...links, made.generation], folders: 1 };
}

/** What cannot be removed is reported and stays: it holds up no publication. */
function clearAll(publication: Publication, kept: readonly (string | undefined)[]): void {
  for (const name of leftovers(publication.place.target, kept)) {
    attempt(publication, () => publication.place.target.remove(name));
  }
}

function attempt({ place, log }: Publication, removal: () => void): void {
  try {
    removal();
  } catch (thrown) {
    log.warn({ error: publishFailed(thrown, place.path) }, 'what is out of use could not be removed');
  }
}
