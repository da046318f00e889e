import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHttp } from '../../src/base/http.ts';
import { freePort, type Peer, startPeer } from './process.ts';

/** A real `vault server -dev`: unsealed, in memory, KV v2 at `secret`, root token `root`. */
export interface Vault {
  readonly url: string;
  readonly port: number;
  readonly peer: Peer;
  /** PEM of the CA that signed its certificate; undefined over plain http. */
  readonly ca: string | undefined;
  /** One call of its API as root (or with `token`); throws on any status but 2xx. */
  api(method: string, path: string, body?: object | string, token?: string): Promise<VaultReply>;
  /** Enables a KV engine at `path`. */
  mountKv(path: string, version: 1 | 2): Promise<void>;
  /** Writes a secret's data, KV v1 or v2 by the path. `data` may be a JSON text, so that literals stay as written. */
  put(path: string, data: object | string): Promise<void>;
  policy(name: string, hcl: string): Promise<void>;
  stop(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it knows to be there.
export type VaultReply = any;

export interface VaultOptions {
  readonly tls?: boolean;
  readonly args?: readonly string[];
  /** Where it listens: `0.0.0.0` for those that come from pods. `url` is for this host all the same. */
  readonly host?: string;
}

export async function startVault(options: VaultOptions = {}): Promise<Vault> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'esa-vault-'));
  const url = `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const tls = options.tls ? ['-dev-tls', `-dev-tls-cert-dir=${folder}`] : [];
  const listen = `-dev-listen-address=${options.host ?? '127.0.0.1'}:${port}`;
  const args = ['server', '-dev', '-dev-root-token-id=root', '-dev-no-store-token', listen];
  let ca: string | undefined;
  const http = () => openHttp({ onlyCa: ca, keepAliveMs: 1 });
  const ready = async () => {
    if (options.tls) ca = await readFile(join(folder, 'vault-ca.pem'), 'utf8');
    const transport = http();
    try {
      const health = await transport.request({
        method: 'GET',
        url: `${url}/v1/secret/config`,
        headers: { 'X-Vault-Token': 'root' },
      });
      return health.status === 200;
    } finally {
      await transport.close();
    }
  };
  const peer = await startPeer('vault', [...args, ...tls, ...(options.args ?? [])], {
    env: { HOME: folder },
    ready,
  });
  const transport = http();
  const api = async (method: string, path: string, body?: object | string, token = 'root') => {
    const response = await transport.request({
      method,
      url: `${url}/v1/${path}`,
      headers: { 'X-Vault-Token': token },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = response.body.toString();
    if (response.status >= 300) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  const versions = new Map<string, 1 | 2>([['secret', 2]]);
  return {
    url,
    port,
    peer,
    ca,
    api,
    mountKv: async (path, version) => {
      await api('POST', `sys/mounts/${path}`, { type: 'kv', options: { version: String(version) } });
      versions.set(path, version);
    },
    put: async (path, data) => {
      const mount = [...versions.keys()].find((each) => path.startsWith(`${each}/`));
      const text = typeof data === 'string' ? data : JSON.stringify(data);
      if (mount === undefined || versions.get(mount) === 1) return void (await api('POST', path, text));
      await api('POST', `${mount}/data/${path.slice(mount.length + 1)}`, `{"data":${text}}`);
    },
    policy: async (name, hcl) => void (await api('PUT', `sys/policies/acl/${name}`, { policy: hcl })),
    stop: async () => {
      await transport.close();
      await peer.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
