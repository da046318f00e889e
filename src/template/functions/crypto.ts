import { createCipheriv, createDecipheriv, createHash, createHmac, scryptSync } from 'node:crypto';
import { type Call, type CallContext, type FunctionTable, func, GoError, lazy } from '../func.ts';
import { fromBase64, toBase64 } from './encoding.ts';

/** Key and certificate functions come with their own files when a template uses them. */
const keys = () => import('./keys.ts');
const certificates = () => import('./certificates.ts');

const cert = (pick: (module: typeof import('./certificates.ts')) => Call) => async (): Promise<Call> =>
  pick(await certificates());

export const crypto: FunctionTable = {
  sha1sum: func(['string'], (text) => digest('sha1', text)),
  sha256sum: func(['string'], (text) => digest('sha256', text)),
  sha512sum: func(['string'], (text) => digest('sha512', text)),
  adler32sum: func(['string'], (text, context) => {
    context.step(text.length >> 3);
    return String(adler32(text));
  }),
  bcrypt: lazy(['string'], false, async () => {
    const bcrypt = await loadBcrypt();
    return ([password], context) => bcrypt(password as string, context);
  }),
  htpasswd: lazy(['string', 'string', 'sprig.HashAlgorithm'], false, async () => {
    const bcrypt = await loadBcrypt();
    return ([user, password, algorithm], context) => {
      if ((user as string).includes(':')) return `invalid username: ${user}`;
      const hashed =
        algorithm === 'sha'
          ? `{SHA}${createHash('sha1')
              .update(password as string, 'latin1')
              .digest('base64')}`
          : bcrypt(password as string, context);
      return `${user}:${hashed}`;
    };
  }),
  derivePassword: func(
    ['uint32', 'string', 'string', 'string', 'string'],
    (counter, type, password, user, site, context) =>
      derivePassword({ counter: Number(counter.value), type, password, user, site }, context),
  ),
  encryptAES: func(['string', 'string'], encryptAES),
  decryptAES: func(['string', 'string'], (password, text) => decryptAES(password, text)),
  genPrivateKey: lazy(['string'], false, async () => (await keys()).genPrivateKey),
  buildCustomCert: lazy(
    ['string', 'string'],
    false,
    cert((module) => module.buildCustomCert),
  ),
  genCA: lazy(
    ['string', 'int'],
    false,
    cert((module) => module.genCA),
  ),
  genCAWithKey: lazy(
    ['string', 'int', 'string'],
    false,
    cert((module) => module.genCAWithKey),
  ),
  genSelfSignedCert: lazy(
    ['string', '[]interface {}', '[]interface {}', 'int'],
    false,
    cert((module) => module.genSelfSignedCert),
  ),
  genSelfSignedCertWithKey: lazy(
    ['string', '[]interface {}', '[]interface {}', 'int', 'string'],
    false,
    cert((module) => module.genSelfSignedCertWithKey),
  ),
  genSignedCert: lazy(
    ['string', '[]interface {}', '[]interface {}', 'int', 'sprig.certificate'],
    false,
    cert((module) => module.genSignedCert),
  ),
  genSignedCertWithKey: lazy(
    ['string', '[]interface {}', '[]interface {}', 'int', 'sprig.certificate', 'string'],
    false,
    cert((module) => module.genSignedCertWithKey),
  ),
};

function digest(algorithm: string, text: string): string {
  return createHash(algorithm).update(text, 'latin1').digest('hex');
}

function adler32(text: string): number {
  let low = 1;
  let high = 0;
  for (let at = 0; at < text.length; at++) {
    low = (low + text.charCodeAt(at)) % 65521;
    high = (high + low) % 65521;
  }
  return high * 65536 + low;
}

/** What a hash of bcrypt's default cost (10) and of scrypt's parameters below cost, in steps of a render. */
const slowHashSteps = 400_000;
const bcryptCost = 10;
/** bcrypt itself takes no more; Go refuses what other implementations cut off. */
const bcryptBytes = 72;

async function loadBcrypt(): Promise<(password: string, context: CallContext) => string> {
  const { encodeBase64, hashSync } = await import('bcryptjs');
  return (password, context) => {
    context.step(slowHashSteps);
    if (password.length > bcryptBytes) {
      return 'failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes';
    }
    const salt = encodeBase64(context.randomBytes(16), 16);
    // bcryptjs takes text and encodes it as UTF-8: only what is UTF-8 can be handed to it unchanged.
    const text = Buffer.from(password, 'latin1').toString('utf8');
    if (Buffer.from(text, 'utf8').toString('latin1') !== password) {
      throw new GoError('bcrypt: a password that is not UTF-8 is not supported');
    }
    return hashSync(text, `$2a$${bcryptCost}$${salt}`);
  };
}

/** Characters of a Master Password template letter, and the templates of a type. */
const characters: Readonly<Record<string, string>> = {
  V: 'AEIOU',
  C: 'BCDFGHJKLMNPQRSTVWXYZ',
  v: 'aeiou',
  c: 'bcdfghjklmnpqrstvwxyz',
  A: 'AEIOUBCDFGHJKLMNPQRSTVWXYZ',
  a: 'AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz',
  n: '0123456789',
  o: "@&%?,=[]_:-+*$#!'^~;()/.",
  x: 'AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()',
};
const templatesOf: Readonly<Record<string, string>> = {
  maximum: 'anoxxxxxxxxxxxxxxxxx axxxxxxxxxxxxxxxxxno',
  long:
    'CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv CvccCvcvCvcvno CvcvnoCvccCvcv ' +
    'CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc CvcvCvcvCvccno CvccnoCvccCvcv CvccCvccnoCvcv ' +
    'CvccCvccCvcvno CvcvnoCvccCvcc CvcvCvccnoCvcc CvcvCvccCvccno CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno',
  medium: 'CvcnoCvc CvcCvcno',
  short: 'Cvcn',
  basic: 'aaanaaan aannaaan aaannaaa',
  pin: 'nnnn',
};

interface Derivation {
  readonly counter: number;
  readonly type: string;
  readonly password: string;
  readonly user: string;
  readonly site: string;
}

/** The Master Password algorithm, which makes the same password of the same words for ever. */
function derivePassword({ counter, type, password, user, site }: Derivation, context: CallContext): string {
  if (!Object.hasOwn(templatesOf, type)) return `cannot find password template ${type}`;
  context.step(slowHashSteps);
  const scope = Buffer.from('com.lyndir.masterpassword');
  const salt = Buffer.concat([scope, uint32(user.length), Buffer.from(user, 'latin1')]);
  const cost = { N: 32768, r: 8, p: 2, maxmem: 128 * 1024 * 1024 };
  const key = scryptSync(Buffer.from(password, 'latin1'), salt, 64, cost);
  const seed = createHmac('sha256', key)
    .update(Buffer.concat([scope, uint32(site.length), Buffer.from(site, 'latin1'), uint32(counter)]))
    .digest();
  const templates = templatesOf[type]!.split(' ');
  const template = templates[seed[0]! % templates.length]!;
  return [...template]
    .map((letter, i) => characters[letter]![seed[i + 1]! % characters[letter]!.length])
    .join('');
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

const ivBytes = 16;
const cipher = 'aes-256-cbc';

/** The password as a key: cut, or filled up with zeros. */
function aesKey(password: string): Buffer {
  const key = Buffer.alloc(32);
  key.write(password, 'latin1');
  return key;
}

function encryptAES(password: string, text: string, context: CallContext): string {
  if (text === '') return '';
  context.grow(text.length * 2);
  const iv = context.randomBytes(ivBytes);
  const encryption = createCipheriv(cipher, aesKey(password), iv);
  const encrypted = [iv, encryption.update(text, 'latin1'), encryption.final()];
  return toBase64(Buffer.concat(encrypted).toString('latin1'));
}

/** Only the last byte of the padding is looked at, as in Go. */
function decryptAES(password: string, encoded: string): string {
  if (encoded === '') return '';
  const bytes = Buffer.from(fromBase64(encoded), 'latin1');
  if (bytes.length < ivBytes) throw new GoError('runtime error: slice bounds out of range');
  const body = bytes.subarray(ivBytes);
  if (body.length % ivBytes !== 0) throw new GoError('crypto/cipher: input not full blocks');
  if (body.length === 0) throw new GoError('runtime error: index out of range');
  const decryption = createDecipheriv(cipher, aesKey(password), bytes.subarray(0, ivBytes)).setAutoPadding(
    false,
  );
  const text = decryption.update(body).toString('latin1') + decryption.final('latin1');
  const kept = text.length - text.charCodeAt(text.length - 1);
  if (kept < 0) throw new GoError('runtime error: slice bounds out of range');
  return text.slice(0, kept);
}
