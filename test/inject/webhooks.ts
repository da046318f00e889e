import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { specFindings } from '../../agent/spec-findings.ts';
import { type Log, silentLog } from '../../src/base/log.ts';
import type { Admission } from '../../src/inject/admit.ts';
import { openInjectorMetrics } from '../../src/inject/metrics.ts';
import { type InjectorServer, openInjectorServer } from '../../src/inject/server.ts';
import type { TlsPair } from '../../src/inject/tls.ts';
import { Turns } from '../../src/inject/turns.ts';
import { type Authority, authority } from '../peers/certificates.ts';
import { settings } from './pods.ts';

export interface TestInjector extends InjectorServer {
  readonly ca: Authority;
  /** Serves another certificate from now on. */
  rotate(pair: TlsPair): void;
  metrics(): Promise<string>;
}

export const admission: Admission = {
  settings,
  checkSpecs: (files, namespace) => specFindings(files, namespace, { requireTls: false, storesAllow: [] }),
  turns: new Turns(),
};

/** The webhook as `injector` composes it, on a free port of this host. */
export async function startInjector(
  more: Partial<Admission> = {},
  log: Log = silentLog,
): Promise<TestInjector> {
  const ca = authority('Test webhook CA');
  let pair: TlsPair = ca.issue({ names: ['127.0.0.1', 'localhost'] });
  let changed = (): void => {};
  const metrics = openInjectorMetrics({ version: settings.version, tls: () => pair });
  const server = await openInjectorServer({
    listen: { host: '127.0.0.1', port: 0 },
    tls: () => pair,
    onTlsChange: (listener) => {
      changed = listener;
    },
    review: { ...admission, ...more },
    log,
    metrics,
  });
  return {
    ca,
    port: server.port,
    get ready() {
      return server.ready;
    },
    drain: () => server.drain(),
    close: () => server.close(),
    rotate: (next) => {
      pair = next;
      changed();
    },
    metrics: () => metrics.text(),
  };
}

export interface ForeignWebhook {
  readonly port: number;
  close(): Promise<void>;
}

/** Someone else's mutating webhook: `patchOf` makes its JSON Patch of the pod. */
export async function startForeignWebhook(
  pair: TlsPair,
  // biome-ignore lint/suspicious/noExplicitAny: a pod as it is sent.
  patchOf: (pod: any) => readonly object[],
): Promise<ForeignWebhook> {
  const server = createServer({ key: pair.key, cert: pair.cert }, async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const { uid, object } = JSON.parse(Buffer.concat(parts).toString()).request;
    const patch = Buffer.from(JSON.stringify(patchOf(object))).toString('base64');
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid, allowed: true, patchType: 'JSONPatch', patch },
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
