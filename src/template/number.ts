import { parseFloat64, underscoresOk } from './float.ts';
import { unquoteChar } from './quote.ts';

/** A number in a template: like Go's untyped constant, it is every kind that can hold it exactly. */
export interface Literal {
  /** As int64, when integral and in range. */
  readonly int: bigint | undefined;
  /** As uint64. */
  readonly uint: bigint | undefined;
  readonly float: number | undefined;
  /** Whether it is a float where nothing asks for a kind: by its spelling, `1e3` is and `0x1e3` is not. */
  readonly isFloat: boolean;
}

const maxInt64 = (1n << 63n) - 1n;
const minInt64 = -(1n << 63n);
const maxUint64 = (1n << 64n) - 1n;

/** The reason as a string, where there is no such number. */
export function parseNumber(text: string): Literal | string {
  const parsed = parseInteger(text);
  if (parsed.int !== undefined || parsed.uint !== undefined) {
    return { ...parsed, float: Number(parsed.int ?? parsed.uint), isFloat: isSpeltAsFloat(text) };
  }
  if (text.endsWith('i') && parseFloat64(text.slice(0, -1)) !== undefined) return complexRefused;
  const float = parseFloat64(text);
  if (float === undefined || !Number.isFinite(float)) return 'illegal number syntax';
  if (!/[.eEpP]/.test(text)) return 'integer overflow';
  const whole = Number.isInteger(float) ? BigInt(float) : undefined;
  return {
    int: whole !== undefined && whole >= minInt64 && whole <= maxInt64 ? whole : undefined,
    uint: whole !== undefined && whole >= 0n && whole <= maxUint64 ? whole : undefined,
    float,
    isFloat: isSpeltAsFloat(text),
  };
}

/** Go looks for these letters, and past the hexadecimal digit e only where no sign stands before the prefix:
 * `-0xe` is a float. */
function isSpeltAsFloat(text: string): boolean {
  return /[.eEpP]/.test(text) && !/^0[xX][^pP]+$/.test(text);
}

/** strconv.ParseInt and ParseUint with base 0: the value as either, where it is one. Only the signed form may
 * carry a sign. */
export function parseInteger(text: string): { int: bigint | undefined; uint: bigint | undefined } {
  const magnitude = parseMagnitude(text.replace(/^[+-]/, ''));
  if (magnitude === undefined || !underscoresOk(text)) return { int: undefined, uint: undefined };
  const value = text.startsWith('-') ? -magnitude : magnitude;
  const int = value >= minInt64 && value <= maxInt64 ? value : undefined;
  const mayBeUint = !/^[+-]/.test(text) || int === 0n;
  return { int, uint: mayBeUint && value <= maxUint64 ? value : undefined };
}

function parseMagnitude(text: string): bigint | undefined {
  const bare = text.replaceAll('_', '');
  if (/^0[xX][0-9a-fA-F]+$/.test(bare) || /^0[bB][01]+$/.test(bare) || /^0[oO][0-7]+$/.test(bare)) {
    return BigInt(bare.toLowerCase());
  }
  if (/^0[0-7]+$/.test(bare)) return BigInt(`0o${bare.slice(1)}`);
  return /^(0|[1-9][0-9]*)$/.test(bare) ? BigInt(bare) : undefined;
}

/** A character constant with its quotes. */
export function parseChar(text: string): Literal | string {
  const char = unquoteChar(text, 1, "'");
  if (char === undefined) return 'invalid syntax';
  if (text.slice(char.next) !== "'") return 'malformed character constant';
  const value = BigInt(char.code);
  return { int: value, uint: value, float: char.code, isFloat: false };
}

const complexRefused = 'complex numbers are not supported';

/** A complex constant, `1+2i`. */
export function parseComplex(text: string): Literal | string {
  return /^[^i]+i$/.test(text) ? complexRefused : 'illegal number syntax';
}
