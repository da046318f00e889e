import { X509Certificate } from 'node:crypto';
import { AgentError, type At } from '../base/errors.ts';
import type { SpecNode } from '../spec/spec.ts';
import {
  booleanAt,
  integerAt,
  invalid,
  isPresent,
  oneOfAt,
  requiredTextAt,
  textAt,
  textMapAt,
  textsAt,
  unsupported,
} from './fields.ts';

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

/** A key of a Secret or ConfigMap, with its place for messages. */
export interface ObjectRef {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly name: string;
  readonly key: string;
  readonly namespace: string | undefined;
  readonly at: At;
}

export type CaSource =
  | { readonly kind: 'bundle'; readonly pem: string }
  | { readonly kind: 'reference'; readonly ref: ObjectRef };

/** Where a service-account token comes from: the pod itself, or a Secret that holds one. */
export type JwtSource =
  | {
      readonly kind: 'pod';
      readonly audience: string;
      /** Undefined when the spec names none, which in ESO means the controller's own. */
      readonly serviceAccount: { readonly name: string; readonly namespace: string | undefined } | undefined;
      readonly at: At;
    }
  | { readonly kind: 'secret'; readonly ref: ObjectRef };

export type VaultAuth =
  | { readonly method: 'token'; readonly secretRef: ObjectRef }
  | {
      readonly method: 'appRole';
      readonly mount: string;
      readonly roleId: string | ObjectRef;
      readonly secretRef: ObjectRef;
    }
  | {
      readonly method: 'kubernetes';
      readonly mount: string;
      readonly role: string;
      readonly source: JwtSource;
    }
  | {
      readonly method: 'userPass';
      readonly mount: string;
      readonly username: string;
      readonly secretRef: ObjectRef;
    }
  | { readonly method: 'jwt'; readonly mount: string; readonly role: string; readonly source: JwtSource };

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

function parseCa(node: SpecNode): CaSource | undefined {
  const bundle = textAt(node, 'caBundle');
  if (bundle) return { kind: 'bundle', pem: decodeBundle(node, bundle) };
  if (!isPresent(node, 'caProvider')) return undefined;
  const kind = oneOfAt(node, 'caProvider.type', { of: ['Secret', 'ConfigMap'] });
  const ref = {
    kind,
    name: requiredTextAt(node, 'caProvider.name'),
    key: requiredTextAt(node, 'caProvider.key'),
    namespace: textAt(node, 'caProvider.namespace'),
    at: node.at('caProvider'),
  };
  return { kind: 'reference', ref };
}

/** The field is bytes, so YAML holds base64; ESO takes what it decodes to as PEM or as base64 once more. */
function decodeBundle(node: SpecNode, bundle: string): string {
  const once = fromBase64(bundle);
  const pem = [once, once === undefined ? undefined : fromBase64(once)].find((text) =>
    text?.includes('-----BEGIN'),
  );
  if (pem === undefined) {
    const remedy = bundle.includes('-----BEGIN')
      ? 'encode the PEM text with base64: the field holds bytes'
      : 'put the base64 of a PEM file there';
    throw invalid(node, 'caBundle', { message: 'caBundle is not the base64 of a PEM bundle', remedy });
  }
  checkCertificates(pem, { at: node.at('caBundle'), what: 'caBundle' });
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

/** The first method in ESO's order counts, and others beside it are ignored, as ESO does. */
function parseAuth(node: SpecNode): VaultAuth {
  const has = (method: string) => isPresent(node, `auth.${method}`);
  if (has('tokenSecretRef'))
    return { method: 'token', secretRef: requiredSecretRef(node, 'auth.tokenSecretRef') };
  if (has('appRole')) return parseAppRole(node);
  if (has('kubernetes')) return parseKubernetes(node);
  if (has('ldap')) throw unsupported(node, 'auth.ldap');
  if (has('userPass')) return parseUserPass(node);
  if (has('jwt')) return parseJwt(node);
  for (const method of ['cert', 'iam', 'gcp']) if (has(method)) throw unsupported(node, `auth.${method}`);
  throw invalid(node, 'auth', {
    message: 'auth names no login method',
    remedy: 'set auth.kubernetes or auth.jwt to log in as the pod; or appRole, userPass or tokenSecretRef',
  });
}

function parseAppRole(node: SpecNode): VaultAuth {
  const roleId = textAt(node, 'auth.appRole.roleId')?.trim() || secretRefAt(node, 'auth.appRole.roleRef');
  if (roleId === undefined) {
    throw invalid(node, 'auth.appRole', {
      message: 'appRole has no role id',
      remedy: 'set roleId or roleRef',
    });
  }
  const secretRef = requiredSecretRef(node, 'auth.appRole.secretRef');
  return { method: 'appRole', mount: authMount(node, 'auth.appRole.path', 'approle'), roleId, secretRef };
}

function parseKubernetes(node: SpecNode): VaultAuth {
  const mount = authMount(node, 'auth.kubernetes.mountPath', 'kubernetes');
  const role = requiredTextAt(node, 'auth.kubernetes.role');
  const ref = secretRefAt(node, 'auth.kubernetes.secretRef', 'token');
  const named = isPresent(node, 'auth.kubernetes.serviceAccountRef');
  if (ref !== undefined && !named)
    return { method: 'kubernetes', mount, role, source: { kind: 'secret', ref } };
  return { method: 'kubernetes', mount, role, source: podSource(node, 'auth.kubernetes', []) };
}

function parseJwt(node: SpecNode): VaultAuth {
  const mount = authMount(node, 'auth.jwt.path', 'jwt');
  const role = textAt(node, 'auth.jwt.role')?.trim() ?? '';
  const ref = secretRefAt(node, 'auth.jwt.secretRef');
  if (ref !== undefined) return { method: 'jwt', mount, role, source: { kind: 'secret', ref } };
  const own = 'auth.jwt.kubernetesServiceAccountToken';
  if (!isPresent(node, own)) {
    throw invalid(node, 'auth.jwt', {
      message: 'jwt names no token',
      remedy: 'set kubernetesServiceAccountToken to log in as the pod, or secretRef',
    });
  }
  requiredTextAt(node, `${own}.serviceAccountRef.name`);
  // The kubelet decides how long a projected token lives.
  integerAt(node, `${own}.expirationSeconds`);
  return { method: 'jwt', mount, role, source: podSource(node, own, textsAt(node, `${own}.audiences`)) };
}

/** A projected token has one audience: the reference's first, else the deprecated field's, else `vault`. */
function podSource(node: SpecNode, parent: string, audiences: readonly string[]): JwtSource {
  const ref = `${parent}.serviceAccountRef`;
  const audience = textsAt(node, `${ref}.audiences`)[0] ?? audiences[0] ?? 'vault';
  const serviceAccount = isPresent(node, ref)
    ? { name: requiredTextAt(node, `${ref}.name`), namespace: textAt(node, `${ref}.namespace`) }
    : undefined;
  return { kind: 'pod', audience, serviceAccount, at: node.at(serviceAccount === undefined ? parent : ref) };
}

function parseUserPass(node: SpecNode): VaultAuth {
  const username = requiredTextAt(node, 'auth.userPass.username').trim();
  const secretRef = requiredSecretRef(node, 'auth.userPass.secretRef');
  return {
    method: 'userPass',
    mount: authMount(node, 'auth.userPass.path', 'userpass'),
    username,
    secretRef,
  };
}

function authMount(node: SpecNode, path: string, fallback: string): string {
  const mount = (textAt(node, path) ?? fallback).replace(/^\/+|\/+$/g, '');
  if (mount !== '' && mount.split('/').every((part) => part !== '' && part !== '.' && part !== '..'))
    return mount;
  throw invalid(node, path, {
    message: 'this is not the path of an auth mount',
    remedy: `write it as ${fallback}`,
  });
}

function secretRefAt(node: SpecNode, path: string, key?: string): ObjectRef | undefined {
  return isPresent(node, path) ? requiredSecretRef(node, path, key) : undefined;
}

function requiredSecretRef(node: SpecNode, path: string, key?: string): ObjectRef {
  return {
    kind: 'Secret',
    name: requiredTextAt(node, `${path}.name`),
    key: key === undefined ? requiredTextAt(node, `${path}.key`) : textAt(node, `${path}.key`) || key,
    namespace: textAt(node, `${path}.namespace`),
    at: node.at(path),
  };
}
