import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { type Call, GoError } from '../func.ts';
import { toText } from '../value.ts';
import { pkcs8Of } from './keys.ts';
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
  return encodePem('PRIVATE KEY', pkcs8Of(key));
};

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
  return jwk;
}

function importing(read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch {
    throw new GoError('failed to parse the JWK: its numbers make no key');
  }
}

/** The numbers that only make RSA faster may be left out of a JWK; node:crypto wants them. */
function withCrtValues(jwk: JsonWebKey): JsonWebKey {
  if (jwk.kty !== 'RSA' || (jwk.dp !== undefined && jwk.dq !== undefined && jwk.qi !== undefined)) return jwk;
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
