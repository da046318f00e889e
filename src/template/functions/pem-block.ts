import { GoError } from '../func.ts';
import { fromBase64, toBase64 } from './encoding.ts';
import { byBytes } from './lists.ts';
import { trimSpace } from './runes.ts';

/** Go's encoding/pem over binary strings. */
export interface PemBlock {
  readonly type: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly bytes: Buffer;
}

const begin = '-----BEGIN ';
const end = '\n-----END ';
const dashes = '-----';

/**
 * pem.Decode: the first block that can be read, and what follows it; without one, all of the text. A block
 * runs from the last BEGIN line before an END line, so that junk and unfinished blocks are passed over.
 */
export function decodePem(text: string): { block: PemBlock | undefined; rest: string } {
  for (let from = 0; ; ) {
    const endAt = text.indexOf(end, from);
    if (endAt < 0) return { block: undefined, rest: text };
    const after = endAt + end.length;
    // The newline before END may also be the one that ends the BEGIN line.
    const beginAt = text.slice(from, endAt).lastIndexOf(begin);
    const start = from + beginAt;
    if (beginAt < 0 || (beginAt > 0 && text[start - 1] !== '\n')) {
      from = after;
      continue;
    }
    const found = blockAt(text, start, endAt);
    if (found === 'none') return { block: undefined, rest: text };
    if (found !== 'skip') return found;
    from = after;
  }
}

/** The block; or `skip` to look on behind its END, or `none` to give up. */
function blockAt(
  text: string,
  start: number,
  endAt: number,
): { block: PemBlock; rest: string } | 'skip' | 'none' {
  const afterEnd = endAt + end.length;
  const typeLine = lineAt(text, start + begin.length);
  if (!typeLine.text.endsWith(dashes)) return 'skip';
  const type = typeLine.text.slice(0, -dashes.length);
  const headers = new Map<string, string>();
  let body = typeLine.next;
  for (;;) {
    if (body >= text.length) return 'none';
    const line = lineAt(text, body);
    const colon = line.text.indexOf(':');
    if (colon < 0) break;
    headers.set(trimSpace(line.text.slice(0, colon)), trimSpace(line.text.slice(colon + 1)));
    body = line.next;
  }
  if (headers.size > 0 && endAt < body) return body > afterEnd ? 'none' : 'skip';
  const trailer = `${type}${dashes}`;
  if (!text.startsWith(trailer, afterEnd)) return 'skip';
  const endLine = lineAt(text, afterEnd + trailer.length);
  if (endLine.text !== '') return 'skip';
  const bytes = bodyBytes(endAt > body ? text.slice(body, endAt) : '');
  return bytes === undefined ? 'skip' : { block: { type, headers, bytes }, rest: text.slice(endLine.next) };
}

function bodyBytes(body: string): Buffer | undefined {
  try {
    return Buffer.from(fromBase64(body.replace(/[ \t]/g, '')), 'latin1');
  } catch (error) {
    if (error instanceof GoError) return undefined;
    throw error;
  }
}

/** A line without its end and the blanks before it, and where the next one starts. */
function lineAt(text: string, from: number): { text: string; next: number } {
  const newline = text.indexOf('\n', from);
  const next = newline < 0 ? text.length : newline + 1;
  const stop =
    newline < 0 ? text.length : newline > from && text[newline - 1] === '\r' ? newline - 1 : newline;
  let last = stop;
  while (last > from && (text[last - 1] === ' ' || text[last - 1] === '\t')) last--;
  return { text: text.slice(from, last), next };
}

/** pem.EncodeToMemory. */
export function encodePem(
  type: string,
  bytes: Buffer,
  headers: ReadonlyMap<string, string> = new Map(),
): string {
  const lines = [`${begin}${type}${dashes}\n`];
  const names = [...headers.keys()].filter((name) => name !== 'Proc-Type').sort(byBytes);
  if (headers.has('Proc-Type')) names.unshift('Proc-Type');
  if (names.some((name) => name.includes(':')))
    throw new GoError('pem: cannot encode a header key that contains a colon');
  for (const name of names) lines.push(`${name}: ${headers.get(name)}\n`);
  if (names.length > 0) lines.push('\n');
  const body = toBase64(bytes.toString('latin1'));
  for (let at = 0; at < body.length; at += 64) lines.push(`${body.slice(at, at + 64)}\n`);
  return `${lines.join('')}${end.slice(1)}${type}${dashes}\n`;
}

/** pem.Decode of what must hold a block. */
export function firstBlock(text: string): PemBlock {
  const { block } = decodePem(text);
  if (block === undefined) throw new GoError('failed to decode PEM block');
  return block;
}
