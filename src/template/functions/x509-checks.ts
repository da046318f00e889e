import { createPublicKey } from 'node:crypto';
import { GoError } from '../func.ts';
import { bigintOf, children, expect, type Node, oidText, readDer, tags } from './der.ts';
import { isKnownCurve } from './key-checks.ts';

/** What Go's crypto/x509 refuses in a certificate and OpenSSL does not. */

export interface Extension {
  readonly id: string;
  readonly isCritical: boolean;
  readonly value: Buffer;
}

/** Of the fields of the outer and the inner sequence. Throws GoError or DerError. */
export function checkSignatureFields(outer: readonly Node[], inner: Node | undefined): void {
  if (!expect(inner, tags.sequence).raw.equals(expect(outer[1], tags.sequence).raw)) {
    throw new GoError("x509: inner and outer signature algorithm identifiers don't match");
  }
}

export function checkExtension({ id, isCritical, value }: Extension): void {
  if (isCritical && neverCritical.has(id))
    throw new GoError('x509: an extension incorrectly marked critical');
  checks[id]?.(readDer(value));
}

const ids = {
  subjectKeyId: '2.5.29.14',
  authorityKeyId: '2.5.29.35',
  authorityInfo: '1.3.6.1.5.5.7.1.1',
} as const;
const neverCritical: ReadonlySet<string> = new Set(Object.values(ids));

const checks: Readonly<Record<string, (value: Node) => void>> = {
  // Key usage.
  '2.5.29.15': (value) => checkBits(value),
  // Basic constraints.
  '2.5.29.19': (value) => {
    const [first, second] = children(value);
    if (first?.tag === tags.boolean && !/^(00|ff)$/.test(first.content.toString('hex'))) throw malformed();
    const pathLength = first?.tag === tags.boolean ? second : first;
    if (pathLength?.tag === tags.integer && (pathLength.content[0] ?? 0x80) >= 0x80) throw malformed();
  },
  // Distribution points.
  '2.5.29.31': (value) => {
    for (const point of children(value)) children(point);
  },
  // Policies.
  '2.5.29.32': (value) => {
    const seen = children(value).map((policy) => oidText(children(policy)[0]));
    if (new Set(seen).size < seen.length) throw malformed();
  },
  // Extended key usages.
  '2.5.29.37': (value) => {
    for (const usage of children(value)) oidText(usage);
  },
  [ids.authorityInfo]: (value) => {
    for (const access of children(value)) oidText(children(access)[0]);
  },
};

const malformed = (): GoError => new GoError('x509: malformed certificate');

function checkBits(value: Node): Buffer {
  const { content } = expect(value, tags.bitString);
  const unused = content[0] ?? 8;
  const last = content.length > 1 ? content.at(-1)! : 0;
  if (unused > 7 || (content.length === 1 && unused > 0) || (last & ((1 << unused) - 1)) !== 0)
    throw malformed();
  return content.subarray(1);
}

/** A public key of a kind that Go knows must be sound; another one is not looked at. */
export function checkPublicKey(info: Node): void {
  const [algorithm, key] = children(info);
  const [id, parameters, ...more] = children(expect(algorithm, tags.sequence));
  if (more.length > 0) throw malformed();
  const bytes = checkBits(expect(key, tags.bitString));
  publicKeyChecks[oidText(id)]?.(bytes, parameters);
  if (curveAlgorithms.has(oidText(id))) createPublicKey({ key: info.raw, format: 'der', type: 'spki' });
}

const curveAlgorithms: ReadonlySet<string> = new Set(['1.2.840.10045.2.1', '1.3.101.112', '1.3.101.110']);

const publicKeyChecks: Readonly<Record<string, (key: Buffer, parameters: Node | undefined) => void>> = {
  '1.2.840.113549.1.1.1': (key, parameters) => {
    if (parameters?.raw.toString('hex') !== '0500')
      throw new GoError('x509: RSA key missing NULL parameters');
    const [modulus, exponent] = children(readDer(key));
    for (const number of [modulus, exponent]) {
      if ((expect(number, tags.integer).content[0] ?? 0x80) >= 0x80 || bigintOf(number) === 0n)
        throw malformed();
    }
    if (bigintOf(exponent) >= 1n << 63n) throw new GoError('x509: invalid RSA public exponent');
  },
  '1.2.840.10045.2.1': (key, parameters) => {
    if (parameters?.tag !== tags.oid) throw new GoError('x509: invalid ECDSA parameters');
    if (!isKnownCurve(oidText(parameters))) throw new GoError('x509: unsupported elliptic curve');
    if (key[0] !== 4) throw new GoError('x509: invalid ECDSA public key');
  },
  '1.3.101.112': (key, parameters) => checkEdwards(key, parameters),
  '1.3.101.110': (key, parameters) => checkEdwards(key, parameters),
};

function checkEdwards(key: Buffer, parameters: Node | undefined): void {
  if (parameters !== undefined || key.length !== 32)
    throw new GoError('x509: illegal parameters or size of a key');
}
