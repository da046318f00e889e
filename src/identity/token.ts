import type { Secret } from '../base/secret.ts';

/** What a service-account token says of itself. Read, not verified: verifying is the store's part. */
export interface TokenClaims {
  readonly audiences: readonly string[];
  readonly subject: string;
  readonly issuer: string;
  /** Wall ms; undefined when the token does not expire. */
  readonly expiresMs: number | undefined;
  /** Of `system:serviceaccount:<namespace>:<name>`; undefined for another subject. */
  readonly namespace: string | undefined;
  readonly serviceAccount: string | undefined;
}

/** The claims of a JWT, or undefined when it is none. */
export function claimsOf(token: Secret): TokenClaims | undefined {
  const parts = token.text().trim().split('.');
  if (parts.length !== 3) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null
      ? read(claims as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function read(claims: Record<string, unknown>): TokenClaims {
  const { aud, sub, iss, exp } = claims;
  const subject = typeof sub === 'string' ? sub : '';
  const [, namespace, serviceAccount] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(subject) ?? [];
  return {
    audiences: (Array.isArray(aud) ? aud : [aud]).filter((each) => typeof each === 'string'),
    subject,
    issuer: typeof iss === 'string' ? iss : '',
    expiresMs: typeof exp === 'number' ? exp * 1000 : undefined,
    namespace,
    serviceAccount,
  };
}
