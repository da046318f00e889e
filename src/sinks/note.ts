import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Files } from './files.ts';
import type { Folder } from './folder.ts';
import { isOwn } from './modes.ts';

const suffix = '.json';
const maxBytes = 16 * 1024;

/** The note stands beside its generation, not in it: a reader that lists the generation meets keys only. */
export function noteName(generation: string): string {
  return `${generation}${suffix}`;
}

/** What the next sync, perhaps of the next life, needs to know of a generation. It holds no value. */
export interface Note {
  readonly version: 1;
  readonly externalSecret: string;
  readonly payloadHash: string;
  /** The file that `format` adds to those of the keys, or the empty string. */
  readonly extraFile: string;
  /** Of names and contents, salted, so that it tells nothing of a value to whoever reads it. */
  readonly salt: string;
  readonly digest: string;
}

/** What a note says beside the digest. */
export type NoteOf = Omit<Note, 'version' | 'salt' | 'digest'>;

export function noteFor(of: NoteOf, files: Files): Note {
  const salt = randomBytes(16).toString('hex');
  return { version: 1, ...of, salt, digest: digestOf(salt, files) };
}

export function saysTheSame(note: Note, of: NoteOf): boolean {
  return (Object.keys(of) as (keyof NoteOf)[]).every((field) => note[field] === of[field]);
}

/** Hex SHA-256 over the names, lengths and bytes of a set of files. */
export function digestOf(salt: string, files: Files): string {
  const hash = createHash('sha256').update(salt);
  for (const [name, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`\0${name}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

/** The note of a generation; undefined when there is none that this agent wrote. */
export function readNote(target: Folder, generation: string): Note | undefined {
  return target.read(noteName(generation), (fd, stat) => {
    return stat.size <= maxBytes && isOwn(stat) ? parseNote(readFileSync(fd, 'utf8')) : undefined;
  });
}

function parseNote(text: string): Note | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isNote(value) ? value : undefined;
}

function isNote(value: unknown): value is Note {
  if (typeof value !== 'object' || value === null) return false;
  const note: Partial<Record<keyof Note, unknown>> = value;
  const { externalSecret, payloadHash, extraFile, salt, digest } = note;
  const texts = [externalSecret, payloadHash, extraFile, salt, digest];
  return note.version === 1 && texts.every((text) => typeof text === 'string');
}
