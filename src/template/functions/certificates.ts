import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { type Call, type CallContext, GoError } from '../func.ts';
import { isValidUtf8 } from '../utf8.ts';
import { type NamedType, type Slice, Struct, type Value } from '../value.ts';
import {
  bits,
  children,
  der,
  explicit,
  implicit,
  integer,
  octets,
  oid,
  readDer,
  sequence,
  tags,
  textString,
} from './der.ts';
import { fromBase64 } from './encoding.ts';
import { ofMilliseconds, utc } from './instant.ts';
import { generateRsa2048, keyOfPem, privateKeyPem } from './keys.ts';
import { formatInstant } from './layout.ts';
import { decodePem, encodePem } from './pem-block.ts';
import { type Certificate, parseCertificate } from './x509.ts';

/** sprig's certificate functions, with the extensions that Go's x509.CreateCertificate writes. */

const certificateType: NamedType = {
  name: 'sprig.certificate',
  kind: 'struct',
  fields: [
    { name: 'Cert', type: 'string' },
    { name: 'Key', type: 'string' },
  ],
};

function pair(cert: string, key: string): Struct {
  return new Struct(certificateType, undefined, {
    fields: new Map([
      ['Cert', cert],
      ['Key', key],
    ]),
  });
}

export const buildCustomCert: Call = ([cert, key]) => {
  const certificate = decoded(cert as string, 'certificate');
  const privateKey = decoded(key as string, 'private key');
  const { block } = decodePem(certificate);
  if (block === undefined) throw new GoError('unable to decode certificate');
  parseCertificate(block.bytes);
  keyOfPem(privateKey);
  return pair(certificate, privateKey);
};

function decoded(base64: string, what: string): string {
  try {
    return fromBase64(base64);
  } catch {
    throw new GoError(`unable to decode base64 ${what}`);
  }
}

interface Request {
  readonly commonName: string;
  readonly ips?: Slice;
  readonly dns?: Slice;
  readonly days: bigint;
  readonly isCa?: boolean;
  readonly key: KeyObject;
  readonly signer?: { readonly certificate: Certificate; readonly key: KeyObject };
}

export const genCA: Call = ([cn, days], context) => {
  const key = generateRsa2048(context);
  return issue({ commonName: cn as string, days: days as bigint, isCa: true, key }, context);
};
export const genCAWithKey: Call = ([cn, days, pem], context) => {
  const key = keyOfPem(pem as string);
  return issue({ commonName: cn as string, days: days as bigint, isCa: true, key }, context);
};
export const genSelfSignedCert: Call = (args, context) =>
  issue(requestOf(args, generateRsa2048(context)), context);
export const genSelfSignedCertWithKey: Call = (args, context) =>
  issue(requestOf(args, keyOfPem(args[4] as string)), context);
export const genSignedCert: Call = (args, context) =>
  issue({ ...requestOf(args, generateRsa2048(context)), signer: signerOf(args[4]) }, context);
export const genSignedCertWithKey: Call = (args, context) =>
  issue({ ...requestOf(args, keyOfPem(args[5] as string)), signer: signerOf(args[4]) }, context);

function requestOf([cn, ips, dns, days]: readonly Value[], key: KeyObject): Request {
  return { commonName: cn as string, ips: ips as Slice, dns: dns as Slice, days: days as bigint, key };
}

function signerOf(value: Value | undefined): NonNullable<Request['signer']> {
  const fields = (value as Struct).fields;
  const { block } = decodePem(fields.get('Cert') as string);
  if (block === undefined) throw new GoError('unable to decode certificate');
  return { certificate: parseCertificate(block.bytes), key: keyOfPem(fields.get('Key') as string) };
}

function issue(request: Request, context: CallContext): Struct {
  const { key, signer } = request;
  const names = alternativeNames(request);
  const subject = subjectOf(request.commonName);
  const signingKey = signer?.key ?? key;
  const algorithm = signatureAlgorithm(signingKey);
  const spki = publicKeyOf(key);
  if (signer !== undefined && !publicKeyOf(signer.key).equals(signer.certificate.publicKey)) {
    throw new GoError("x509: provided PrivateKey doesn't match parent's PublicKey");
  }
  const issuer = signer?.certificate.subject ?? subject;
  // Named only where the certificate is not its own issuer.
  const authorityKeyId = issuer.equals(subject) ? undefined : signer?.certificate.subjectKeyId;
  const extensions = extensionsOf({
    request,
    names,
    spki,
    authorityKeyId,
    isSubjectEmpty: request.commonName === '',
  });
  const tbs = sequence(
    explicit(0, integer(2n)),
    integer(serialNumber(context)),
    algorithm.identifier,
    issuer,
    validity(context, request.days),
    subject,
    spki,
    explicit(3, sequence(...extensions)),
  );
  const signature = sign(algorithm.digest, tbs, signingKey);
  const certificate = sequence(tbs, algorithm.identifier, bits(signature));
  return pair(encodePem('CERTIFICATE', certificate), privateKeyPem(key));
}

function serialNumber(context: CallContext): bigint {
  return BigInt(`0x${context.randomBytes(16).toString('hex')}`) || 1n;
}

function publicKeyOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' });
}

/** Go signs with no shorter RSA key. */
const leastRsaBits = 1024;

/** RSA with SHA-256; ECDSA with the hash that fits its curve; Ed25519. */
function signatureAlgorithm(key: KeyObject): { identifier: Buffer; digest: string | null } {
  if (key.asymmetricKeyType === 'rsa') {
    if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < leastRsaBits) {
      throw new GoError(`crypto/rsa: keys of less than ${leastRsaBits} bits are insecure`);
    }
    return { identifier: sequence(oid('1.2.840.113549.1.1.11'), der(tags.null)), digest: 'sha256' };
  }
  if (key.asymmetricKeyType === 'ed25519') return { identifier: sequence(oid('1.3.101.112')), digest: null };
  if (key.asymmetricKeyType !== 'ec') throw new GoError('x509: only RSA, ECDSA and Ed25519 keys supported');
  switch (key.asymmetricKeyDetails?.namedCurve) {
    case 'secp384r1':
      return { identifier: sequence(oid('1.2.840.10045.4.3.3')), digest: 'sha384' };
    case 'secp521r1':
      return { identifier: sequence(oid('1.2.840.10045.4.3.4')), digest: 'sha512' };
    default:
      return { identifier: sequence(oid('1.2.840.10045.4.3.2')), digest: 'sha256' };
  }
}

function subjectOf(commonName: string): Buffer {
  if (commonName === '') return sequence();
  if (!isValidUtf8(commonName)) throw new GoError('asn1: string not valid UTF-8');
  const attribute = sequence(oid('2.5.4.3'), textString(commonName));
  return sequence(der(tags.set, attribute));
}

const dayMs = 24 * 60 * 60 * 1000;

/** Go's durations end after 292 years; more days than that wrap around there. */
function validity(context: CallContext, days: bigint): Buffer {
  const now = context.now();
  const lengthMs = Number(BigInt.asIntN(64, days * BigInt(dayMs) * 1_000_000n) / 1_000_000n);
  return sequence(timeOf(now), timeOf(now + lengthMs));
}

function timeOf(ms: number): Buffer {
  const instant = ofMilliseconds(ms, utc);
  const year = Number(formatInstant(instant, '2006'));
  if (year < 0 || year > 9999) throw new GoError('cannot represent time as GeneralizedTime');
  const isShort = year >= 1950 && year < 2050;
  const text = formatInstant(instant, isShort ? '060102150405Z' : '20060102150405Z');
  return der(isShort ? tags.utcTime : tags.generalizedTime, Buffer.from(text, 'latin1'));
}

interface ExtensionParts {
  readonly request: Request;
  readonly names: readonly Buffer[];
  readonly spki: Buffer;
  readonly authorityKeyId: Buffer | undefined;
  readonly isSubjectEmpty: boolean;
}

function extensionsOf({ request, names, spki, authorityKeyId, isSubjectEmpty }: ExtensionParts): Buffer[] {
  const isCa = request.isCa === true;
  const critical = true;
  const found = [
    // digitalSignature and keyEncipherment; for an authority keyCertSign too.
    extension('2.5.29.15', isCa ? bits(Buffer.from([0xa4]), 2) : bits(Buffer.from([0xa0]), 5), critical),
    // Server and client authentication.
    extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'))),
    extension('2.5.29.19', isCa ? sequence(der(tags.boolean, Buffer.from([0xff]))) : sequence(), critical),
  ];
  if (isCa) found.push(extension('2.5.29.14', octets(keyIdOf(spki))));
  if (authorityKeyId !== undefined && authorityKeyId.length > 0) {
    found.push(extension('2.5.29.35', sequence(implicit(0, authorityKeyId))));
  }
  if (names.length > 0) found.push(extension('2.5.29.17', sequence(...names), isSubjectEmpty));
  return found;
}

function extension(id: string, content: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [der(tags.boolean, Buffer.from([0xff]))] : []), octets(content));
}

/** RFC 7093: the first 160 bits of the SHA-256 of the key's bits. */
function keyIdOf(spki: Buffer): Buffer {
  const [, key] = children(readDer(spki));
  return createHash('sha256').update(key!.content.subarray(1)).digest().subarray(0, 20);
}

function alternativeNames({ dns, ips }: Request): Buffer[] {
  const names = texts(dns, 'error processing alternate dns name: the value is not a string').map((name) => {
    if (/[\x80-\xff]/.test(name)) throw new GoError('x509: a name cannot be encoded as an IA5String');
    return implicit(2, Buffer.from(name, 'latin1'));
  });
  const addresses = texts(ips, 'error parsing ip: the value is not a string').map((ip) =>
    implicit(7, addressOf(ip)),
  );
  return [...names, ...addresses];
}

function texts(list: Slice | undefined, error: string): string[] {
  return (list?.items ?? []).map((item) => {
    if (typeof item !== 'string') throw new GoError(error);
    return item;
  });
}

function addressOf(ip: string): Buffer {
  if (isIP(ip) === 0 || ip.includes('%')) throw new GoError('error parsing ip: not an IP address');
  if (isIPv4(ip)) return Buffer.from(ip.split('.').map(Number));
  const bytes = ipv6Bytes(ip);
  const isMapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes.readUInt16BE(10) === 0xffff;
  return isMapped ? bytes.subarray(12) : bytes;
}

function ipv6Bytes(ip: string): Buffer {
  // A last part in dotted form stands for two groups.
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(ip);
  const grouped =
    dotted === null
      ? ip
      : dotted[1]! +
        [
          [2, 3],
          [4, 5],
        ]
          .map(([a, b]) => (Number(dotted[a!]) * 256 + Number(dotted[b!])).toString(16))
          .join(':');
  const [head = '', tail] = grouped.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  const bytes = Buffer.alloc(16);
  groups.forEach((group, i) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), i * 2);
  });
  return bytes;
}
