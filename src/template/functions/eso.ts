import { type Call, type FunctionTable, lazy } from '../func.ts';

/** ESO's own functions, each family's code loaded with the first template that uses it. */

const pkcs12 = (pick: (module: typeof import('./pkcs12.ts')) => Call) => async (): Promise<Call> =>
  pick(await import('./pkcs12.ts'));
const chains = (pick: (module: typeof import('./chains.ts')) => Call) => async (): Promise<Call> =>
  pick(await import('./chains.ts'));
const yaml = (pick: (module: typeof import('./yaml.ts')) => Call) => async (): Promise<Call> =>
  pick(await import('./yaml.ts'));
const jwk = (pick: (module: typeof import('./jwk.ts')) => Call) => async (): Promise<Call> =>
  pick(await import('./jwk.ts'));

export const eso: FunctionTable = {
  pkcs12key: lazy(
    ['string'],
    false,
    pkcs12((module) => module.pkcs12key),
  ),
  pkcs12keyPass: lazy(
    ['string', 'string'],
    false,
    pkcs12((module) => module.pkcs12keyPass),
  ),
  pkcs12cert: lazy(
    ['string'],
    false,
    pkcs12((module) => module.pkcs12cert),
  ),
  pkcs12certPass: lazy(
    ['string', 'string'],
    false,
    pkcs12((module) => module.pkcs12certPass),
  ),
  pemToPkcs12: lazy(
    ['string', 'string'],
    false,
    pkcs12((module) => module.pemToPkcs12),
  ),
  pemToPkcs12Pass: lazy(
    ['string', 'string', 'string'],
    false,
    pkcs12((module) => module.pemToPkcs12Pass),
  ),
  fullPemToPkcs12: lazy(
    ['string', 'string'],
    false,
    pkcs12((module) => module.fullPemToPkcs12),
  ),
  fullPemToPkcs12Pass: lazy(
    ['string', 'string', 'string'],
    false,
    pkcs12((module) => module.fullPemToPkcs12Pass),
  ),
  pemTruststoreToPKCS12: lazy(
    ['string'],
    false,
    pkcs12((module) => module.pemTruststoreToPKCS12),
  ),
  pemTruststoreToPKCS12Pass: lazy(
    ['string', 'string'],
    false,
    pkcs12((module) => module.pemTruststoreToPKCS12Pass),
  ),
  filterPEM: lazy(
    ['string', 'string'],
    false,
    chains((module) => module.filterPEM),
  ),
  filterCertChain: lazy(
    ['string', 'string'],
    false,
    chains((module) => module.filterCertChain),
  ),
  certSANs: lazy(
    ['string'],
    false,
    chains((module) => module.certSANs),
  ),
  jwkPublicKeyPem: lazy(
    ['string'],
    false,
    jwk((module) => module.jwkPublicKeyPem),
  ),
  jwkPrivateKeyPem: lazy(
    ['string'],
    false,
    jwk((module) => module.jwkPrivateKeyPem),
  ),
  toYaml: lazy(
    ['interface {}'],
    false,
    yaml((module) => module.toYaml),
  ),
  fromYaml: lazy(
    ['string'],
    false,
    yaml((module) => module.fromYaml),
  ),
  rsaDecrypt: lazy(
    ['string', 'string', 'string', 'string'],
    false,
    async () => (await import('./rsa.ts')).rsaDecrypt,
  ),
};
