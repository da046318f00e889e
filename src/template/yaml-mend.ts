import { type Document, Lexer, parseAllDocuments } from 'yaml';
import { YamlFault } from './yaml-fault.ts';

/** Places mended before a text is given up, and letters read anew for them: after each the whole text is read again,
 * at the rate of 200 KB a second where it is full of mistakes. */
const mendCount = 20;
const mendLetters = 256 * 1024;

const options = {
  version: '1.1',
  schema: 'failsafe',
  uniqueKeys: false,
  merge: false,
  prettyErrors: false,
  logLevel: 'error',
} as const;

/**
 * The first document, and the text that it was read from. go-yaml lets the lines of a quoted text and of a `[` or
 * `{` start in any column, the library does not: they are indented for it, which changes nothing, since leading
 * space is folded away.
 */
export function parseFirst(source: string): { text: string; document: Document | undefined } {
  let text = source;
  for (let left = Math.min(mendCount, Math.floor(mendLetters / source.length)); ; left--) {
    const document = firstDocument(text);
    const mended = left > 0 ? mend(text, document) : undefined;
    if (mended === undefined) return { text, document };
    text = mended;
  }
}

function firstDocument(text: string): Document | undefined {
  try {
    return parseAllDocuments(text, options)[0] as Document | undefined;
  } catch (thrown) {
    // The library recurses into what is nested.
    if (thrown instanceof RangeError) throw new YamlFault('nested too deep');
    throw thrown;
  }
}

function mend(text: string, document: Document | undefined): string | undefined {
  const errors = document?.errors ?? [];
  const open = errors.find(({ message }) => message.startsWith('Missing closing'));
  const quoted = open === undefined ? undefined : indentQuoted(text, open.pos[0]);
  if (quoted !== undefined) return quoted;
  return errors.length > 0 ? indentFlow(text) : undefined;
}

/** Indents the lines from `offset`, a line's end within a quoted text, up to its closing quote. */
function indentQuoted(text: string, offset: number): string | undefined {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  for (const closing of [/[^"\\]*(?:\\[\s\S][^"\\]*)*"/y, /[^']*(?:''[^']*)*'/y]) {
    closing.lastIndex = offset;
    const rest = closing.exec(text)?.[0];
    if (rest === undefined || documentMark.test(rest)) continue;
    const quote = rest.at(-1)!;
    if (!text.slice(lineStart, offset).includes(quote) || !/\n[^\n]/.test(rest)) continue;
    return indented(text, [offset, offset + rest.length], offset - lineStart + 1);
  }
  return undefined;
}

/** What ends a document wherever it stands. */
const documentMark = /\n(---|\.\.\.)(\s|$)/;

/** The mark that the library puts where it gives up a `[` or `{` for the column of a line. */
const flowEnd = '\u0018';

/** Indents the rest of the first `[` or `{` that the library gives up, up to its end. */
function indentFlow(text: string): string | undefined {
  let offset = 0;
  let depth = 0;
  let start = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === flowEnd) return indentRest(text, { start, offset, depth });
    if (/^[[{]$/.test(lexeme) && depth++ === 0) start = offset;
    if (/^[\]}]$/.test(lexeme)) depth--;
    if (!/^[\u0002\u001f]$/.test(lexeme)) offset += lexeme.length;
  }
  return undefined;
}

function indentRest(
  text: string,
  { start, offset, depth }: { start: number; offset: number; depth: number },
): string | undefined {
  const end = endOfFlow(text, offset, depth);
  // From the line's end before, so that its own start is indented too.
  const from = text.lastIndexOf('\n', offset);
  if (end === undefined || from < start || documentMark.test(text.slice(from, end))) return undefined;
  return indented(text, [from, end], start - text.lastIndexOf('\n', start));
}

/** Quoted text, a comment, a bracket, or anything else up to what may be one of them. */
const flowPiece =
  /"(?:[^"\\]|\\[\s\S])*"|'(?:[^']|'')*'|(?<=\s)#[^\n]*|[[\]{}]|[^\s,:[\]{}][^\s,[\]{}]*|[\s,:]/y;

/** Behind the bracket that closes `depth` of them. */
function endOfFlow(text: string, offset: number, depth: number): number | undefined {
  let open = depth;
  flowPiece.lastIndex = offset;
  for (let piece = flowPiece.exec(text); piece !== null; piece = flowPiece.exec(text)) {
    if (/^[[{]$/.test(piece[0])) open++;
    if (/^[\]}]$/.test(piece[0]) && --open === 0) return flowPiece.lastIndex;
  }
  return undefined;
}

function indented(text: string, [from, to]: readonly [number, number], columns: number): string {
  const lines = text.slice(from, to).replace(/\n(?!\n)/g, `\n${' '.repeat(columns)}`);
  return text.slice(0, from) + lines + text.slice(to);
}
