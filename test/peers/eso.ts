import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { ApiServer } from './apiserver.ts';
import { findProgram, freePort, type Peer, startPeer, until } from './process.ts';

/** External Secrets Operator itself; its CRDs lie beside it. */
export const esoPrograms = ['external-secrets', 'external-secrets-crds.yaml'];

/**
 * Its CRDs in the API server, and its controller as admin. One ExternalSecret at a time: its fake provider writes a map
 * that it shares, and two at once end the process ("concurrent map writes", v0.16.2). `concurrent` takes that chance.
 */
export async function startEso(api: ApiServer, concurrent = 1): Promise<Peer> {
  const program = findProgram('external-secrets')!;
  const bundle = await readFile(join(dirname(program), 'external-secrets-crds.yaml'), 'utf8');
  const crds = parseAllDocuments(bundle).flatMap((document) => (document.toJS() as object | null) ?? []);
  for (const crd of crds) await api.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd);
  for (const served of ['external-secrets.io/v1/secretstores', 'external-secrets.io/v1/externalsecrets'])
    await until(async () => (await api.call('GET', `/apis/${served}`)).status === 200, 30_000);
  const address = `127.0.0.1:${await freePort()}`;
  return await startPeer('external-secrets', ['--concurrent', `${concurrent}`, '--metrics-addr', address], {
    env: { KUBECONFIG: api.kubeconfig },
    ready: async () => (await fetch(`http://${address}/metrics`)).status === 200,
  });
}
