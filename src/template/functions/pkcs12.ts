import { createHash, type KeyObject } from 'node:crypto';
import { type Call, type CallContext, GoError } from '../func.ts';
import { certificatePem, orderedChain } from './chains.ts';
import {
  children,
  der,
  expect,
  explicit,
  implicit,
  integer,
  type Node,
  numberOf,
  octets,
  oid,
  oidText,
  readDer,
  sequence,
  tags,
} from './der.ts';
import { toBase64 } from './encoding.ts';
import { keyOfAnyType, pkcs8Of, readKey } from './keys.ts';
import { decodePem, encodePem } from './pem-block.ts';
import {
  decrypt,
  encrypt,
  isMacRight,
  macDataOf,
  noPassword,
  type Password,
  passwordOf,
  wideText,
} from './pkcs12-crypto.ts';
import { type Certificate, nameText, parseCertificate, readingDer } from './x509.ts';

/** ESO's functions between PKCS#12 and PEM, reading and writing as go-pkcs12 does. */

const ids = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  x509: '1.2.840.113549.1.9.22.1',
  localKeyId: '1.2.840.113549.1.9.21',
  friendlyName: '1.2.840.113549.1.9.20',
  javaTrusted: '2.16.840.1.113894.746875.1.1',
  anyExtendedKeyUsage: '2.5.29.37.0',
} as const;

export const pkcs12key: Call = ([file], context) => keyPem('', file as string, context);
export const pkcs12keyPass: Call = ([pass, file], context) => keyPem(pass as string, file as string, context);
export const pkcs12cert: Call = ([file], context) => certificatesPem('', file as string, context);
export const pkcs12certPass: Call = ([pass, file], context) =>
  certificatesPem(pass as string, file as string, context);

export const pemToPkcs12: Call = ([cert, key], context) =>
  leafFile([cert, key, ''] as string[], false, context);
export const pemToPkcs12Pass: Call = (args, context) => leafFile(args as string[], false, context);
export const fullPemToPkcs12: Call = ([cert, key], context) =>
  leafFile([cert, key, ''] as string[], true, context);
export const fullPemToPkcs12Pass: Call = (args, context) => leafFile(args as string[], true, context);
export const pemTruststoreToPKCS12: Call = ([certs], context) => trustStore(certs as string, '', context);
export const pemTruststoreToPKCS12Pass: Call = ([certs, pass], context) =>
  trustStore(certs as string, pass as string, context);

interface Contents {
  readonly key: KeyObject;
  /** The first is the one that belongs to the key, as far as the file's order tells. */
  readonly certificates: readonly Certificate[];
}

function keyPem(pass: string, file: string, context: CallContext): string {
  const { key } = within('unable to decode pkcs12 with password', () => open(pass, file, context));
  return encodePem('PRIVATE KEY', pkcs8Of(key));
}

function certificatesPem(pass: string, file: string, context: CallContext): string {
  const { certificates } = within('unable to decode pkcs12 certificate with password', () =>
    open(pass, file, context),
  );
  return inChainOrder(certificates).map(certificatePem).join('');
}

/** Where they form no one chain, as they stand. */
function inChainOrder(certificates: readonly Certificate[]): readonly Certificate[] {
  try {
    return orderedChain(certificates);
  } catch (error) {
    if (error instanceof GoError) return certificates;
    throw error;
  }
}

function within<T>(context: string, run: () => T): T {
  try {
    return readingDer(run);
  } catch (error) {
    if (error instanceof GoError) throw new GoError(`${context}: ${error.message}`);
    throw error;
  }
}

function open(pass: string, file: string, context: CallContext): Contents {
  const { bags, password } = bagsOf(Buffer.from(file, 'latin1'), passwordOf(pass), context);
  const keys: KeyObject[] = [];
  const certificates: Certificate[] = [];
  for (const bag of bags) {
    const [id, value] = children(bag);
    const content = readDer(expect(value, 0xa0).content);
    const type = oidText(id);
    if (type === ids.certBag) certificates.push(certificateIn(content));
    else if (type === ids.keyBag) keys.push(pkcs8Key(content.raw));
    else if (type === ids.shroudedKeyBag) keys.push(shroudedKey(content, password, context));
    if (keys.length > 1) throw new GoError('pkcs12: expected exactly one key bag');
  }
  if (certificates.length === 0) throw new GoError('pkcs12: certificate missing');
  const key = keys[0];
  if (key === undefined) throw new GoError('pkcs12: private key missing');
  return { key, certificates };
}

function certificateIn(bag: Node): Certificate {
  const [id, value] = children(bag);
  if (oidText(id) !== ids.x509) {
    throw new GoError('pkcs12: not implemented: only X509 certificates are supported in cert bags');
  }
  return parseCertificate(expect(readDer(expect(value, 0xa0).content), tags.octetString).content);
}

function shroudedKey(info: Node, password: Password, context: CallContext): KeyObject {
  const [algorithm, encrypted] = children(info);
  return pkcs8Key(decrypt(algorithm!, expect(encrypted, tags.octetString).content, password, context));
}

function pkcs8Key(bytes: Buffer): KeyObject {
  const key = readKey(bytes, 'pkcs8');
  if (key === undefined) throw new GoError('pkcs12: error parsing PKCS#8 private key');
  return key;
}

/** Checks the MAC and gives the bags of all parts, with the password in the form that was right. */
function bagsOf(file: Buffer, given: Password, context: CallContext): { bags: Node[]; password: Password } {
  const [version, authSafe, macData] = children(readDer(file));
  if (numberOf(version) !== 3) throw new GoError("pkcs12: not implemented: can only decode v3 PFX PDU's");
  const [type, holder] = children(expect(authSafe, tags.sequence));
  if (oidText(type) !== ids.data) {
    throw new GoError('pkcs12: not implemented: only password-protected PFX is implemented');
  }
  const content = expect(readDer(expect(holder, 0xa0).content), tags.octetString).content;
  const password = provenPassword(macData, content, given, context);
  const parts = children(readDer(content));
  if (parts.length < 1 || parts.length > 2) {
    throw new GoError('pkcs12: not implemented: expected between 1 and 2 items in the authenticated safe');
  }
  return { bags: parts.flatMap((part) => children(readDer(partContent(part, password, context)))), password };
}

function provenPassword(
  macData: Node | undefined,
  content: Buffer,
  given: Password,
  context: CallContext,
): Password {
  const isEmpty = given.utf8.length === 0;
  if (macData === undefined) {
    if (!isEmpty) throw new GoError('pkcs12: no MAC in data');
    return given;
  }
  if (isMacRight(macData, content, given, context)) return given;
  // Some programs take no bytes at all for an empty password.
  if (isEmpty && isMacRight(macData, content, noPassword, context)) return noPassword;
  throw new GoError('pkcs12: decryption password incorrect');
}

function partContent(part: Node, password: Password, context: CallContext): Buffer {
  const [type, holder] = children(part);
  const content = readDer(expect(holder, 0xa0).content);
  if (oidText(type) === ids.data) return expect(content, tags.octetString).content;
  if (oidText(type) !== ids.encryptedData) {
    throw new GoError('pkcs12: not implemented: only data and encryptedData content types are supported');
  }
  const [version, info] = children(content);
  if (numberOf(version) !== 0) throw new GoError('pkcs12: not implemented: only version 0 of EncryptedData');
  const [, algorithm, encrypted] = children(expect(info, tags.sequence));
  return decrypt(algorithm!, expect(encrypted, 0x80).content, password, context);
}

function leafFile(args: readonly string[], isFull: boolean, context: CallContext): string {
  const [certs = '', keyText = '', pass = ''] = args;
  const { block, rest } = decodePem(certs);
  if (block === undefined) throw new GoError('the certificate holds no PEM block');
  const leaf = parseCertificate(block.bytes);
  const authorities = isFull ? allCertificates(rest) : [];
  const keyBlock = decodePem(keyText).block;
  if (keyBlock === undefined) throw new GoError('the key holds no PEM block');
  const key = keyOfAnyType(keyBlock.bytes);
  return base64(keyStore({ leaf, authorities, key }, passwordOf(pass), context));
}

/** Every block to the end of the text: what is left behind the last one is an error. */
function allCertificates(text: string): Certificate[] {
  const found: Certificate[] = [];
  for (let rest = text; rest !== ''; ) {
    const decoded = decodePem(rest);
    if (decoded.block === undefined) throw new GoError('there is text behind the last PEM block');
    found.push(parseCertificate(decoded.block.bytes));
    rest = decoded.rest;
  }
  return found;
}

function base64(bytes: Buffer): string {
  return toBase64(bytes.toString('latin1'));
}

interface Entry {
  readonly leaf: Certificate;
  readonly authorities: readonly Certificate[];
  readonly key: KeyObject;
}

/** The order in which chance is drawn is go-pkcs12's too, so that equal chance gives equal files. */
function keyStore({ leaf, authorities, key }: Entry, password: Password, context: CallContext): Buffer {
  const keyId = attribute(ids.localKeyId, octets(createHash('sha1').update(leaf.raw).digest()));
  const shrouded = encrypt(pkcs8Of(key), password, context);
  const keyBag = bag(ids.shroudedKeyBag, sequence(shrouded.algorithm, octets(shrouded.encrypted)), [keyId]);
  const certBags = [certBag(leaf, [keyId]), ...authorities.map((certificate) => certBag(certificate, []))];
  return file([encryptedPart(certBags, password, context), dataPart(sequence(keyBag))], password, context);
}

function trustStore(certs: string, pass: string, context: CallContext): string {
  const certificates = allCertificates(certs);
  const password = passwordOf(pass);
  const trusted = attribute(ids.javaTrusted, oid(ids.anyExtendedKeyUsage));
  const bags = certificates.map((certificate) => {
    const name = der(tags.bmpString, wideText(nameText(certificate.subject)));
    return certBag(certificate, [trusted, attribute(ids.friendlyName, name)]);
  });
  return base64(file([encryptedPart(bags, password, context)], password, context));
}

function attribute(id: string, value: Buffer): Buffer {
  return sequence(oid(id), der(tags.set, value));
}

/** DER orders what is in a set by its bytes; go-pkcs12 writes an empty one too. */
function bag(id: string, value: Buffer, attributes: readonly Buffer[]): Buffer {
  return sequence(oid(id), explicit(0, value), der(tags.set, ...[...attributes].sort(Buffer.compare)));
}

function certBag({ raw }: Certificate, attributes: readonly Buffer[]): Buffer {
  return bag(ids.certBag, sequence(oid(ids.x509), explicit(0, octets(raw))), attributes);
}

function dataPart(content: Buffer): Buffer {
  return sequence(oid(ids.data), explicit(0, octets(content)));
}

function encryptedPart(bags: readonly Buffer[], password: Password, context: CallContext): Buffer {
  const { algorithm, encrypted } = encrypt(sequence(...bags), password, context);
  const info = sequence(oid(ids.data), algorithm, implicit(0, encrypted));
  return sequence(oid(ids.encryptedData), explicit(0, sequence(integer(0n), info)));
}

function file(parts: readonly Buffer[], password: Password, context: CallContext): Buffer {
  const content = sequence(...parts);
  return sequence(integer(3n), dataPart(content), macDataOf(content, password, context));
}
