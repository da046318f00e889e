import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HttpTransport, openHttp } from '../../src/base/http.ts';
import { authority, type Issued } from './certificates.ts';
import { freePort, type Peer, startPeer } from './process.ts';

/** The programs it needs, for `missing('kubernetes', …)`. */
export const apiServerPrograms = ['etcd', 'kube-apiserver'];

/**
 * A real kube-apiserver on a real etcd, without controllers or nodes: RBAC, TokenRequest, TokenReview, server-side
 * apply and admission webhooks work; nothing reconciles, and no default service account is made.
 */
export interface ApiServer {
  readonly url: string;
  readonly port: number;
  /** PEM of the CA that signed its certificate. */
  readonly ca: string;
  /** Client certificate of group system:masters. */
  readonly admin: Issued;
  /** A kubeconfig of that admin. */
  readonly kubeconfig: string;
  readonly issuer: string;
  /** PEM of the key that verifies service-account tokens. */
  readonly tokenPublicKey: string;
  /** One call as admin, or as the bearer of `token`. Any status is an answer. */
  call(method: string, path: string, options?: CallOptions): Promise<ApiReply>;
  /** As `call`, as admin, and throws unless the status is 2xx. */
  create(path: string, object: object): Promise<ApiReply['json']>;
  /** Makes the namespace too, when it is missing. */
  serviceAccount(namespace: string, name: string): Promise<void>;
  /** By TokenRequest, as the kubelet does; `audiences` unset gives the API server's own. */
  token(namespace: string, name: string, options?: TokenOptions): Promise<string>;
  /** Binds a service account to a ClusterRole in the whole cluster. */
  bind(clusterRole: string, subject: { namespace: string; name: string }): Promise<void>;
  /** A Role of these rules in the namespace, bound to the service account. */
  allow(subject: { namespace: string; name: string }, rules: readonly object[]): Promise<void>;
  stop(): Promise<void>;
}

export interface CallOptions {
  readonly body?: object | string;
  readonly token?: string;
  /** `application/apply-patch+yaml` and the like. */
  readonly contentType?: string;
}

export interface ApiReply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it knows to be there.
  readonly json: any;
}

export interface TokenOptions {
  readonly audiences?: readonly string[];
  /** At least 600, the API server's own floor. */
  readonly expirationSeconds?: number;
}

const issuer = 'https://kubernetes.default.svc.cluster.local';

export async function startApiServer(options: { args?: readonly string[] } = {}): Promise<ApiServer> {
  const folder = await mkdtemp(join(tmpdir(), 'esa-apiserver-'));
  const started: Peer[] = [];
  const stop = async () => {
    for (const peer of started.reverse()) await peer.stop('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const etcd = await startEtcd(folder);
    started.push(etcd.peer);
    const server = await startServer({ folder, etcdUrl: etcd.url, args: options.args ?? [] });
    started.push(server.peer);
    return await facade(server, folder, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startEtcd(folder: string): Promise<{ url: string; peer: Peer }> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const peerUrl = `http://127.0.0.1:${await freePort()}`;
  const args = [
    '--data-dir',
    join(folder, 'etcd'),
    '--listen-client-urls',
    url,
    '--advertise-client-urls',
    url,
  ];
  const peering = ['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl];
  const cluster = ['--initial-cluster', `default=${peerUrl}`, '--unsafe-no-fsync', '--log-level', 'error'];
  const http = openHttp({ keepAliveMs: 1 });
  const ready = async () => (await http.request({ method: 'GET', url: `${url}/health` })).status === 200;
  const peer = await startPeer('etcd', [...args, ...peering, ...cluster], { ready });
  await http.close();
  return { url, peer };
}

interface Started {
  readonly peer: Peer;
  readonly port: number;
  readonly url: string;
  readonly ca: string;
  readonly admin: Issued;
  readonly tokenPublicKey: string;
  readonly http: HttpTransport;
  readonly anonymous: HttpTransport;
}

async function startServer(from: {
  folder: string;
  etcdUrl: string;
  args: readonly string[];
}): Promise<Started> {
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const pki = await writeKeys(from.folder);
  const args = [
    `--etcd-servers=${from.etcdUrl}`,
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    `--cert-dir=${from.folder}`,
    `--tls-cert-file=${pki.file('server.crt')}`,
    `--tls-private-key-file=${pki.file('server.key')}`,
    `--client-ca-file=${pki.file('ca.crt')}`,
    `--service-account-key-file=${pki.file('sa.pub')}`,
    `--service-account-signing-key-file=${pki.file('sa.key')}`,
    `--service-account-issuer=${issuer}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--authorization-mode=RBAC',
    '--disable-admission-plugins=ServiceAccount',
    '--endpoint-reconciler-type=none',
    '--v=0',
    ...from.args,
  ];
  const http = openHttp({ onlyCa: pki.ca, ...pki.admin, keepAliveMs: 500 });
  const anonymous = openHttp({ onlyCa: pki.ca, keepAliveMs: 500 });
  const ready = async () => (await http.request({ method: 'GET', url: `${url}/readyz` })).status === 200;
  const peer = await startPeer('kube-apiserver', args, { ready, deadlineMs: 60_000 });
  return {
    peer,
    port,
    url,
    ca: pki.ca,
    admin: pki.admin,
    tokenPublicKey: pki.tokenPublicKey,
    http,
    anonymous,
  };
}

async function writeKeys(folder: string) {
  const file = (name: string) => join(folder, name);
  const ca = authority('Test Kubernetes CA');
  const names = ['127.0.0.1', 'localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  const server = ca.issue({ names });
  const admin = ca.issue({ names: ['admin'], organization: 'system:masters' });
  const tokens = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const contents = {
    'ca.crt': ca.cert,
    'server.crt': server.cert,
    'server.key': server.key,
    'admin.crt': admin.cert,
    'admin.key': admin.key,
    'sa.pub': tokens.publicKey,
    'sa.key': tokens.privateKey,
  };
  for (const [name, text] of Object.entries(contents)) await writeFile(file(name), text, { mode: 0o600 });
  return { file, ca: ca.cert, admin, tokenPublicKey: tokens.publicKey };
}

async function facade(server: Started, folder: string, stop: () => Promise<void>): Promise<ApiServer> {
  const kubeconfig = join(folder, 'admin.kubeconfig');
  await writeFile(kubeconfig, kubeconfigText(server.url, folder), { mode: 0o600 });
  const call: ApiServer['call'] = async (method, path, options = {}) => {
    const { body, token, contentType = 'application/json' } = options;
    const transport = token === undefined ? server.http : server.anonymous;
    const response = await transport.request({
      method,
      url: server.url + path,
      headers: {
        'content-type': contentType,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = response.body.toString();
    return { status: response.status, json: text.startsWith('{') ? JSON.parse(text) : text };
  };
  const create: ApiServer['create'] = async (path, object) => {
    const { status, json } = await call('POST', path, { body: object });
    if (status >= 200 && status < 300) return json;
    throw new Error(`POST ${path}: ${status} ${json?.message ?? json}`);
  };
  return {
    url: server.url,
    port: server.port,
    ca: server.ca,
    admin: server.admin,
    kubeconfig,
    issuer,
    tokenPublicKey: server.tokenPublicKey,
    call,
    create,
    ...accounts(call, create),
    stop: async () => {
      await Promise.all([server.http.close(), server.anonymous.close()]);
      await stop();
    },
  };
}

function accounts(
  call: ApiServer['call'],
  create: ApiServer['create'],
): Pick<ApiServer, 'serviceAccount' | 'token' | 'bind' | 'allow'> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const roleRef = (kind: string, name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name });
  return {
    serviceAccount: async (namespace, name) => {
      const known = await call('GET', `/api/v1/namespaces/${namespace}`);
      if (known.status === 404) await create('/api/v1/namespaces', { metadata: { name: namespace } });
      await create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });
    },
    token: async (namespace, name, options = {}) => {
      const { audiences, expirationSeconds = 3600 } = options;
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
      const request = { spec: { expirationSeconds, ...(audiences !== undefined && { audiences }) } };
      return (await create(path, request)).status.token;
    },
    bind: async (clusterRole, { namespace, name }) => {
      await create(`${rbac}/clusterrolebindings`, {
        metadata: { name: `${namespace}-${name}-${clusterRole}`.replaceAll(':', '-') },
        roleRef: roleRef('ClusterRole', clusterRole),
        subjects: [{ kind: 'ServiceAccount', namespace, name }],
      });
    },
    allow: async ({ namespace, name }, rules) => {
      const metadata = { generateName: `${name}-` };
      const role = await create(`${rbac}/namespaces/${namespace}/roles`, { metadata, rules });
      await create(`${rbac}/namespaces/${namespace}/rolebindings`, {
        metadata,
        roleRef: roleRef('Role', role.metadata.name),
        subjects: [{ kind: 'ServiceAccount', namespace, name }],
      });
    },
  };
}

/** The text of a kubeconfig that logs in with a token. */
export function tokenKubeconfig({ url, ca }: ApiServer, token: string, namespace?: string): string {
  const cluster = { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  return JSON.stringify({
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace } }],
    'current-context': 'x',
  });
}

function kubeconfigText(server: string, folder: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority': join(folder, 'ca.crt') } }],
    users: [
      {
        name: 'admin',
        user: { 'client-certificate': join(folder, 'admin.crt'), 'client-key': join(folder, 'admin.key') },
      },
    ],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    'current-context': 'test',
  });
}
