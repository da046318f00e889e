import { AgentError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { DecodingStrategy } from '../spec/spec.ts';

type Alphabet = 'base64' | 'base64url';

/** A value as its decodingStrategy has it. Throws DecodeFailed, whose message tells the offset and no byte. */
export function decode(value: Secret, strategy: DecodingStrategy): Secret {
  const bytes = value.reveal();
  switch (strategy) {
    case 'None':
      return value;
    case 'Base64':
      return Secret.of(strict(bytes, 'base64'));
    case 'Base64URL':
      return Secret.of(strict(bytes, 'base64url'));
    case 'Auto':
      // Whatever happens to be valid is decoded, as in ESO: `1234` too.
      return Secret.of(attempt(bytes, 'base64') ?? attempt(bytes, 'base64url') ?? bytes);
  }
}

function strict(bytes: Buffer, alphabet: Alphabet): Buffer {
  const decoded = decodeBase64(bytes, alphabet);
  if (typeof decoded !== 'number') return decoded;
  const name = alphabet === 'base64' ? 'Base64' : 'Base64URL';
  throw new AgentError('DecodeFailed', `illegal ${name} data at input byte ${decoded}`, {
    remedy: 'decodingStrategy: Auto leaves alone what is not encoded, None never decodes',
  });
}

function attempt(bytes: Buffer, alphabet: Alphabet): Buffer | undefined {
  const decoded = decodeBase64(bytes, alphabet);
  return typeof decoded === 'number' ? undefined : decoded;
}

/**
 * Go's StdEncoding and URLEncoding: padding is required, CR and LF are skipped anywhere, trailing bits are not
 * looked at, anything else is an error. The result is the bytes, or the offset that Go's CorruptInputError names.
 */
export function decodeBase64(bytes: Buffer, alphabet: Alphabet): Buffer | number {
  const digits = Buffer.alloc(bytes.length);
  let count = 0;
  const isBreak = (byte: number | undefined): boolean => byte === 0x0a || byte === 0x0d;
  let at = 0;
  for (; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (isBreak(byte)) continue;
    if (byte === 0x3d) break;
    if (!isDigit(byte, alphabet)) return at;
    digits[count++] = byte;
  }
  const rest = count % 4;
  const body = () => Buffer.from(digits.toString('latin1', 0, count), alphabet);
  if (at === bytes.length) {
    // Go points at the first digit of the quantum that ends too early.
    return rest === 0 ? body() : at - rest;
  }
  if (rest < 2) return at;
  if (rest === 2) {
    at++;
    while (isBreak(bytes[at])) at++;
    if (at === bytes.length) return bytes.length;
    if (bytes[at] !== 0x3d) return at - 1;
  }
  at++;
  while (isBreak(bytes[at])) at++;
  return at < bytes.length ? at : body();
}

function isDigit(byte: number, alphabet: Alphabet): boolean {
  const isAlphanumeric =
    (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39);
  if (isAlphanumeric) return true;
  return alphabet === 'base64' ? byte === 0x2b || byte === 0x2f : byte === 0x2d || byte === 0x5f;
}
