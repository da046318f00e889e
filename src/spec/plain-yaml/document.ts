import type { At } from '../../base/errors.ts';
import type { SpecDocument, SpecFile } from '../document.ts';
import { type Path, pathText } from '../path.ts';

/** Where a value stands, as offsets in the text. */
export interface Part {
  /** Of a member's name, or of an element. */
  label: number;
  /** Of the value: of a text, of its first letter. */
  text: number;
  /** By name in a mapping, by index in a list. */
  members: Map<string, Part> | Part[] | undefined;
}

export function newPart(label: number): Part {
  return { label, text: label, members: undefined };
}

/** A document of the plain reader. */
export class PlainDocument implements SpecDocument {
  readonly value: unknown;
  readonly #root: Part;
  readonly #start: number;
  readonly #lines: Lines;

  /** `start` is the offset of its `---`, or of the file. */
  constructor(value: unknown, root: Part, place: { readonly start: number; readonly lines: Lines }) {
    this.value = value;
    this.#root = root;
    this.#start = place.start;
    this.#lines = place.lines;
  }

  at(path: Path): At {
    let part = this.#root;
    for (const name of path) {
      const member = memberOf(part, name);
      if (member === undefined) break;
      part = member;
    }
    return this.#place(part.label, path);
  }

  textAt(path: Path): At {
    let part: Part | undefined = this.#root;
    for (const name of path) part = part && memberOf(part, name);
    return this.#place(part?.text ?? this.#start, path);
  }

  #place(offset: number, path: Path): At {
    const at = this.#lines.placeOf(offset);
    return path.length === 0 ? at : { ...at, field: pathText(path) };
  }
}

function memberOf({ members }: Part, name: string | number): Part | undefined {
  return members instanceof Map ? members.get(String(name)) : members?.[Number(name)];
}

/** The lines of a file, counted when somebody first asks for one. */
export class Lines {
  readonly #file: SpecFile;
  #starts: readonly number[] | undefined;

  constructor(file: SpecFile) {
    this.#file = file;
  }

  placeOf(offset: number): At {
    this.#starts ??= startsOf(this.#file.text);
    const starts = this.#starts;
    let [line, after] = [0, starts.length];
    while (after - line > 1) {
      const middle = (line + after) >> 1;
      if (starts[middle]! <= offset) line = middle;
      else after = middle;
    }
    return { file: this.#file.path, line: line + 1, column: offset - starts[line]! + 1 };
  }
}

function startsOf(text: string): readonly number[] {
  const starts = [0];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  return starts;
}
