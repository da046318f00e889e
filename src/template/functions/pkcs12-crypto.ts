import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  pbkdf2Sync,
  timingSafeEqual,
} from 'node:crypto';
import forge from 'node-forge';
import { type CallContext, GoError } from '../func.ts';
import { runesOf } from '../utf8.ts';
import {
  children,
  expect,
  integer,
  type Node,
  numberOf,
  octets,
  oid,
  oidText,
  sequence,
  tags,
} from './der.ts';

/** The ciphers, hashes and key derivations of PKCS#12, old and new. */

const ids = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha512: '2.16.840.1.101.3.4.2.3',
  pbmac1: '1.2.840.113549.1.5.14',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  hmacSha256: '1.2.840.113549.2.9',
  aes256: '2.16.840.1.101.3.4.1.42',
} as const;

const hashes: Readonly<Record<string, { name: string; blockBytes: number }>> = {
  [ids.sha1]: { name: 'sha1', blockBytes: 64 },
  [ids.sha256]: { name: 'sha256', blockBytes: 64 },
  [ids.sha512]: { name: 'sha512', blockBytes: 128 },
};
const hmacs: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  [ids.hmacSha256]: 'sha256',
  '1.2.840.113549.2.11': 'sha512',
};
const aesCiphers: Readonly<Record<string, { name: string; keyBytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24 },
  [ids.aes256]: { name: 'aes-256-cbc', keyBytes: 32 },
};
const oldCiphers: Readonly<Record<string, { name: 'des-ede3-cbc' | 'rc2'; keyBytes: number }>> = {
  '1.2.840.113549.1.12.1.3': { name: 'des-ede3-cbc', keyBytes: 24 },
  '1.2.840.113549.1.12.1.5': { name: 'rc2', keyBytes: 16 },
  '1.2.840.113549.1.12.1.6': { name: 'rc2', keyBytes: 5 },
};

/** A password in the two forms that PKCS#12 knows: two bytes a character with a zero at the end, and UTF-8. */
export interface Password {
  readonly wide: Buffer;
  readonly utf8: Buffer;
}

export function passwordOf(text: string): Password {
  return { wide: Buffer.concat([wideText(text), Buffer.alloc(2)]), utf8: Buffer.from(text, 'latin1') };
}

/** What some programs take for an empty password. */
export const noPassword: Password = { wide: Buffer.alloc(0), utf8: Buffer.alloc(0) };

/** UCS-2, big end first. */
export function wideText(text: string): Buffer {
  const runes = runesOf(text);
  const bytes = Buffer.alloc(runes.length * 2);
  runes.forEach((rune, i) => {
    if (rune > 0xffff)
      throw new GoError('pkcs12: string contains characters that cannot be encoded in UCS-2');
    bytes.writeUInt16BE(rune, i * 2);
  });
  return bytes;
}

/** A derivation costs as many hashes as the file says; a step for each keeps that bounded. */
function charge(iterations: number, context: CallContext): void {
  if (iterations < 1) throw new GoError('pkcs12: the number of iterations is less than 1');
  context.step(iterations * 4);
}

interface Derivation {
  readonly hash: { readonly name: string; readonly blockBytes: number };
  readonly salt: Buffer;
  readonly password: Buffer;
  readonly iterations: number;
  /** 1 for a key, 2 for an initial vector, 3 for a MAC key. */
  readonly purpose: 1 | 2 | 3;
  readonly size: number;
}

/** RFC 7292, appendix B.2. */
function derive(
  { hash, salt, password, iterations, purpose, size }: Derivation,
  context: CallContext,
): Buffer {
  const { name, blockBytes } = hash;
  const diversifier = Buffer.alloc(blockBytes, purpose);
  let input = Buffer.concat([filled(salt, blockBytes), filled(password, blockBytes)]);
  const parts: Buffer[] = [];
  for (let length = 0; length < size; length += parts.at(-1)!.length) {
    charge(iterations, context);
    let block: Buffer = createHash(name).update(diversifier).update(input).digest();
    for (let i = 1; i < iterations; i++) block = createHash(name).update(block).digest();
    parts.push(block);
    input = advanced(input, block, blockBytes);
  }
  return Buffer.concat(parts).subarray(0, size);
}

/** Repeated up to a whole number of blocks. */
function filled(pattern: Buffer, blockBytes: number): Buffer<ArrayBuffer> {
  const filling = Buffer.alloc(blockBytes * Math.ceil(pattern.length / blockBytes));
  return pattern.length === 0 ? filling : filling.fill(pattern);
}

/** Each block of the input plus the hash's bytes plus one, as numbers. */
function advanced(input: Buffer, block: Buffer, blockBytes: number): Buffer<ArrayBuffer> {
  const added = BigInt(`0x${Buffer.alloc(blockBytes, block).toString('hex')}`) + 1n;
  const blocks: Buffer[] = [];
  for (let at = 0; at < input.length; at += blockBytes) {
    const value = BigInt(`0x${input.subarray(at, at + blockBytes).toString('hex')}`) + added;
    const hex = BigInt.asUintN(blockBytes * 8, value)
      .toString(16)
      .padStart(blockBytes * 2, '0');
    blocks.push(Buffer.from(hex, 'hex'));
  }
  return Buffer.concat(blocks);
}

/** Whether the MAC over the content is right for the password. `macData` is the node of that name. */
export function isMacRight(
  macData: Node,
  content: Buffer,
  password: Password,
  context: CallContext,
): boolean {
  const [digestInfo, salt, count] = children(macData);
  const [algorithm, digest] = children(expect(digestInfo, tags.sequence));
  const [id, parameters] = children(expect(algorithm, tags.sequence));
  const iterations = count === undefined ? 1 : numberOf(count);
  const mac =
    oidText(id) === ids.pbmac1
      ? pbmac1(expect(parameters, tags.sequence), content, password, context)
      : hashMac(
          { id: oidText(id), salt: expect(salt, tags.octetString).content, iterations },
          content,
          password,
          context,
        );
  const given = expect(digest, tags.octetString).content;
  return given.length === mac.length && timingSafeEqual(given, mac);
}

function hashMac(
  { id, salt, iterations }: { id: string; salt: Buffer; iterations: number },
  content: Buffer,
  password: Password,
  context: CallContext,
): Buffer {
  const hash = hashes[id];
  if (hash === undefined) throw new GoError('pkcs12: not implemented: MAC digest algorithm not supported');
  const size = createHash(hash.name).digest().length;
  const key = derive({ hash, salt, password: password.wide, iterations, purpose: 3, size }, context);
  return createHmac(hash.name, key).update(content).digest();
}

function pbmac1(parameters: Node, content: Buffer, password: Password, context: CallContext): Buffer {
  const [derivation, scheme] = children(parameters);
  const hash = hmacs[oidText(children(expect(scheme, tags.sequence))[0])];
  if (hash === undefined) throw new GoError('pkcs12: not implemented: PBMAC1 MAC algorithm is not supported');
  const { key, hasLength } = pbkdf2(expect(derivation, tags.sequence), undefined, password, context);
  if (!hasLength)
    throw new GoError('pkcs12: PBMAC1 requires explicit KeyLength parameter in PBKDF2 parameters');
  return createHmac(hash, key).update(content).digest();
}

/** The key of PBKDF2 parameters; `keyBytes` is what the cipher needs, else what the parameters say. */
function pbkdf2(
  algorithm: Node,
  keyBytes: number | undefined,
  password: Password,
  context: CallContext,
): { key: Buffer; hasLength: boolean } {
  const [id, parameters] = children(algorithm);
  if (oidText(id) !== ids.pbkdf2)
    throw new GoError('pkcs12: not implemented: the kdf algorithm is not supported');
  const [salt, iterations, ...rest] = children(expect(parameters, tags.sequence));
  const length = rest.find((node) => node.tag === tags.integer);
  const prf = rest.find((node) => node.tag === tags.sequence);
  const hash = prf === undefined ? 'sha1' : hmacs[oidText(children(prf)[0])];
  if (hash === undefined) throw new GoError('pkcs12: not implemented: the prf is not supported');
  const count = numberOf(iterations);
  charge(count, context);
  const size = keyBytes ?? Math.min(length === undefined ? 0 : numberOf(length), 64);
  const key = pbkdf2Sync(password.utf8, expect(salt, tags.octetString).content, count, size, hash);
  return { key, hasLength: length !== undefined };
}

/** Decrypts what an AlgorithmIdentifier describes. */
export function decrypt(
  algorithm: Node,
  encrypted: Buffer,
  password: Password,
  context: CallContext,
): Buffer {
  const [id, parameters] = children(expect(algorithm, tags.sequence));
  const cipher = oldCiphers[oidText(id)];
  const padded =
    oidText(id) === ids.pbes2
      ? decryptAes(expect(parameters, tags.sequence), encrypted, password, context)
      : decryptOld(cipher, expect(parameters, tags.sequence), encrypted, password, context);
  return unpadded(padded, cipher === undefined ? 16 : 8);
}

function checkBlocks(encrypted: Buffer, blockBytes: number): void {
  if (encrypted.length === 0) throw new GoError('pkcs12: empty encrypted data');
  if (encrypted.length % blockBytes !== 0)
    throw new GoError('pkcs12: input is not a multiple of the block size');
}

function decryptAes(parameters: Node, encrypted: Buffer, password: Password, context: CallContext): Buffer {
  const [derivation, scheme] = children(parameters);
  const [id, iv] = children(expect(scheme, tags.sequence));
  const cipher = aesCiphers[oidText(id)];
  if (cipher === undefined)
    throw new GoError('pkcs12: not implemented: the pbes2 algorithm is not supported');
  checkBlocks(encrypted, 16);
  const { key } = pbkdf2(expect(derivation, tags.sequence), cipher.keyBytes, password, context);
  const { content } = expect(iv, tags.octetString);
  if (content.length !== 16) throw new GoError('cipher.NewCBCDecrypter: IV length must equal block size');
  const decryption = createDecipheriv(cipher.name, key, content).setAutoPadding(false);
  return Buffer.concat([decryption.update(encrypted), decryption.final()]);
}

function decryptOld(
  cipher: (typeof oldCiphers)[string] | undefined,
  parameters: Node,
  encrypted: Buffer,
  password: Password,
  context: CallContext,
): Buffer {
  if (cipher === undefined) throw new GoError('pkcs12: not implemented: the pbe algorithm is not supported');
  checkBlocks(encrypted, 8);
  const [salt, count] = children(parameters);
  const shared = {
    hash: hashes[ids.sha1]!,
    salt: expect(salt, tags.octetString).content,
    password: password.wide,
    iterations: numberOf(count),
  };
  const key = derive({ ...shared, purpose: 1, size: cipher.keyBytes }, context);
  const iv = derive({ ...shared, purpose: 2, size: 8 }, context);
  if (cipher.name === 'rc2') return decryptRc2(key, iv, encrypted);
  const decryption = createDecipheriv(cipher.name, key, iv).setAutoPadding(false);
  return Buffer.concat([decryption.update(encrypted), decryption.final()]);
}

/** OpenSSL keeps RC2 in its legacy provider, which Node does not load. */
function decryptRc2(key: Buffer, iv: Buffer, encrypted: Buffer): Buffer {
  const decryption = forge.rc2.createDecryptionCipher(key.toString('latin1'), key.length * 8);
  decryption.start(iv.toString('latin1'));
  decryption.update(forge.util.createBuffer(encrypted.toString('latin1')));
  // The padding is looked at by the caller.
  decryption.finish(() => true);
  return Buffer.from(decryption.output.getBytes(), 'latin1');
}

function unpadded(padded: Buffer, blockBytes: number): Buffer {
  const count = padded.at(-1) ?? 0;
  const isRight = count > 0 && count <= blockBytes && padded.subarray(-count).every((byte) => byte === count);
  if (!isRight) throw new GoError('pkcs12: decryption error, incorrect padding');
  return padded.subarray(0, -count);
}

/** As go-pkcs12's Modern encoder: these many iterations and bytes of salt. */
const iterations = 2048;
const saltBytes = 16;

/** The AlgorithmIdentifier and the bytes of AES-256 with a key by PBKDF2. */
export function encrypt(
  content: Buffer,
  password: Password,
  context: CallContext,
): { algorithm: Buffer; encrypted: Buffer } {
  const salt = context.randomBytes(saltBytes);
  const iv = context.randomBytes(16);
  charge(iterations, context);
  const key = pbkdf2Sync(password.utf8, salt, iterations, 32, 'sha256');
  const encryption = createCipheriv('aes-256-cbc', key, iv);
  const derivation = sequence(octets(salt), integer(BigInt(iterations)), sequence(oid(ids.hmacSha256)));
  const parameters = sequence(sequence(oid(ids.pbkdf2), derivation), sequence(oid(ids.aes256), octets(iv)));
  return {
    algorithm: sequence(oid(ids.pbes2), parameters),
    encrypted: Buffer.concat([encryption.update(content), encryption.final()]),
  };
}

/** The MacData of a new file. */
export function macDataOf(content: Buffer, password: Password, context: CallContext): Buffer {
  const salt = context.randomBytes(saltBytes);
  const digest = hashMac({ id: ids.sha256, salt, iterations }, content, password, context);
  return sequence(
    sequence(sequence(oid(ids.sha256)), octets(digest)),
    octets(salt),
    integer(BigInt(iterations)),
  );
}
