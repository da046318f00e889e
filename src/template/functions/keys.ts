import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type Call, type CallContext, GoError } from '../func.ts';
import { bigintOf, children, integer, readDer, sequence } from './der.ts';
import { checkedKey, type DerType } from './key-checks.ts';
import { decodePem, encodePem } from './pem-block.ts';

/** Private keys as Go's crypto/x509 reads and writes them. */

/** What making a key costs, in steps of a render: a few keys per template, not hundreds. */
const keySteps = { rsa4096: 2_000_000, rsa2048: 500_000, dsa: 2_000_000, curve: 10_000 } as const;

export const genPrivateKey: Call = ([type], context) => {
  const pair = generate(type as string, context);
  return pair === undefined ? `Unknown type ${type}` : privateKeyPem(pair);
};

function generate(type: string, context: CallContext): KeyObject | undefined {
  switch (type) {
    case '':
    case 'rsa':
      context.step(keySteps.rsa4096);
      return generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey;
    case 'dsa':
      context.step(keySteps.dsa);
      return generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 }).privateKey;
    case 'ecdsa':
      context.step(keySteps.curve);
      return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
    case 'ed25519':
      context.step(keySteps.curve);
      return generateKeyPairSync('ed25519').privateKey;
    default:
      return undefined;
  }
}

/** The key that certificates get when they are not given one. */
export function generateRsa2048(context: CallContext): KeyObject {
  context.step(keySteps.rsa2048);
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
}

/** As sprig writes a key: each kind in its traditional form, Ed25519 as PKCS#8. */
export function privateKeyPem(key: KeyObject): string {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return encodePem('RSA PRIVATE KEY', key.export({ format: 'der', type: 'pkcs1' }));
    case 'ec':
      return encodePem('EC PRIVATE KEY', key.export({ format: 'der', type: 'sec1' }));
    case 'dsa':
      return encodePem('DSA PRIVATE KEY', traditionalDsa(key));
    default:
      return encodePem('PRIVATE KEY', pkcs8Of(key));
  }
}

export function pkcs8Of(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'pkcs8' });
}

/** SEQUENCE { 0, p, q, g, y, x }, which OpenSSL no longer writes. */
function traditionalDsa(key: KeyObject): Buffer {
  const [, algorithm, secret] = children(readDer(pkcs8Of(key)));
  const [, parameters] = children(algorithm!);
  const [p, q, g] = children(parameters!).map(bigintOf);
  const x = bigintOf(readDer(secret!.content));
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const [, bitString] = children(readDer(spki));
  const y = bigintOf(readDer(bitString!.content.subarray(1)));
  return sequence(...[0n, p!, q!, g!, y, x].map(integer));
}

/** The key in DER of that type, if Go knows its kind; undefined where it is none. */
export function readKey(bytes: Buffer, type: DerType): KeyObject | undefined {
  try {
    const checked = checkedKey(bytes, type);
    if (checked === undefined) return undefined;
    const key = createPrivateKey({ key: checked.der, format: 'der', type: checked.type });
    return isKnown(key) ? key : undefined;
  } catch {
    return undefined;
  }
}

function isKnown(key: KeyObject): boolean {
  return ['rsa', 'ec', 'ed25519', 'x25519'].includes(key.asymmetricKeyType ?? '');
}

/** ESO's reading of a key: PKCS#1, PKCS#8 or SEC 1, whichever fits, whatever the PEM block is called. */
export function keyOfAnyType(bytes: Buffer): KeyObject {
  const key = readKey(bytes, 'pkcs1') ?? readKey(bytes, 'pkcs8') ?? readKey(bytes, 'sec1');
  if (key === undefined) throw new GoError('unable to parse private key type');
  return key;
}

/** sprig's reading of a PEM key: by the name of its block. */
export function keyOfPem(text: string): KeyObject {
  const { block } = decodePem(text);
  if (block === undefined) throw new GoError('no PEM data in input');
  const { type, bytes } = block;
  if (type === 'PRIVATE KEY') return found(readKey(bytes, 'pkcs8'), 'decoding PEM as PKCS#8');
  if (!type.endsWith(' PRIVATE KEY')) throw new GoError('no private key data in PEM block');
  switch (type.slice(0, -' PRIVATE KEY'.length)) {
    case 'RSA':
      return found(readKey(bytes, 'pkcs1'), 'parsing RSA private key from PEM');
    case 'EC':
      return found(readKey(bytes, 'sec1'), 'parsing EC private key from PEM');
    case 'DSA':
      return found(readDsa(bytes), 'parsing DSA private key from PEM');
    default:
      throw new GoError('invalid private key type');
  }
}

function found(key: KeyObject | undefined, action: string): KeyObject {
  if (key === undefined) throw new GoError(`${action}: the key cannot be read`);
  return key;
}

function readDsa(bytes: Buffer): KeyObject | undefined {
  try {
    return createPrivateKey(encodePem('DSA PRIVATE KEY', bytes));
  } catch {
    return undefined;
  }
}
