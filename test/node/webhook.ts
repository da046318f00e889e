import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { agentImage, hostAddress, kubectl } from '../peers/cluster.ts';
import { freePort, type Peer, startPeer } from '../peers/process.ts';
import { type World, worldLabel } from './world.ts';

const main = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));

export const prefix = 'agent.external-secrets.io/';

interface Asking {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What a pod's metadata says to get an agent: one label, and the ConfigMap with its specs. */
export function asks(specs: string, more: Readonly<Record<string, string>> = {}): Asking {
  const annotations = { config: specs, ...more };
  const named = Object.entries(annotations).map(([name, text]) => [prefix + name, text]);
  return { labels: { [`${prefix}inject`]: 'true' }, annotations: Object.fromEntries(named) };
}

/** The injector on this host, registered for the namespaces of one world. */
export class Webhook {
  readonly #world: World;
  readonly #folder: string;
  readonly #peer: Peer;

  private constructor(world: World, folder: string, peer: Peer) {
    this.#world = world;
    this.#folder = folder;
    this.#peer = peer;
  }

  static async start(world: World): Promise<Webhook> {
    const folder = await mkdtemp(join(tmpdir(), 'esa-webhook-'));
    const { cert, key } = world.ca.issue({ names: [hostAddress()] });
    const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
    await writeFile(files.cert, cert);
    await writeFile(files.key, key, { mode: 0o600 });
    const [port, probes] = [await freePort(), await freePort()];
    const args = [
      main,
      'injector',
      `--webhook=0.0.0.0:${port}`,
      `--listen=127.0.0.1:${probes}`,
      `--cert-file=${files.cert}`,
      `--key-file=${files.key}`,
      `--image=${agentImage()}`,
      '--image-pull-policy=IfNotPresent',
      `--stores-allow=${hostAddress()}`,
      '--require-tls',
    ];
    const ready = async () => (await fetch(`http://127.0.0.1:${probes}/readyz`)).ok;
    const peer = await startPeer(process.execPath, args, { ready });
    const webhook = new Webhook(world, folder, peer);
    await webhook.#register(port);
    return webhook;
  }

  async #register(port: number): Promise<void> {
    const webhook = {
      name: 'inject.external-secrets.io',
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      failurePolicy: 'Fail',
      reinvocationPolicy: 'IfNeeded',
      timeoutSeconds: 10,
      clientConfig: {
        url: `https://${hostAddress()}:${port}/mutate`,
        caBundle: Buffer.from(this.#world.ca.cert).toString('base64'),
      },
      namespaceSelector: { matchLabels: { [worldLabel]: this.#world.id } },
      objectSelector: { matchLabels: { [`${prefix}inject`]: 'true' } },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
    };
    const configuration = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: this.#world.id },
      webhooks: [webhook],
    };
    await kubectl(['create', '-f', '-'], JSON.stringify(configuration));
  }

  async stop(): Promise<void> {
    const configuration = ['mutatingwebhookconfiguration', this.#world.id, '--ignore-not-found'];
    await kubectl(['delete', ...configuration]).catch(() => {});
    await this.#peer.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
