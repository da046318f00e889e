import type { Cursor } from './cursor.ts';
import { newPart, type Part } from './document.ts';
import { plainName, plainValue } from './scalar.ts';
import { depthLimit, type Members } from './tree.ts';

const start = /[[{] */y;
const empty = /\{ *\}|\[ *\]/y;
const key = /([\w./][\w./-]*(?=: )|"[^"\\\n]+"|'[^'\n]+'): */y;

/** A text without quotes, in double or in single ones. */
const scalar =
  /([^ \n\-?:,[\]{}#&*!|>'"%@`][^ \n:,[\]{}]*(?:(?::(?=[^ \n,[\]{}])| +(?=[^ \n#:,[\]{}]))[^ \n:,[\]{}]*)*)|"([^"\\\n]*)"|'([^'\n]*)'/y;

const next = / *(?:, *|([\]}]))/y;

/** A list or mapping in brackets, which end with their line; undefined where it takes the library to know. */
export function readFlow(cursor: Cursor, part: Part, depth = 0): unknown {
  const isList = cursor.text[cursor.at] === '[';
  const parts = isList ? [] : new Map<string, Part>();
  part.members = parts;
  if (cursor.take(empty)) return isList ? [] : {};
  if (depth > depthLimit || !cursor.take(start)) return undefined;
  return Array.isArray(parts) ? readList(cursor, parts, depth) : readMapping(cursor, parts, depth);
}

function readList(cursor: Cursor, parts: Part[], depth: number): unknown[] | undefined {
  const list: unknown[] = [];
  for (;;) {
    const part = newPart(cursor.at);
    const value = readValue(cursor, part, depth);
    const more = value === undefined ? null : cursor.take(next);
    if (more === null) return undefined;
    parts.push(part);
    list.push(value);
    if (more[1] !== undefined) return more[1] === ']' ? list : undefined;
  }
}

function readMapping(cursor: Cursor, parts: Map<string, Part>, depth: number): Members | undefined {
  const mapping: Members = {};
  for (;;) {
    const part = newPart(cursor.at);
    const found = cursor.take(key);
    const name = found === null ? undefined : plainName(found[1]!);
    if (name === undefined || parts.has(name)) return undefined;
    const value = readValue(cursor, part, depth);
    const more = value === undefined ? null : cursor.take(next);
    if (more === null) return undefined;
    parts.set(name, part);
    mapping[name] = value;
    if (more[1] !== undefined) return more[1] === '}' ? mapping : undefined;
  }
}

function readValue(cursor: Cursor, part: Part, depth: number): unknown {
  part.text = cursor.at;
  const found = cursor.take(scalar);
  if (found === null) return readFlow(cursor, part, depth + 1);
  if (found[1] !== undefined) return plainValue(found[1]);
  part.text++;
  return found[2] ?? found[3];
}
