import { AgentError } from './errors.ts';
import type { Json, JsonNumber } from './json-value.ts';
import { limits } from './limits.ts';

/** Where a member's value stands in a text, in bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Read {
  readonly value: Json;
  /** Where the members of the outermost object stand; of equal keys the last. */
  readonly spans: ReadonlyMap<string, Span>;
}

interface OpenObject {
  readonly value: Map<string, Json>;
  readonly close: '}';
  key: string;
}

interface OpenArray {
  readonly value: Json[];
  readonly close: ']';
}

type Open = OpenObject | OpenArray;

/**
 * Reads JSON as Go's encoding/json does: its grammar and nothing more lenient, each byte that is not UTF-8 and each
 * half of a surrogate pair as U+FFFD. It keeps its own stack, so that depth costs memory and not the call stack.
 */
export class JsonReader {
  readonly #text: string;
  readonly #number: (literal: string) => JsonNumber;
  readonly #open: Open[] = [];
  readonly #spans = new Map<string, Span>();
  #at = 0;
  /** Where the value of the outermost object's current member starts. */
  #memberStart = 0;

  /** `text` holds one character per byte. */
  constructor(text: string, number: (literal: string) => JsonNumber) {
    this.#text = text;
    this.#number = number;
  }

  read(): Read {
    for (let value = this.#begin(); ; value = this.#begin()) {
      let whole: Json | undefined = value;
      while (whole !== undefined) {
        const open = this.#open.at(-1);
        if (open === undefined) return { value: this.#ended(whole), spans: this.#spans };
        this.#add(open, whole);
        whole = this.#closed(open);
      }
    }
  }

  /** The next value that is whole at once: a scalar or something empty. Opens what it is in. */
  #begin(): Json {
    for (;;) {
      this.#skipSpace();
      if (this.#open.length === 1) this.#memberStart = this.#at;
      const char = this.#text[this.#at];
      if (char !== '{' && char !== '[') return this.#scalar(char);
      if (this.#open.length >= limits.jsonDepth) {
        throw new AgentError('DecodeFailed', `the value is JSON nested deeper than ${limits.jsonDepth}`);
      }
      this.#at++;
      this.#skipSpace();
      const open: Open = char === '{' ? { value: new Map(), close: '}', key: '' } : { value: [], close: ']' };
      if (this.#takes(open.close)) return open.value;
      if (open.close === '}') open.key = this.#key();
      this.#open.push(open);
    }
  }

  #add(open: Open, value: Json): void {
    if (open.close === ']') {
      open.value.push(value);
      return;
    }
    open.value.set(open.key, value);
    if (this.#open.length === 1) this.#spans.set(open.key, { start: this.#memberStart, end: this.#at });
  }

  /** What a value ends with it: the container that closes, or nothing where another value follows. */
  #closed(open: Open): Json | undefined {
    this.#skipSpace();
    if (this.#takes(open.close)) {
      this.#open.pop();
      return open.value;
    }
    this.#expect(',');
    if (open.close === '}') {
      this.#skipSpace();
      open.key = this.#key();
    }
    return undefined;
  }

  #ended(value: Json): Json {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#fault();
    return value;
  }

  #key(): string {
    const key = this.#string();
    this.#skipSpace();
    this.#expect(':');
    return key;
  }

  #scalar(char: string | undefined): Json {
    switch (char) {
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#numberLiteral();
    }
  }

  #word<T>(word: string, value: T): T {
    for (const char of word) this.#expect(char);
    return value;
  }

  #numberLiteral(): JsonNumber {
    const start = this.#at;
    this.#takes('-');
    if (!this.#takes('0')) this.#digits();
    if (this.#takes('.')) this.#digits();
    if (this.#takes('e') || this.#takes('E')) {
      if (!this.#takes('+')) this.#takes('-');
      this.#digits();
    }
    return this.#number(this.#text.slice(start, this.#at));
  }

  /** One or more. */
  #digits(): void {
    const start = this.#at;
    while (isDigit(this.#text.charCodeAt(this.#at))) this.#at++;
    if (this.#at === start) throw this.#fault();
  }

  #string(): string {
    this.#expect('"');
    const start = this.#at;
    let hasEscape = false;
    for (; this.#text[this.#at] !== '"'; this.#at++) {
      if (!(this.#text.charCodeAt(this.#at) >= 0x20)) throw this.#fault();
      if (this.#text[this.#at] !== '\\') continue;
      hasEscape = true;
      this.#escape();
    }
    const content = utf8Text(this.#text.slice(start, this.#at++));
    return hasEscape ? (JSON.parse(`"${content}"`) as string).toWellFormed() : content;
  }

  /** Steps to the last character of an escape. */
  #escape(): void {
    this.#at++;
    const char = this.#text[this.#at] ?? '';
    if (char === '' || !'"\\/bfnrtu'.includes(char)) throw this.#fault();
    if (char !== 'u') return;
    for (let count = 0; count < 4; count++) {
      this.#at++;
      if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? '')) throw this.#fault();
    }
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #takes(char: string): boolean {
    const isThere = this.#text[this.#at] === char;
    if (isThere) this.#at++;
    return isThere;
  }

  #expect(char: string): void {
    if (!this.#takes(char)) throw this.#fault();
  }

  /** The place counts bytes from 1, as Go's SyntaxError does. */
  #fault(): AgentError {
    const { length } = this.#text;
    const where =
      this.#at < length ? `byte ${this.#at + 1} is wrong` : `it ends too early, after byte ${length}`;
    return new AgentError('DecodeFailed', `the value is not JSON: ${where}`, {
      remedy: 'correct it in the store, or take it as one key with data, without a property',
    });
  }
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** One character, of one byte or of several; the group holds a byte that is of none. */
const character =
  /[\0-\x7f]+|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|\xed[\x80-\x9f][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xf0[\x90-\xbf][\x80-\xbf]{2}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|([\0-\xff])/g;

/** UTF-8 bytes as text. Node takes a broken sequence for one U+FFFD, Go each of its bytes. */
function utf8Text(bytes: string): string {
  const text = Buffer.from(bytes, 'latin1').toString('utf8');
  if (!text.includes('\ufffd')) return text;
  const mended = bytes.replace(character, (found, broken?: string) =>
    broken === undefined ? found : '\xef\xbf\xbd',
  );
  return Buffer.from(mended, 'latin1').toString('utf8');
}
