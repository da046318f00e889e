import { freePort, missing, startPeer } from './process.ts';

/** Why tests against the AWS API are skipped, or false. */
export function motoMissing(): string | false {
  return missing('aws', ['moto_server']);
}

/** A moto server: Secrets Manager and STS over plain http. It checks neither tokens nor IAM; denials,
 * throttling and expiry have to be put in by the fault proxy. */
export interface Moto {
  readonly url: string;
  /** Forgets every secret and role. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

export async function startMoto(): Promise<Moto> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const peer = await startPeer('moto_server', ['-H', '127.0.0.1', '-p', String(port)], {
    ready: async () => (await fetch(`${url}/moto-api/data.json`)).ok,
  });
  return {
    url,
    reset: async () => {
      await fetch(`${url}/moto-api/reset`, { method: 'POST' });
    },
    stop: () => peer.stop('SIGKILL'),
  };
}
