import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { type Authority, authority } from '../peers/certificates.ts';
import { apiServerOf, hostAddress, kubectl, Namespace } from '../peers/cluster.ts';
import { type FaultProxy, startFaultProxy } from '../peers/fault-proxy.ts';
import { startVault, type Vault } from '../peers/vault.ts';
import { appPod } from './pods.ts';

export const worldLabel = 'external-secrets-agent.test/world';

/** A Vault on this host to which every pod of the service account `app` may log in as itself. */
export class World {
  readonly vault: Vault;
  /** Of this world alone: on its namespaces as a label, and what it makes in the cluster is named by it. */
  readonly id: string;
  readonly ca: Authority = authority('Test CA');
  readonly #doors: FaultProxy[] = [];
  readonly #namespaces: Namespace[] = [];

  private constructor(vault: Vault, id: string) {
    this.vault = vault;
    this.id = id;
  }

  static async start(): Promise<World> {
    const vault = await startVault();
    const world = new World(vault, `esa-test-${randomBytes(4).toString('hex')}`);
    try {
      await world.#trustCluster();
      if (!isOwn(hostAddress())) await world.#firstPod();
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  /** Vault asks the API server who a pod's token is of, by a reviewer of its own. */
  async #trustCluster(): Promise<void> {
    const { url, ca } = await apiServerOf();
    const reviewer = await this.namespace();
    const subject = `--serviceaccount=${reviewer.name}:app`;
    await kubectl(['create', 'clusterrolebinding', this.id, '--clusterrole=system:auth-delegator', subject]);
    const token = await reviewer.kubectl(['create', 'token', 'app', '--duration=2h']);
    await this.vault.api('POST', 'sys/auth/kubernetes', { type: 'kubernetes' });
    await this.vault.api('POST', 'auth/kubernetes/config', {
      kubernetes_host: url,
      kubernetes_ca_cert: ca,
      token_reviewer_jwt: token.trim(),
    });
    await this.vault.policy('reader', 'path "secret/*" { capabilities = ["read", "list"] }');
    await this.vault.api('POST', 'auth/kubernetes/role/app', {
      bound_service_account_names: 'app',
      bound_service_account_namespaces: '*',
      audience: 'vault',
      token_policies: 'reader',
      token_ttl: '60s',
    });
  }

  /** Where the host's address is that of the pods' bridge, it comes with the first pod on the node. */
  async #firstPod(): Promise<void> {
    const namespace = await this.namespace();
    const user = { runAsUser: 65_532 };
    const spec = appPod({ script: 'true', app: user, pod: { restartPolicy: 'Never' } });
    await namespace.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'first' }, spec });
    await namespace.pod('first', ({ status }) => status?.phase === 'Succeeded');
  }

  async namespace(standard: 'restricted' | 'baseline' = 'restricted'): Promise<Namespace> {
    const namespace = await Namespace.make(standard, { [worldLabel]: this.id });
    this.#namespaces.push(namespace);
    return namespace;
  }

  /** A way of its own to Vault, which a test may shut. */
  async door(): Promise<Door> {
    const proxy = await startFaultProxy(this.vault.url, {
      host: '0.0.0.0',
      tls: this.ca.issue({ names: [hostAddress()] }),
    });
    this.#doors.push(proxy);
    return new Door(proxy, this.ca.cert);
  }

  async stop(): Promise<void> {
    for (const namespace of this.#namespaces) await namespace.remove().catch(() => {});
    await kubectl(['delete', 'clusterrolebinding', this.id, '--ignore-not-found']).catch(() => {});
    for (const door of this.#doors) await door.close();
    await this.vault.stop();
  }
}

function isOwn(address: string): boolean {
  return Object.values(networkInterfaces()).some((each) => each?.some((own) => own.address === address));
}

export class Door {
  readonly proxy: FaultProxy;
  readonly #ca: string;

  constructor(proxy: FaultProxy, ca: string) {
    this.proxy = proxy;
    this.#ca = ca;
  }

  /** As pods reach it. */
  get url(): string {
    return `https://${hostAddress()}:${this.proxy.port}`;
  }

  /** As stores take it. */
  get caBundle(): string {
    return Buffer.from(this.#ca).toString('base64');
  }

  /** Vault is down: connections are cut. */
  shut(): void {
    this.proxy.fail({ on: /.*/, fault: { kind: 'reset' } });
  }

  open(): void {
    this.proxy.heal();
  }

  /** A store, and one ExternalSecret of one key: the folder `name` with the file `password`. */
  specs(name: string, more: { readonly key?: string; readonly refreshInterval?: string } = {}): string {
    const { key = name, refreshInterval = '1s' } = more;
    return `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault}
spec:
  provider:
    vault:
      server: ${this.url}
      path: secret
      caBundle: ${this.caBundle}
      auth: {kubernetes: {mountPath: kubernetes, role: app}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}}
spec:
  refreshInterval: ${refreshInterval}
  secretStoreRef: {name: vault}
  data: [{secretKey: password, remoteRef: {key: ${key}, property: password}}]
`;
  }
}
