import type { At } from '../base/errors.ts';
import type { SpecNode } from '../spec/spec.ts';
import { type CaSource, parseCa } from './ca.ts';
import { booleanAt, invalid, isPresent, oneOfAt, requiredTextAt, textAt, textMapAt } from './fields.ts';
import { type ObjectRef, secretRefAt } from './object-ref.ts';
import { parseAuth, type VaultAuth } from './vault-login.ts';

/** `spec.provider.vault`, with the CRD's defaults. */
export interface VaultConfig {
  /** The URL as written, without a slash at its end. */
  readonly server: string;
  readonly serverAt: At;
  readonly path: string | undefined;
  readonly pathAt: At;
  readonly version: 'v1' | 'v2';
  readonly namespace: string | undefined;
  readonly ca: CaSource | undefined;
  readonly clientTls: { readonly cert: ObjectRef; readonly key: ObjectRef } | undefined;
  readonly headers: ReadonlyMap<string, string>;
  readonly readYourWrites: boolean;
  readonly forwardInconsistent: boolean;
  /** Undefined: no login at all, as in ESO. */
  readonly auth: VaultAuth | undefined;
  /** For the login; the store's namespace when unset. */
  readonly authNamespace: string | undefined;
}

/** Headers that the login and the client own. */
const ownHeaders = ['x-vault-token', 'x-vault-request', 'x-vault-namespace', 'host', 'content-length'];

export function parseVault(node: SpecNode): VaultConfig {
  const version = oneOfAt(node, 'version', { of: ['v1', 'v2'], fallback: 'v2' });
  if (version === 'v1' && booleanAt(node, 'checkAndSet.required')) {
    throw invalid(node, 'checkAndSet.required', {
      message: 'KV v1 has no check-and-set',
      remedy: 'remove it',
    });
  }
  return {
    server: requiredTextAt(node, 'server').replace(/\/+$/, ''),
    serverAt: node.at('server'),
    path: mountPath(node),
    pathAt: node.at('path'),
    version,
    namespace: textAt(node, 'namespace') || undefined,
    ca: parseCa(node),
    clientTls: parseClientTls(node),
    headers: parseHeaders(node),
    readYourWrites: booleanAt(node, 'readYourWrites') ?? false,
    forwardInconsistent: booleanAt(node, 'forwardInconsistent') ?? false,
    auth: isPresent(node, 'auth') ? parseAuth(node) : undefined,
    authNamespace: textAt(node, 'auth.namespace') || undefined,
  };
}

/** Every reference of the config, for the check of namespaces. */
export function referencesOf(config: VaultConfig): readonly ObjectRef[] {
  const { auth, ca, clientTls } = config;
  const refs: (ObjectRef | undefined)[] = [clientTls?.cert, clientTls?.key];
  if (ca?.kind === 'reference') refs.push(ca.ref);
  if (auth !== undefined) {
    if ('secretRef' in auth) refs.push(auth.secretRef);
    if ('source' in auth && auth.source.kind === 'secret') refs.push(auth.source.ref);
    if (auth.method === 'appRole' && typeof auth.roleId !== 'string') refs.push(auth.roleId);
  }
  return refs.filter((ref) => ref !== undefined);
}

/** Of the pod's token that is sent, as the spec has it. */
export function audienceOf({ auth }: VaultConfig): string | undefined {
  return auth !== undefined && 'source' in auth && auth.source.kind === 'pod'
    ? auth.source.audience
    : undefined;
}

function mountPath(node: SpecNode): string | undefined {
  return textAt(node, 'path')?.replace(/^\/+|\/+$/g, '') || undefined;
}

function parseHeaders(node: SpecNode): ReadonlyMap<string, string> {
  const headers = textMapAt(node, 'headers');
  for (const name of headers.keys()) {
    if (!ownHeaders.includes(name.toLowerCase())) continue;
    throw invalid(node, `headers.${name}`, {
      message: `${name} is set by the agent itself`,
      remedy: 'remove it; use auth for the token and namespace for the namespace',
    });
  }
  return headers;
}

function parseClientTls(node: SpecNode): VaultConfig['clientTls'] {
  const cert = secretRefAt(node, 'tls.certSecretRef', 'tls.crt');
  const key = secretRefAt(node, 'tls.keySecretRef', 'tls.key');
  if (cert === undefined && key === undefined) return undefined;
  if (cert !== undefined && key !== undefined) return { cert, key };
  throw invalid(node, 'tls', {
    message: 'a client certificate needs both certSecretRef and keySecretRef',
    remedy: `add tls.${cert === undefined ? 'certSecretRef' : 'keySecretRef'}`,
  });
}
