import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import {
  bits,
  der,
  explicit,
  implicit,
  integer,
  octets,
  oid,
  sequence,
  tags,
  textString,
} from '../template/functions/der.ts';
import type { TlsPair } from './tls.ts';

/** X.509 as RFC 5280 has it, with ECDSA on P-256 and SHA-256: node:crypto reads certificates and makes none. */

export interface AuthorityRequest {
  readonly commonName: string;
  /** Wall ms. */
  readonly fromMs: number;
  readonly toMs: number;
}

export interface LeafRequest extends AuthorityRequest {
  /** DNS names and IP addresses. */
  readonly names: readonly string[];
  readonly authority: TlsPair;
}

interface Made {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly publicKey: Buffer;
  readonly fromMs: number;
  readonly toMs: number;
  readonly extensions: readonly Buffer[];
  /** PEM. */
  readonly signingKey: string;
}

/** A certificate authority of its own, which may sign leaves and nothing else. */
export function issueAuthority({ commonName, fromMs, toMs }: AuthorityRequest): TlsPair {
  const { key, publicKey } = freshKey();
  const subject = nameOf(commonName);
  const extensions = [
    extension('2.5.29.19', sequence(yes, integer(0n)), true),
    // keyCertSign and cRLSign.
    extension('2.5.29.15', bits(Buffer.from([0x06]), 1), true),
    extension('2.5.29.14', octets(keyIdOf(publicKey))),
  ];
  const cert = made({ subject, issuer: subject, publicKey, fromMs, toMs, extensions, signingKey: key });
  return { key, cert };
}

/** A server's certificate. `authority` is one of `issueAuthority`. */
export function issueLeaf(request: LeafRequest & { readonly issuerName: string }): TlsPair {
  const { names, authority, commonName, fromMs, toMs, issuerName } = request;
  const { key, publicKey } = freshKey();
  const extensions = [
    extension('2.5.29.19', sequence(), true),
    // digitalSignature.
    extension('2.5.29.15', bits(Buffer.from([0x80]), 7), true),
    // Server authentication.
    extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'))),
    extension('2.5.29.17', sequence(...names.map(alternativeName))),
    extension('2.5.29.35', sequence(implicit(0, keyIdOf(publicKeyOf(authority.key))))),
  ];
  const [subject, issuer] = [nameOf(commonName), nameOf(issuerName)];
  const cert = made({ subject, issuer, publicKey, fromMs, toMs, extensions, signingKey: authority.key });
  return { key, cert };
}

function made({ subject, issuer, publicKey, fromMs, toMs, extensions, signingKey }: Made): string {
  const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));
  const toBeSigned = sequence(
    explicit(0, integer(2n)),
    integer(serialNumber()),
    ecdsaWithSha256,
    issuer,
    sequence(timeOf(fromMs), timeOf(toMs)),
    subject,
    publicKey,
    explicit(3, sequence(...extensions)),
  );
  const signature = sign('sha256', toBeSigned, signingKey);
  const lines = sequence(toBeSigned, ecdsaWithSha256, bits(signature))
    .toString('base64')
    .match(/.{1,64}/g);
  return `-----BEGIN CERTIFICATE-----\n${(lines ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;
}

const yes = der(tags.boolean, Buffer.from([0xff]));

function extension(id: string, content: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [yes] : []), octets(content));
}

function nameOf(commonName: string): Buffer {
  return sequence(der(tags.set, sequence(oid('2.5.4.3'), textString(commonName))));
}

/** Positive, and at most 20 bytes. */
function serialNumber(): bigint {
  return BigInt(`0x7f${randomBytes(15).toString('hex')}`);
}

function timeOf(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  const short = new Date(ms).getUTCFullYear() < 2050;
  return der(
    short ? tags.utcTime : tags.generalizedTime,
    Buffer.from(short ? text.slice(2) : text, 'latin1'),
  );
}

function freshKey(): { readonly key: string; readonly publicKey: Buffer } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { key, publicKey: publicKeyOf(key) };
}

function publicKeyOf(key: string): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' });
}

/** Any that is the same for the same key will do; RFC 5280, 4.2.1.2. */
function keyIdOf(publicKey: Buffer): Buffer {
  return createHash('sha256').update(publicKey).digest().subarray(0, 20);
}

function alternativeName(name: string): Buffer {
  if (isIP(name) === 0) return implicit(2, Buffer.from(name, 'latin1'));
  return implicit(7, isIPv4(name) ? Buffer.from(name.split('.').map(Number)) : ipv6Bytes(name));
}

function ipv6Bytes(ip: string): Buffer {
  // A URL's host has neither dotted parts nor leading zeros.
  const [head = '', tail] = new URL(`http://[${ip}]`).hostname.slice(1, -1).split('::');
  const groups = (text = '') => (text === '' ? [] : text.split(':'));
  const [left, right] = [groups(head), groups(tail)];
  const all = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
