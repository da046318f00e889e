import { Lexer } from 'yaml';

/**
 * Tabs that go-yaml refuses and the library takes: where a line is indented, between `-`, `?` or the `:` of an
 * explicit key and what follows in block style, in a line that holds nothing else, and at the start of a block
 * of text.
 */
export function refusedTab(text: string): number | undefined {
  if (!suspect.test(text)) return undefined;
  const scan = new TabScan();
  for (const lexeme of new Lexer().lex(text)) {
    const refused = scan.next(lexeme);
    if (refused !== undefined) return refused;
    if (scan.hasEnded) return undefined;
  }
  return undefined;
}

/** No other tab is worth a second reading. */
const suspect = /(?:^|[\n?:-]) *\t/;

/** The marks that the library puts between lexemes, and the one of them before plain text and blocks of text. */
const marks = /^[\u0002\u0018\u001f]$/;
const textMark = '\u001f';

/** As much of go-yaml's scanner as tells where a tab may stand. */
class TabScan {
  /** The first document is over. */
  hasEnded = false;
  #offset = 0;
  #lineStart = 0;
  #flowDepth = 0;
  #hasBegun = false;
  /** Columns of the block collections that are open. */
  readonly #indents: number[] = [];
  /** Whether a key may start here (simple_key_allowed there); no tab may then. */
  #isKeyAllowed = true;
  /** Where the key would start that a `:` on this line ends. */
  #keyColumn: number | undefined;
  /** After plain text: space is still its own, which may go on in the next line. */
  #isAfterPlain = false;
  #blockHeader: string | undefined;
  /** The line holds nothing but space so far. */
  #isBlank = true;
  #isText = false;

  /** The offset of a tab in the lexeme that is refused. */
  next(lexeme: string): number | undefined {
    if (marks.test(lexeme)) {
      this.#isText = lexeme === textMark;
      return undefined;
    }
    const refused = this.#read(lexeme);
    this.#isText = false;
    this.#offset += lexeme.length;
    const newline = lexeme.lastIndexOf('\n');
    if (newline >= 0) this.#lineStart = this.#offset - lexeme.length + newline + 1;
    return refused;
  }

  #read(lexeme: string): number | undefined {
    if (/^[ \t]+$/.test(lexeme)) return this.#space(lexeme);
    if (lexeme === '\n') return this.#newline();
    this.#isBlank = false;
    if (lexeme.startsWith('#')) {
      this.#isAfterPlain = false;
      return undefined;
    }
    if (this.#blockHeader !== undefined) return this.#block(lexeme, this.#blockHeader);
    if (this.#flowDepth > 0) return this.#flow(lexeme);
    return this.#token(lexeme);
  }

  get #column(): number {
    return this.#offset - this.#lineStart;
  }

  #space(lexeme: string): number | undefined {
    const tab = lexeme.indexOf('\t');
    if (tab < 0 || this.#flowDepth > 0) return undefined;
    const isPlain = this.#isAfterPlain && this.#isBlank;
    return (isPlain ? this.#isOutside(this.#column + tab) : this.#isKeyAllowed)
      ? this.#offset + tab
      : undefined;
  }

  #newline(): undefined {
    this.#keyColumn = undefined;
    this.#isBlank = true;
    if (this.#flowDepth === 0) this.#isKeyAllowed = true;
  }

  /** Whether what stands in a column is not indented as what goes on must be. */
  #isOutside(column: number): boolean {
    return column <= (this.#indents.at(-1) ?? -1);
  }

  #block(body: string, header: string): number | undefined {
    this.#blockHeader = undefined;
    this.#isBlank = true;
    this.#isKeyAllowed = true;
    const lead = /\d/.test(header) ? null : /^(?: *\n)* *(?=\t)/.exec(body);
    return lead === null ? undefined : this.#offset + lead[0].length;
  }

  #flow(lexeme: string): undefined {
    if (/^[{[]$/.test(lexeme)) this.#flowDepth++;
    if (/^[}\]]$/.test(lexeme)) this.#flowDepth--;
    this.#isKeyAllowed = false;
  }

  #token(lexeme: string): number | undefined {
    const column = this.#column;
    this.#isAfterPlain = false;
    if (/^(?:---|\.\.\.)$/.test(lexeme)) {
      this.hasEnded = this.#hasBegun;
      this.#isKeyAllowed = false;
      return undefined;
    }
    if (lexeme.startsWith('%')) return undefined;
    this.#hasBegun = true;
    this.#close(column);
    if (this.#isText) return this.#plain(lexeme);
    if (lexeme === '-' || lexeme === '?') return this.#openAt(column, true);
    if (lexeme === ':') return this.#openAt(this.#keyColumn ?? column, this.#keyColumn === undefined);
    this.#startKey();
    if (/^[|>][-+\d]*$/.test(lexeme)) this.#blockHeader = lexeme;
    else if (/^[{[]$/.test(lexeme)) this.#flowDepth++;
    return undefined;
  }

  /** A token ends the collections that stand further in; after the last one nothing is read any more. */
  #close(column: number): void {
    if (this.#indents.length === 0) return;
    while (this.#indents.length > 0 && this.#indents.at(-1)! > column) this.#indents.pop();
    this.hasEnded = this.#indents.length === 0;
  }

  #startKey(): void {
    if (this.#isKeyAllowed) this.#keyColumn = this.#column;
    this.#isKeyAllowed = false;
  }

  #openAt(column: number, isKeyAllowed: boolean): undefined {
    if (!this.#isOutside(column)) this.#indents.push(column);
    this.#isKeyAllowed = isKeyAllowed;
    this.#keyColumn = undefined;
  }

  #plain(text: string): number | undefined {
    this.#isAfterPlain = true;
    this.#startKey();
    for (const { index, 0: lead } of text.matchAll(/\n *(?=\t)/g)) {
      if (this.#isOutside(lead.length - 1)) return this.#offset + index + lead.length;
    }
    return undefined;
  }
}
