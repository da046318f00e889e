import { type FunctionTable, func, GoError } from '../func.ts';
import { encodeRune, isPrint } from '../utf8.ts';

/** The decoders of sprig have no error: what cannot be decoded gives the text of the error as its value. */
export const encoding: FunctionTable = {
  b64enc: func(['string'], (text) => toBase64(text)),
  b64dec: func(['string'], (text) => valueOrMessage(() => fromBase64(text))),
  b32enc: func(['string'], (text, context) => {
    context.step(text.length >> 3);
    return toBase32(text);
  }),
  b32dec: func(['string'], (text, context) => {
    context.step(text.length >> 3);
    return valueOrMessage(() => fromBase32(text));
  }),
  hexdec: func(['string'], (text) => valueOrMessage(() => fromHex(text))),
};

function valueOrMessage(decode: () => string): string {
  try {
    return decode();
  } catch (error) {
    if (error instanceof GoError) return error.message;
    throw error;
  }
}

export function toBase64(binary: string): string {
  return Buffer.from(binary, 'latin1').toString('base64');
}

/** base64.StdEncoding: padding required, line ends ignored, bits left over not looked at. */
export function fromBase64(text: string): string {
  const wrong = base64Fault(text);
  if (wrong !== undefined) throw new GoError(`illegal base64 data at input byte ${wrong}`);
  return Buffer.from(text, 'base64').toString('latin1');
}

/** Offset that Go names in its error, or undefined when all is well. */
function base64Fault(text: string): number | undefined {
  const body = /^[A-Za-z0-9+/\r\n]*/.exec(text)![0];
  const digits = body.replace(/[\r\n]/g, '').length % 4;
  let at = body.length;
  if (at === text.length) return digits === 0 ? undefined : at - digits;
  if (text[at] !== '=' || digits < 2) return at;
  at = afterNewlines(text, at + 1);
  if (digits === 2) {
    if (at === text.length) return text.length;
    if (text[at] !== '=') return at - 1;
    at = afterNewlines(text, at + 1);
  }
  return at < text.length ? at : undefined;
}

function afterNewlines(text: string, from: number): number {
  let at = from;
  while (text[at] === '\n' || text[at] === '\r') at++;
  return at;
}

const alphabet32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

const digits32 = Buffer.from(alphabet32);

function toBase32(binary: string): string {
  const text = Buffer.alloc(Math.ceil(binary.length / 5) * 8, '=');
  let at = 0;
  let bits = 0;
  let bitCount = 0;
  for (const byte of Buffer.from(binary, 'latin1')) {
    bits = ((bits << 8) | byte) & 0xfff;
    for (bitCount += 8; bitCount >= 5; at++) {
      bitCount -= 5;
      text[at] = digits32[(bits >> bitCount) & 31]!;
    }
  }
  if (bitCount > 0) text[at] = digits32[(bits << (5 - bitCount)) & 31]!;
  return text.toString('latin1');
}

/** How many digits a last group may have that is not full. */
const digitsOfLast: readonly number[] = [2, 4, 5, 7];

function fromBase32(input: string): string {
  const text = input.replace(/[\r\n]/g, '');
  const fail = (at: number) => new GoError(`illegal base32 data at input byte ${at}`);
  const parts: string[] = [];
  for (let at = 0; at < text.length; at += 8) {
    const group = /^[A-Z2-7]*/.exec(text.slice(at, at + 8))![0];
    const stop = at + group.length;
    if (group.length < 8) {
      if (stop === text.length) throw fail(stop - group.length);
      // Padding is only looked for where it can close the text.
      if (text[stop] !== '=' || group.length < 2 || text.length - stop - 1 >= 8) throw fail(stop);
      if (text.length - stop - 1 + group.length < 7) throw fail(text.length);
      const junk = /[^=]/.exec(text.slice(stop + 1, at + 8));
      if (junk !== null) throw fail(stop + junk.index);
      if (!digitsOfLast.includes(group.length)) throw fail(stop);
    }
    parts.push(groupBytes(group));
    if (group.length < 8) break;
  }
  return parts.join('');
}

/** Five bits a digit; those that are left over are not looked at. */
function groupBytes(group: string): string {
  let bytes = '';
  let bits = 0;
  let bitCount = 0;
  for (const digit of group) {
    bits = ((bits << 5) | alphabet32.indexOf(digit)) & 0xfff;
    bitCount += 5;
    if (bitCount < 8) continue;
    bitCount -= 8;
    bytes += String.fromCharCode((bits >> bitCount) & 255);
  }
  return bytes;
}

export function fromHex(text: string): string {
  const bad = /[^0-9a-fA-F]/.exec(text);
  if (bad !== null) throw new GoError(`encoding/hex: invalid byte: ${described(text.charCodeAt(bad.index))}`);
  if (text.length % 2 === 1) throw new GoError('encoding/hex: odd length hex string');
  return Buffer.from(text, 'hex').toString('latin1');
}

/** `%#U` of a byte: U+0067 'g'. */
function described(byte: number): string {
  const code = `U+${byte.toString(16).toUpperCase().padStart(4, '0')}`;
  return isPrint(byte) ? `${code} '${encodeRune(byte)}'` : code;
}
