import { X509Certificate } from 'node:crypto';
import { AgentError } from '../base/errors.ts';
import { bareHost, bypassesProxy, hostMatches } from '../base/hosts.ts';
import { assertStoreUrl } from '../base/http.ts';
import { Secret } from '../base/secret.ts';
import type { IdentitySource } from '../identity/identity.ts';
import { claimsOf } from '../identity/token.ts';
import type { KubeConnection } from '../kube/connection.ts';
import type { PluginHost } from '../kube/exec-plugin.ts';
import type { Store } from '../spec/spec.ts';
import type { KubernetesAuth, KubernetesConfig, KubernetesServer } from './kubernetes-config.ts';
import { referencesOf } from './kubernetes-config.ts';
import { checkNamespace, resolve } from './object-ref.ts';
import { checkServiceAccount } from './own-account.ts';
import { certificatesAt, privateKeyAt } from './pem.ts';
import type { StoreContext } from './provider.ts';

const audienceAnnotation = 'agent.external-secrets.io/audience';

export interface Credential {
  /** For whoami. */
  readonly method: string;
  readonly connection: KubeConnection;
}

/** Makes the connection anew, from what the references hold now. */
export type Credentials = (signal: AbortSignal) => Promise<Credential>;

/** Checks what can be checked before any request, and gives the way to connect. Throws SpecInvalid. */
export function credentialsOf(store: Store, config: KubernetesConfig, context: StoreContext): Credentials {
  const { identity } = context;
  for (const ref of referencesOf(config)) checkNamespace(ref, identity);
  if (identity.mode === 'local')
    return async () => await developer({ env: identity.env, clock: context.clock });
  const { auth, server } = config;
  if (auth.method === 'kubeconfig') return async (signal) => await fromKubeconfig(auth, context, signal);
  if (server === undefined) throw new Error('only a kubeconfig names its own server');
  if (auth.method !== 'serviceAccount') {
    return async (signal) => ({
      method: auth.method,
      connection: { ...place(server, context), ...(await inline(auth, context, signal)) },
    });
  }
  checkServiceAccount(auth, identity);
  const token = podToken(auth, { store, server, context });
  return async () => ({ method: 'service-account', connection: { ...place(server, context), token } });
}

/** Whether the store's credentials stand in a Secret rather than being the pod's own. */
export function isStatic({ auth }: KubernetesConfig): boolean {
  return auth.method !== 'serviceAccount';
}

type Place = Pick<KubeConnection, 'server' | 'ca' | 'addedCa' | 'proxy'>;

/** Where the API server is and how it is known. */
function place({ url, ca }: KubernetesServer, context: StoreContext): Place {
  const { ca: addedCa } = context.network;
  return { server: url, ca: caOf(ca, context), addedCa, proxy: proxyFor(url, context) };
}

function caOf(ca: KubernetesServer['ca'], context: StoreContext): KubeConnection['ca'] {
  if (ca === undefined) return undefined;
  return async () => (ca.kind === 'bundle' ? ca.pem : await certificatesAt(ca.ref, context));
}

function proxyFor(url: string, { network }: StoreContext): string | undefined {
  return bypassesProxy(new URL(url), network.noProxy) ? undefined : network.proxy;
}

async function inline(
  auth: Extract<KubernetesAuth, { method: 'token' | 'certificate' }>,
  context: StoreContext,
  signal: AbortSignal,
): Promise<Pick<KubeConnection, 'token' | 'cert' | 'key'>> {
  if (auth.method === 'certificate')
    return { cert: await certificatesAt(auth.cert, context), key: await privateKeyAt(auth.key, context) };
  const token = Secret.of((await resolve(auth.bearerToken, context, signal)).text().trim());
  return { token: async () => token };
}

async function fromKubeconfig(
  auth: Extract<KubernetesAuth, { method: 'kubeconfig' }>,
  context: StoreContext,
  signal: AbortSignal,
): Promise<Credential> {
  const { kubeconfigTextConnection } = await import('../kube/kubeconfig.ts');
  const text = await resolve(auth.ref, context, signal);
  const { network } = context;
  try {
    const connection = await kubeconfigTextConnection(text);
    assertStoreUrl(connection.server, { allow: network.storesAllow, insecure: false });
    const proxy = connection.proxy ?? proxyFor(connection.server, context);
    return { method: 'kubeconfig', connection: { ...connection, proxy, addedCa: network.ca } };
  } catch (error) {
    throw error instanceof AgentError ? error.within(auth.ref.at) : error;
  }
}

/** On a laptop the store's Secrets are read as kubectl would read them. */
async function developer(host: PluginHost): Promise<Credential> {
  const { env } = host;
  const { kubeconfigConnection } = await import('../kube/kubeconfig.ts');
  const files = env['KUBECONFIG'] || (env['HOME'] ? `${env['HOME']}/.kube/config` : undefined);
  if (files !== undefined)
    return { method: 'local', connection: await kubeconfigConnection(files.split(':'), host) };
  throw new AgentError('AuthFailed', 'there is neither KUBECONFIG nor ~/.kube/config', {
    remedy: 'set KUBECONFIG to the kubeconfig file of the cluster',
  });
}

interface Wanted {
  readonly store: Store;
  readonly server: KubernetesServer;
  readonly context: StoreContext;
}

/**
 * The pod's token for the audience of the spec. The API server's own token acts as the pod, so without an audience
 * it goes to the API server of the pod's own cluster, and to another only where the store asks for that and its host
 * is on the allow-list.
 */
function podToken(
  auth: Extract<KubernetesAuth, { method: 'serviceAccount' }>,
  { store, server, context }: Wanted,
): () => Promise<Secret> {
  const { identity, network } = context;
  const { audience } = auth;
  if (audience !== undefined) return async () => await identity.token(audience);
  const url = new URL(server.url);
  const asked = store.annotations.get(audienceAnnotation) === 'kubernetes';
  const listed = network.storesAllow?.some((entry) => hostMatches(entry, url)) ?? false;
  if (isOwnCluster(url, identity.env) || (asked && listed)) {
    return async () => (await identity.apiServerToken?.()) ?? fail(noToken());
  }
  throw new AgentError(
    'SpecInvalid',
    `${url.host} is not this cluster's API server, and ${store.id} names no audience for the pod's token`,
    {
      at: auth.at,
      remedy:
        `set audiences to one that ${url.host} accepts; or, to send it this cluster's own token, annotate the store ` +
        `with ${audienceAnnotation}: kubernetes and add ${bareHost(url.hostname)} to --stores-allow`,
    },
  );
}

/** By the names that every cluster gives its API server, or by the address that the kubelet gave the pod. */
function isOwnCluster(url: URL, env: IdentitySource['env']): boolean {
  const host = bareHost(url.hostname);
  const own = env['KUBERNETES_SERVICE_HOST'];
  if (own && bareHost(own) === host) return url.port === portOf(env);
  return /^kubernetes(\.default(\.svc(\.cluster\.local)?)?)?$/.test(host);
}

/** As `URL.port` has it: empty for 443. */
function portOf(env: IdentitySource['env']): string {
  const port = env['KUBERNETES_SERVICE_PORT_HTTPS'] || env['KUBERNETES_SERVICE_PORT'] || '443';
  return port === '443' ? '' : port;
}

function noToken(): AgentError {
  return new AgentError('AuthFailed', 'this process has no token for the API server', {
    remedy: 'run in a pod with automountServiceAccountToken: true',
  });
}

/** What a credential says of itself: audience and end, never the credential. */
export async function factsOf({ token, cert }: KubeConnection): Promise<Record<string, string>> {
  const claims = token && claimsOf(await token());
  const facts: Record<string, string> = {};
  if (claims !== undefined && claims.audiences.length > 0) facts['audience'] = claims.audiences.join(', ');
  if (claims?.expiresMs !== undefined) facts['expires'] = new Date(claims.expiresMs).toISOString();
  if (cert !== undefined) facts['expires'] = new X509Certificate(cert).validToDate.toISOString();
  return facts;
}

/** Whom a credential is for, by its own word. */
export async function subjectOf({ token, cert }: KubeConnection): Promise<string> {
  const claims = token && claimsOf(await token());
  if (claims !== undefined) return claims.subject;
  return cert === undefined ? '' : new X509Certificate(cert).subject.replaceAll('\n', ', ');
}

function fail(error: AgentError): never {
  throw error;
}
