/**
 * Specs as nearly everybody writes them, read without the `yaml` library. Cold as it is at a start, that takes 20 ms
 * for an ExternalSecret of 100 entries and 5 ms for one of a single entry, and it was a quarter of the code that each
 * start loaded. This takes 1.7 ms and 0.8 ms.
 *
 * It reads: documents between `---`, block mappings and lists, comments, texts of one line with or without quotes,
 * `true`, `false` and decimal integers, `|` and `|-` blocks, and brackets that close on their line. A file in which
 * anything else stands, or in which anything is doubtful or wrong, is left whole to the library (`../yaml.ts`): every
 * message about a file comes from there. What is read here is as if read there, to each value and each place;
 * test/spec/plain-yaml.test.ts holds both to that. Expressions read a line at once, and places are offsets until
 * somebody asks: code that runs a few times is not compiled, and letter by letter it would be slow.
 */
import { limits } from '../../base/limits.ts';
import { isTooDeep, type SpecDocument, type SpecFile } from '../document.ts';
import { readBlock } from './block.ts';
import { Cursor } from './cursor.ts';
import { Lines, PlainDocument } from './document.ts';
import { readFlow } from './flow.ts';
import { foreign, plainValue } from './scalar.ts';
import { PlainTree } from './tree.ts';

/** Every document of the file; undefined when it takes the library to read it. */
export function readPlainYaml(file: SpecFile): readonly SpecDocument[] | undefined {
  const { text } = file;
  return isTooLong(text) || foreign.test(text) || mayBeTooDeep(text) ? undefined : new Reader(file).read();
}

/** No shorter text has too many values. */
function isTooLong({ length }: string): boolean {
  return length > 2 * limits.yamlNodeCount;
}

/** Brackets are few, but in a file of many templates. */
function mayBeTooDeep(text: string): boolean {
  const { yamlDepth } = limits;
  let count = 0;
  for (let i = text.indexOf('['); i >= 0 && count <= yamlDepth; i = text.indexOf('[', i + 1)) count++;
  for (let i = text.indexOf('{'); i >= 0 && count <= yamlDepth; i = text.indexOf('{', i + 1)) count++;
  return count > yamlDepth && isTooDeep(text);
}

/** Lines without content, the indent of the next one, its dashes, and its key. */
const entry = /((?: *(?:#.*)?\n)*)( *)((?:- +)*)(?:([\w./][\w./-]*|"[^"\\\n]+"|'[^'\n]+'):(?: +|(?=\n)))?/y;

/** A text without quotes, in double, in single ones, or a block's header; and the end of the line. */
const scalar =
  /(?:([^ \n\-?:,[\]{}#&*!|>'"%@`][^ \n:]*(?:(?::(?=[^ \n])| +(?=[^ \n#]))[^ \n:]*)*)|"([^"\\\n]*)"|'([^'\n]*)'|(\|-?))? *(?:(?<= )#.*)?\n/y;

const marker = /--- *(?:(?<= )#.*)?\n/y;
const lineEnd = / *(?:(?<= )#.*)?\n/y;

class Reader {
  readonly #cursor: Cursor;
  readonly #lines: Lines;
  readonly #documents: SpecDocument[] = [];
  /** Of the document. */
  #start = 0;
  #tree = new PlainTree();

  constructor(file: SpecFile) {
    this.#cursor = new Cursor(file.text.endsWith('\n') ? file.text : `${file.text}\n`);
    this.#lines = new Lines(file);
  }

  read(): readonly SpecDocument[] | undefined {
    const cursor = this.#cursor;
    while (cursor.at < cursor.text.length) if (!this.#readEntry()) return undefined;
    if (!this.#endDocument(0) || this.#documents.length > limits.specDocumentCount) return undefined;
    return this.#documents;
  }

  /** `next` is where another starts. */
  #endDocument(next: number): boolean {
    const { slot, isEmpty, value, root } = this.#tree;
    if (slot !== undefined && !isEmpty) return false;
    if (!isEmpty) {
      this.#documents.push(new PlainDocument(value, root, { start: this.#start, lines: this.#lines }));
      this.#tree = new PlainTree();
    }
    this.#start = next;
    return true;
  }

  #readEntry(): boolean {
    const cursor = this.#cursor;
    const from = cursor.at;
    const found = cursor.take(entry)!;
    const line = from + found[1]!.length;
    const dashes = found[3]!;
    const key = found[4];
    let column = found[2]!.length;
    if (dashes === '' && key === undefined) return this.#readOther(line);
    for (let i = 0; i < dashes.length; i++, column++) {
      if (dashes[i] === '-' && !this.#tree.addElement(column, line + column)) return false;
    }
    if (key !== undefined && !this.#tree.addMember(key, column, line + column)) return false;
    return this.#readValue(key !== undefined);
  }

  /** The end of the file, of a document, or a document in brackets. */
  #readOther(line: number): boolean {
    const cursor = this.#cursor;
    if (cursor.at === cursor.text.length) return true;
    if (cursor.at === line && cursor.take(marker)) return this.#endDocument(line);
    return this.#tree.isEmpty && this.#readFlow();
  }

  /** The rest of a line. A key may have its value on the next ones. */
  #readValue(hasKey: boolean): boolean {
    const start = this.#cursor.at;
    const found = this.#cursor.take(scalar);
    if (found === null) return this.#readFlow();
    if (found[1] !== undefined) {
      const value = plainValue(found[1]);
      return value !== undefined && this.#tree.fill(value, start, start);
    }
    const quoted = found[2] ?? found[3];
    if (quoted !== undefined) return this.#tree.fill(quoted, start, start + 1);
    return found[4] === undefined ? hasKey : readBlock(this.#cursor, this.#tree, { header: found[4], start });
  }

  #readFlow(): boolean {
    const start = this.#cursor.at;
    const { slot } = this.#tree;
    const value = slot && readFlow(this.#cursor, slot);
    return value !== undefined && this.#cursor.take(lineEnd) !== null && this.#tree.fill(value, start, start);
  }
}
