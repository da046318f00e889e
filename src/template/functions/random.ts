import { type CallContext, type FunctionTable, func, GoError } from '../func.ts';
import { fromRunes, runesOf } from '../utf8.ts';
import { toBase64 } from './encoding.ts';

const digits = '0123456789';
const capitals = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const letters = capitals + capitals.toLowerCase();
const printable = String.fromCharCode(...Array.from({ length: 95 }, (_, i) => 0x20 + i));

export const random: FunctionTable = {
  randAlphaNum: func(['int'], (count, context) => randomText(letters + digits, count, context)),
  randAlpha: func(['int'], (count, context) => randomText(letters, count, context)),
  randAscii: func(['int'], (count, context) => randomText(printable, count, context)),
  randNumeric: func(['int'], (count, context) => randomText(digits, count, context)),
  randInt: func(['int', 'int'], (low, high, context) => {
    const span = BigInt.asIntN(64, high - low);
    if (span <= 0n) throw new GoError('invalid argument to Intn');
    return BigInt.asIntN(64, low + below(span, context));
  }),
  randBytes: func(['int'], (count, context) => {
    if (count < 0n) throw new GoError('runtime error: makeslice: len out of range');
    context.grow(bounded(count));
    return toBase64(context.randomBytes(Number(count)).toString('latin1'));
  }),
  uuidv4: func([], (context) => {
    const bytes = context.randomBytes(16);
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }),
  shuffle: func(['string'], shuffle),
};

function bounded(count: bigint): number {
  return count > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(count);
}

/** Each of the characters as likely as the others; nothing for a negative count. */
function randomText(alphabet: string, count: bigint, context: CallContext): string {
  if (count <= 0n) return '';
  context.grow(bounded(count));
  let text = '';
  while (text.length < Number(count)) {
    context.step(1 + ((Number(count) - text.length) >> 6));
    text += pick(alphabet, Number(count) - text.length, context);
  }
  return text;
}

/** Bytes from which each character comes equally often; the few above the last whole round are dropped. */
function pick(alphabet: string, count: number, context: CallContext): string {
  const limit = 256 - (256 % alphabet.length);
  let text = '';
  for (const byte of context.randomBytes(Math.min(count, 4096))) {
    if (byte < limit) text += alphabet[byte % alphabet.length];
  }
  return text;
}

/** Uniform in [0, span). 64 bits more than the span needs make the bias of the remainder nothing. */
function below(span: bigint, context: CallContext): bigint {
  return BigInt(`0x${context.randomBytes(16).toString('hex')}`) % span;
}

/** Fisher-Yates over the characters. */
function shuffle(text: string, context: CallContext): string {
  const runes = runesOf(text);
  context.step(runes.length);
  const draws = context.randomBytes(runes.length * 8);
  for (let i = runes.length - 1; i > 0; i--) {
    const other = Number(draws.readBigUInt64BE(i * 8) % BigInt(i + 1));
    [runes[i], runes[other]] = [runes[other]!, runes[i]!];
  }
  return fromRunes(runes);
}
