import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { issueAuthority, issueLeaf } from './certificates-issue.ts';
import type { TlsPair } from './tls.ts';

/** What the injector's Secret holds, read and found to fit together. */
export interface CertificateSet {
  /** The newest: every leaf to come is its. */
  readonly authority: TlsPair;
  /** Certificates of those before it, whose leaves may still be served. */
  readonly former: readonly string[];
  /** Undefined when there is none, or one that does not fit its key. */
  readonly leaf: TlsPair | undefined;
}

/** Of a Secret's `data`, in base64. */
export type Contents = Readonly<Record<string, string>>;

const dayMs = 24 * 60 * 60_000;
export const authorityLifeMs = 2 * 365 * dayMs;
export const leafLifeMs = 30 * dayMs;
/** Clocks differ: a certificate is valid somewhat before it was made. */
export const backdateMs = 60 * 60_000;

const authorityName = 'external-secrets-agent injector CA';

/** Undefined when there is no authority, or none that could sign. */
export function readSet(data: Contents | undefined): CertificateSet | undefined {
  const text = (key: string) => Buffer.from(data?.[key] ?? '', 'base64').toString('utf8');
  const authority = pairOf(text('ca.crt'), text('ca.key'));
  if (authority === undefined) return undefined;
  return { authority, former: pemsOf(text('former-ca.crt')), leaf: pairOf(text('tls.crt'), text('tls.key')) };
}

export function contentsOf({ authority, former, leaf }: CertificateSet): Contents {
  const texts = {
    'ca.crt': authority.cert,
    'ca.key': authority.key,
    'former-ca.crt': former.join(''),
    'tls.crt': leaf?.cert ?? '',
    'tls.key': leaf?.key ?? '',
  };
  return Object.fromEntries(
    Object.entries(texts).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
}

function pairOf(cert: string, key: string): TlsPair | undefined {
  const read = certificateOf(cert);
  try {
    return read?.checkPrivateKey(createPrivateKey(key)) ? { cert, key } : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined for what is no certificate. */
export function certificateOf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** The certificates in a text, each as PEM of one form, so that equal ones are equal texts; others are left out. */
export function pemsOf(text: string): readonly string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return [...new Set(blocks.flatMap((block) => certificateOf(block)?.toString() ?? []))];
}

/** An authority that follows `before`, whose leaf goes on until another is signed. */
export function withNewAuthority(before: CertificateSet | undefined, nowMs: number): CertificateSet {
  const validity = { fromMs: nowMs - backdateMs, toMs: nowMs + authorityLifeMs };
  const commonName = `${authorityName} ${randomBytes(4).toString('hex')}`;
  const authority = issueAuthority({ commonName, ...validity });
  const former = before === undefined ? [] : [...pemsOf(before.authority.cert), ...before.former];
  return { authority, former, leaf: before?.leaf };
}

export function withNewLeaf(set: CertificateSet, names: readonly string[], nowMs: number): CertificateSet {
  const issuer = new X509Certificate(set.authority.cert);
  const leaf = issueLeaf({
    commonName: 'external-secrets-agent injector',
    names,
    authority: set.authority,
    issuerName: commonNameOf(issuer),
    fromMs: nowMs - backdateMs,
    toMs: Math.min(nowMs + leafLifeMs, issuer.validToDate.getTime()),
  });
  return { ...set, leaf };
}

/**
 * The names wanted, and those of a leaf that lacks one of them: while replicas of two kinds run, neither undoes what
 * the other needs. A leaf that had them all is followed by one with the names wanted alone.
 */
export function namesOfNext({ leaf }: CertificateSet, wanted: readonly string[]): readonly string[] {
  const found = leaf === undefined ? '' : (new X509Certificate(leaf.cert).subjectAltName ?? '');
  const had = found.split(', ').map((each) => each.replace(/^(?:DNS|IP Address):/, ''));
  const known = new Set(had.map((name) => name.toLowerCase()).filter((name) => name !== ''));
  return wanted.every((name) => known.has(name.toLowerCase())) ? wanted : [...new Set([...wanted, ...known])];
}

function commonNameOf({ subject }: X509Certificate): string {
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? '';
}

/** Whether an injector made it for itself. */
export function isOurs(certificate: X509Certificate): boolean {
  return commonNameOf(certificate).startsWith(authorityName);
}

/** When it was made, wall ms, of an authority of ours. */
export function madeAtMs(certificate: X509Certificate): number {
  return certificate.validFromDate.getTime() + backdateMs;
}
