import type { At } from '../base/errors.ts';
import type { SpecNode } from '../spec/spec.ts';
import { integerAt, invalid, isPresent, requiredTextAt, textAt, textsAt, unsupported } from './fields.ts';
import { type ObjectRef, requiredSecretRef, secretRefAt } from './object-ref.ts';

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

/** The first method in ESO's order counts, and others beside it are ignored, as ESO does. */
export function parseAuth(node: SpecNode): VaultAuth {
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
