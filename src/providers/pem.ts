import { createPrivateKey } from 'node:crypto';
import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { checkCertificates } from './ca.ts';
import { type ObjectRef, resolve } from './object-ref.ts';
import type { StoreContext } from './provider.ts';

/** The certificates that a reference stands for. Throws SpecInvalid when one of them cannot be read. */
export async function certificatesAt(ref: ObjectRef, context: StoreContext): Promise<string> {
  const pem = await textAt(ref, context);
  checkCertificates(pem, { at: ref.at, what: `${ref.key} of ${ref.kind} ${ref.name}` });
  return pem;
}

/** The private key that a reference stands for. Throws SpecInvalid when it is none. */
export async function privateKeyAt(ref: ObjectRef, context: StoreContext): Promise<string> {
  const pem = await textAt(ref, context);
  try {
    createPrivateKey(pem);
    return pem;
  } catch {
    // The library's own words may quote the key.
    throw new AgentError(
      'SpecInvalid',
      `${ref.key} of ${ref.kind} ${ref.name} is not a private key in PEM form`,
      { at: ref.at, remedy: 'check it with openssl pkey -noout' },
    );
  }
}

async function textAt(ref: ObjectRef, context: StoreContext): Promise<string> {
  return (await resolve(ref, context, AbortSignal.timeout(limits.requestMs))).text();
}
