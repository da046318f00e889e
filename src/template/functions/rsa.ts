import { constants, privateDecrypt } from 'node:crypto';
import { type Call, GoError } from '../func.ts';
import { keyOfAnyType } from './keys.ts';
import { decodePem } from './pem-block.ts';

const hashes: Readonly<Record<string, string>> = { SHA1: 'sha1', SHA256: 'sha256', SHA512: 'sha512' };

/** `rsaDecrypt scheme hash ciphertext key`: RSA-OAEP without a label, or None to pass the text through. */
export const rsaDecrypt: Call = ([scheme, hash, ciphertext, keyText]) => {
  if (scheme === 'None') return ciphertext as string;
  if (scheme !== 'RSA-OAEP')
    throw new GoError('the decryption scheme is not supported: use RSA-OAEP or None');
  const { block } = decodePem(keyText as string);
  if (block === undefined) throw new GoError('failed to decode PEM block');
  const key = keyOfAnyType(block.bytes);
  if (key.asymmetricKeyType !== 'rsa') throw new GoError('could not parse RSA private key');
  const options = {
    key,
    padding: constants.RSA_PKCS1_OAEP_PADDING,
    // Whatever is not known is SHA-256.
    oaepHash: hashes[hash as string] ?? 'sha256',
  };
  try {
    return privateDecrypt(options, Buffer.from(ciphertext as string, 'latin1')).toString('latin1');
  } catch {
    throw new GoError('error decrypting data with RSA: crypto/rsa: decryption error');
  }
};
