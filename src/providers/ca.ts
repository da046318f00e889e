import { X509Certificate } from 'node:crypto';
import { AgentError, type At } from '../base/errors.ts';
import type { SpecNode } from '../spec/spec.ts';
import { invalid, isPresent, oneOfAt, requiredTextAt, textAt } from './fields.ts';
import type { ObjectRef } from './object-ref.ts';

export type CaSource =
  | { readonly kind: 'bundle'; readonly pem: string }
  | { readonly kind: 'reference'; readonly ref: ObjectRef };

/** `caBundle`, which wins, or `caProvider`; `parent` is what they stand in, as `server.`. */
export function parseCa(node: SpecNode, parent: '' | `${string}.` = ''): CaSource | undefined {
  const bundlePath = `${parent}caBundle`;
  const bundle = textAt(node, bundlePath);
  if (bundle) return { kind: 'bundle', pem: decodeBundle(node, bundlePath, bundle) };
  const path = `${parent}caProvider`;
  if (!isPresent(node, path)) return undefined;
  const kind = oneOfAt(node, `${path}.type`, { of: ['Secret', 'ConfigMap'] });
  const ref = {
    kind,
    name: requiredTextAt(node, `${path}.name`),
    key: requiredTextAt(node, `${path}.key`),
    namespace: textAt(node, `${path}.namespace`),
    at: node.at(path),
  };
  return { kind: 'reference', ref };
}

/** The field is bytes, so YAML holds base64; ESO takes what it decodes to as PEM or as base64 once more. */
function decodeBundle(node: SpecNode, path: string, bundle: string): string {
  const once = fromBase64(bundle);
  const pem = [once, once === undefined ? undefined : fromBase64(once)].find((text) =>
    text?.includes('-----BEGIN'),
  );
  if (pem === undefined) {
    const remedy = bundle.includes('-----BEGIN')
      ? 'encode the PEM text with base64: the field holds bytes'
      : 'put the base64 of a PEM file there';
    throw invalid(node, path, { message: 'caBundle is not the base64 of a PEM bundle', remedy });
  }
  checkCertificates(pem, { at: node.at(path), what: 'caBundle' });
  return pem;
}

function fromBase64(text: string): string | undefined {
  const compact = text.replace(/\s/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(compact)) return undefined;
  return Buffer.from(compact, 'base64').toString('utf8');
}

/** Throws SpecInvalid unless `pem` holds certificates and each can be read: TLS itself skips a broken one silently. */
export function checkCertificates(pem: string, source: { readonly at: At; readonly what: string }): void {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const broken = blocks.findIndex((block) => !isCertificate(block));
  if (blocks.length > 0 && broken === -1) return;
  const message =
    blocks.length === 0
      ? `${source.what} holds no certificate in PEM form`
      : `certificate ${broken + 1} of ${blocks.length} in ${source.what} cannot be read`;
  throw new AgentError('SpecInvalid', message, { at: source.at, remedy: 'check it with openssl x509 -text' });
}

function isCertificate(block: string): boolean {
  try {
    new X509Certificate(block);
    return true;
  } catch {
    return false;
  }
}
