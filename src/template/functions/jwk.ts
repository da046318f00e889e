import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { type Call, GoError } from '../func.ts';
import { toText } from '../value.ts';
import { pkcs8Of, readKey } from './keys.ts';
import { encodePem } from './pem-block.ts';

/** ESO's jwkPublicKeyPem and jwkPrivateKeyPem. */

export const jwkPublicKeyPem: Call = ([text]) => {
  const jwk = parseJwk(text as string);
  // Go's x509 takes public keys only; node:crypto would take the public half of a private one.
  if (jwk.d !== undefined) throw new GoError('x509: unsupported public key type: the JWK is a private key');
  const key = importing(() => createPublicKey({ key: jwk, format: 'jwk' }));
  return encodePem('PUBLIC KEY', key.export({ format: 'der', type: 'spki' }));
};

export const jwkPrivateKeyPem: Call = ([text]) => {
  const jwk = parseJwk(text as string);
  if (jwk.d === undefined)
    throw new GoError('x509: unknown key type while marshaling PKCS#8: the JWK is a public key');
  const key = importing(() => createPrivateKey({ key: withCrtValues(jwk), format: 'jwk' }));
  const pkcs8 = pkcs8Of(key);
  const isSound = jwk.kty === 'OKP' ? isPublicOf(jwk, key) : readKey(pkcs8, 'pkcs8') !== undefined;
  if (!isSound) throw new GoError('failed to parse the JWK: its numbers do not belong together');
  return encodePem('PRIVATE KEY', pkcs8);
};

function isPublicOf(jwk: JsonWebKey, key: KeyObject): boolean {
  const given = Buffer.from(jwk.x ?? '', 'base64url');
  return given.equals(Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x ?? '', 'base64url'));
}

const curves: Readonly<Record<string, readonly string[]>> = {
  EC: ['P-256', 'P-384', 'P-521'],
  OKP: ['Ed25519'],
};

function parseJwk(text: string): JsonWebKey {
  let parsed: unknown;
  try {
    parsed = JSON.parse(toText(text));
  } catch {
    throw new GoError('failed to parse the JWK: it is not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new GoError('failed to parse the JWK: it is not an object');
  }
  const jwk = parsed as JsonWebKey;
  if (jwk.kty === undefined) throw new GoError('failed to parse the JWK: it has no kty');
  if (jwk.kty !== 'RSA' && !curves[jwk.kty]?.includes(jwk.crv ?? '')) {
    throw new GoError('failed to parse the JWK: its kty or crv is not supported');
  }
  checkMembers(parsed as Readonly<Record<string, unknown>>);
  return jwk;
}

/** What the members must be, whether they are used or not. */
function checkMembers(jwk: Readonly<Record<string, unknown>>): void {
  const isText = (value: unknown): boolean => typeof value === 'string';
  const isList = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
  const isNumber = (value: unknown): boolean =>
    isText(value) && isBase64((value as string).replace(/[\r\n]/g, ''));
  const kinds: readonly (readonly [readonly string[], (value: unknown) => boolean])[] = [
    [['kid', 'use', 'alg', 'x5t', 'x5t#S256', 'x5u'], isText],
    [['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi', 'x', 'y'], isNumber],
    [['key_ops', 'x5c'], isList],
  ];
  for (const [names, isRight] of kinds) {
    const wrong = names.find((name) => jwk[name] !== undefined && jwk[name] !== null && !isRight(jwk[name]));
    if (wrong !== undefined) throw new GoError(`failed to parse the JWK: its member ${wrong} is malformed`);
  }
}

/** Of either alphabet, padded or not; Go skips line breaks. */
function isBase64(text: string): boolean {
  if (!/^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)={0,2}$/.test(text)) return false;
  return text.includes('=') ? text.length % 4 === 0 : text.length % 4 !== 1;
}

function importing(read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch {
    throw new GoError('failed to parse the JWK: its numbers make no key');
  }
}

/** The numbers that only make RSA faster are made anew, as Go does; node:crypto wants them. */
function withCrtValues(jwk: JsonWebKey): JsonWebKey {
  if (jwk.kty !== 'RSA') return jwk;
  if (jwk.p === undefined || jwk.q === undefined)
    throw new GoError('failed to parse the JWK: p or q is missing');
  const [d, p, q] = [number(jwk.d!), number(jwk.p), number(jwk.q)];
  if (p < 2n || q < 2n) throw new GoError('failed to parse the JWK: p or q is no prime');
  return { ...jwk, dp: encoded(d % (p - 1n)), dq: encoded(d % (q - 1n)), qi: encoded(inverse(q, p)) };
}

function number(text: string): bigint {
  return BigInt(`0x${Buffer.from(text, 'base64').toString('hex') || '0'}`);
}

function encoded(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
}

/** The number that times `value` is 1 modulo `modulus`, by Euclid. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b] = [value % modulus, modulus];
  let [x, y] = [1n, 0n];
  while (a > 1n && b > 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  return ((x % modulus) + modulus) % modulus;
}
