import { newPart, type Part } from './document.ts';
import { plainName } from './scalar.ts';

/** Deeper than any spec. */
export const depthLimit = 50;

export type Members = Record<string, unknown>;

/** A mapping or list that may go on. */
interface Open {
  readonly column: number;
  readonly value: Members | unknown[];
  readonly parts: Map<string, Part> | Part[];
  /** Of a mapping, the last member's. */
  name: string;
}

/** A document while it grows. What does not fit at its place is answered with false. */
export class PlainTree {
  readonly root = newPart(-1);
  value: unknown;
  /** What has no value yet. */
  slot: Part | undefined = this.root;
  readonly #open: Open[] = [];

  get isEmpty(): boolean {
    return this.slot === this.root;
  }

  /** Of the innermost mapping or list. */
  get column(): number {
    return this.#open.at(-1)?.column ?? -1;
  }

  addElement(column: number, offset: number): boolean {
    const list = this.#enter(column, offset, true);
    if (list === undefined) return false;
    this.slot = newPart(-1);
    (list.parts as Part[]).push(this.slot);
    return true;
  }

  addMember(key: string, column: number, offset: number): boolean {
    const name = plainName(key);
    const mapping = name === undefined ? undefined : this.#enter(column, offset, false);
    const parts = mapping?.parts as Map<string, Part> | undefined;
    if (name === undefined || mapping === undefined || parts === undefined || parts.has(name)) return false;
    this.slot = newPart(offset);
    parts.set(name, this.slot);
    mapping.name = name;
    return true;
  }

  /** Gives what has no value yet this one. */
  fill(value: unknown, start: number, text: number): boolean {
    const { slot } = this;
    if (slot === undefined) return false;
    if (slot.label < 0) slot.label = start;
    slot.text = text;
    this.slot = undefined;
    const parent = this.#open.at(-1);
    if (parent === undefined) this.value = value;
    else if (Array.isArray(parent.value)) parent.value.push(value);
    else parent.value[parent.name] = value;
    return true;
  }

  /** The mapping or list that what stands in this column is part of, begun here if need be. */
  #enter(column: number, offset: number, isList: boolean): Open | undefined {
    if (this.slot !== undefined) return this.#begin(this.slot, { column, offset, isList });
    const open = this.#open;
    while (this.column > column) open.pop();
    // A list may stand in the column of the key that it belongs to.
    if (!isList && this.column === column && Array.isArray(open.at(-1)?.value)) open.pop();
    const last = open.at(-1);
    return last?.column === column && Array.isArray(last.value) === isList ? last : undefined;
  }

  #begin(slot: Part, { column, offset, isList }: Begun): Open | undefined {
    const parent = this.#open.at(-1);
    const isBelow = isList && parent?.column === column && !Array.isArray(parent.value);
    if ((column <= this.column && !isBelow) || this.#open.length > depthLimit) return undefined;
    const begun = { column, value: isList ? [] : {}, parts: isList ? [] : new Map<string, Part>(), name: '' };
    slot.members = begun.parts;
    this.fill(begun.value, offset, offset);
    this.#open.push(begun);
    return begun;
  }
}

interface Begun {
  readonly column: number;
  readonly offset: number;
  readonly isList: boolean;
}
