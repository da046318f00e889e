import type { At } from '../base/errors.ts';
import type { SpecNode } from '../spec/spec.ts';
import { type CaSource, parseCa } from './ca.ts';
import { invalid, isPresent, requiredTextAt, textAt, textsAt } from './fields.ts';
import { type ObjectRef, requiredSecretRef } from './object-ref.ts';
import type { AccountRef } from './own-account.ts';

/** `spec.provider.kubernetes`, with the CRD's defaults. */
export interface KubernetesConfig {
  readonly at: At;
  readonly remoteNamespace: string;
  readonly auth: KubernetesAuth;
  /** Undefined with a kubeconfig, which names its own. */
  readonly server: KubernetesServer | undefined;
}

export interface KubernetesServer {
  /** `https://host[:port]`, without a slash at its end. */
  readonly url: string;
  readonly at: At;
  readonly ca: CaSource | undefined;
}

export type KubernetesAuth =
  | { readonly method: 'token'; readonly bearerToken: ObjectRef }
  | { readonly method: 'certificate'; readonly cert: ObjectRef; readonly key: ObjectRef }
  | { readonly method: 'kubeconfig'; readonly ref: ObjectRef }
  | {
      readonly method: 'serviceAccount';
      readonly serviceAccount: AccountRef;
      /** Undefined: the API server's own. */
      readonly audience: string | undefined;
      readonly at: At;
    };

const methods = ['serviceAccount', 'token', 'cert'] as const;

export function parseKubernetes(node: SpecNode): KubernetesConfig {
  const auth = parseAuth(node);
  return {
    at: node.at(''),
    remoteNamespace: textAt(node, 'remoteNamespace') || 'default',
    auth,
    server: auth.method === 'kubeconfig' ? undefined : parseServer(node),
  };
}

/** Every reference of the config, for the check of namespaces. */
export function referencesOf({ auth, server }: KubernetesConfig): readonly ObjectRef[] {
  const ca = server?.ca?.kind === 'reference' ? [server.ca.ref] : [];
  switch (auth.method) {
    case 'token':
      return [auth.bearerToken, ...ca];
    case 'certificate':
      return [auth.cert, auth.key, ...ca];
    case 'kubeconfig':
      return [auth.ref];
    case 'serviceAccount':
      return ca;
  }
}

/** A host alone is reached by https: ESO's client would speak plain http to it when there is no CA. */
function parseServer(node: SpecNode): KubernetesServer {
  const written = (textAt(node, 'server.url') || 'kubernetes.default').replace(/\/+$/, '');
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(written) ? written : `https://${written}`;
  return { url, at: node.at('server.url'), ca: parseCa(node, 'server.') };
}

function parseAuth(node: SpecNode): KubernetesAuth {
  const inline = methods.filter((method) => isPresent(node, `auth.${method}`));
  const [method] = inline;
  if (isPresent(node, 'authRef')) {
    if (isPresent(node, 'auth')) throw tooMany(node, 'authRef', 'authRef and auth exclude each other');
    return { method: 'kubeconfig', ref: requiredSecretRef(node, 'authRef') };
  }
  if (inline.length > 1) throw tooMany(node, 'auth', `auth has ${inline.join(' and ')}`);
  switch (method) {
    case 'token':
      return { method, bearerToken: requiredSecretRef(node, 'auth.token.bearerToken') };
    case 'cert':
      return {
        method: 'certificate',
        cert: requiredSecretRef(node, 'auth.cert.clientCert'),
        key: requiredSecretRef(node, 'auth.cert.clientKey'),
      };
    case 'serviceAccount':
      return parseServiceAccount(node);
    default:
      throw invalid(node, 'auth', {
        message: 'the store has neither auth nor authRef',
        remedy: 'add auth.serviceAccount with the name of the pod\u2019s own service account',
      });
  }
}

/** A projected token has one audience: the first. */
function parseServiceAccount(node: SpecNode): KubernetesAuth {
  const path = 'auth.serviceAccount';
  return {
    method: 'serviceAccount',
    serviceAccount: {
      name: requiredTextAt(node, `${path}.name`),
      namespace: textAt(node, `${path}.namespace`),
    },
    audience: textsAt(node, `${path}.audiences`)[0],
    at: node.at(path),
  };
}

function tooMany(node: SpecNode, path: string, message: string) {
  return invalid(node, path, { message, remedy: 'keep one of them' });
}
