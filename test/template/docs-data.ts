import { createPrivateKey, createPublicKey } from 'node:crypto';
import { rendered } from './functions/rendering.ts';

/** The fetched keys that the examples of docs/templates.md work on. */
export async function docsData(): Promise<Record<string, string>> {
  const made = await rendered(
    '{{ $c := genSelfSignedCert "a.example" nil (list "a.example") 30 }}{{ $c.Cert }}|{{ $c.Key }}',
  );
  const [cert = '', key = ''] = made.split('|');
  const data = {
    user: 'admin',
    password: 'p@ss "word"',
    config: '{"host":"db.example","port":5432}',
    'tls.crt': cert,
    pem_cert: cert,
    pem_key: key,
    jwk: JSON.stringify(createPublicKey(key).export({ format: 'jwk' })),
    jwk_private: JSON.stringify(createPrivateKey(key).export({ format: 'jwk' })),
  };
  return { ...data, p12: await rendered('{{ pemToPkcs12 .pem_cert .pem_key }}', { data }) };
}
