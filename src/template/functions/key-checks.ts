import { createECDH } from 'node:crypto';
import {
  bigintOf,
  bits,
  children,
  expect,
  explicit,
  integer,
  type Node,
  octets,
  oid,
  oidText,
  readDer,
  sequence,
  tags,
} from './der.ts';

/** What Go's crypto/x509 looks at in a private key and OpenSSL does not. */

export type DerType = 'pkcs1' | 'pkcs8' | 'sec1';

export interface DerKey {
  readonly der: Buffer;
  readonly type: DerType;
}

const ids = { rsa: '1.2.840.113549.1.1.1', ec: '1.2.840.10045.2.1' };

/** The curves that Go knows, and how many bytes a scalar of them has. */
const curves: Readonly<Record<string, { readonly name: string; readonly size: number }>> = {
  '1.3.132.0.33': { name: 'secp224r1', size: 28 },
  '1.2.840.10045.3.1.7': { name: 'prime256v1', size: 32 },
  '1.3.132.0.34': { name: 'secp384r1', size: 48 },
  '1.3.132.0.35': { name: 'secp521r1', size: 66 },
};

export const isKnownCurve = (id: string): boolean => curves[id] !== undefined;

/** The key as OpenSSL is to read it; undefined where Go reads none. Throws DerError for what is no DER. */
export function checkedKey(bytes: Buffer, type: DerType): DerKey | undefined {
  const fields = children(readDer(bytes));
  // OpenSSL tries all types whatever it is told; the first fields tell which one it is.
  if (fields[0]?.tag !== tags.integer || fields[1]?.tag !== secondTags[type]) return undefined;
  if (type === 'pkcs1') return isSoundRsa(fields) ? { der: bytes, type } : undefined;
  if (type === 'sec1') return ecKey(fields, curveWithin(fields));
  return checkedPkcs8(bytes, fields);
}

const secondTags = { pkcs1: tags.integer, pkcs8: tags.sequence, sec1: tags.octetString } as const;

function checkedPkcs8(der: Buffer, [, algorithm, secret]: readonly Node[]): DerKey | undefined {
  const [id, parameters] = children(algorithm!);
  const whole: DerKey = { der, type: 'pkcs8' };
  const content = expect(secret, tags.octetString).content;
  switch (oidText(id)) {
    case ids.rsa:
      return isSoundRsa(children(readDer(content))) ? whole : undefined;
    case ids.ec: {
      const fields = children(readDer(content));
      return ecKey(fields, parameters?.tag === tags.oid ? oidText(parameters) : curveWithin(fields));
    }
    default:
      return parameters === undefined ? whole : undefined;
  }
}

/** rsa.PrivateKey.Validate; a key of more than two primes is left to OpenSSL. */
function isSoundRsa(fields: readonly Node[]): boolean {
  if (fields.length !== 9) return true;
  if (fields.slice(1).some(({ content }) => (content[0] ?? 0x80) >= 0x80)) return false;
  const [n, e, d, p, q, dp, dq, coefficient] = fields.slice(1).map(bigintOf) as [
    ...[bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint],
  ];
  if (p <= 1n || q <= 1n || p * q !== n || e < 3n || e >= 1n << 31n || e % 2n === 0n) return false;
  const isPair = (exponent: bigint, prime: bigint): boolean =>
    exponent < prime - 1n && (exponent * e) % (prime - 1n) === 1n && d % (prime - 1n) === exponent;
  return isPair(dp, p) && isPair(dq, q) && coefficient < p && (coefficient * q) % p === 1n;
}

function curveWithin(fields: readonly Node[]): string | undefined {
  const holder = fields.find(({ tag }) => tag === 0xa0);
  const curve = holder === undefined ? undefined : readDer(holder.content);
  return curve?.tag === tags.oid ? oidText(curve) : undefined;
}

/** By its scalar alone, padded as it should be: Go makes the public point anew, whatever the file says. */
function ecKey([version, secret]: readonly Node[], curveId: string | undefined): DerKey | undefined {
  const curve = curves[curveId ?? ''];
  if (curveId === undefined || curve === undefined || bigintOf(version) !== 1n) return undefined;
  const given = expect(secret, tags.octetString).content;
  const spare = Math.max(0, given.length - curve.size);
  if (given.subarray(0, spare).some((byte) => byte !== 0)) return undefined;
  const scalar = Buffer.concat([Buffer.alloc(curve.size), given]).subarray(-curve.size);
  const pair = createECDH(curve.name);
  pair.setPrivateKey(scalar);
  const point = explicit(1, bits(pair.getPublicKey()));
  return { der: sequence(integer(1n), octets(scalar), explicit(0, oid(curveId)), point), type: 'sec1' };
}
