import { systemClock } from '../src/base/clock.ts';
import type { Log } from '../src/base/log.ts';
import { type InjectorMetrics, openInjectorMetrics } from '../src/inject/metrics.ts';
import { type InjectorServer, openInjectorServer } from '../src/inject/server.ts';
import type { TlsSource } from '../src/inject/tls.ts';
import type { Config } from './config.ts';
import { type ExitCode, exitCodes, type Host, UsageError } from './host.ts';
import { admissionOf } from './inject-settings.ts';
import { version } from './version.ts';

/** `injector`: the webhook, until SIGTERM. Whatever is being asked then is still answered. */
export async function injector(config: Config, host: Host): Promise<ExitCode> {
  const log = await logOf(config, host);
  for (const warning of config.warnings) log.warn({}, warning);
  const certificates = await openCertificates(config, host, log);
  const { parseListen } = await import('../src/observe/server.ts');
  const metrics = openInjectorMetrics({ version, tls: () => certificates.tls() });
  const server = await openInjectorServer({
    listen: parseListen(config.webhook),
    tls: () => certificates.tls(),
    onTlsChange: (listener) => certificates.onTlsChange(listener),
    review: admissionOf(config),
    log,
    metrics,
  });
  const probes = await openProbes(config, { server, metrics, log });
  log.info({ port: server.port, probes: probes?.port, version }, 'the webhook listens');
  await stopped(host.stopping);
  server.drain();
  await Promise.all([server.close(), certificates.close()]);
  await probes?.close();
  return exitCodes.done;
}

async function logOf(config: Config, host: Host): Promise<Log> {
  const { openLog } = await import('../src/observe/log.ts');
  return openLog({
    level: config.logLevel,
    format: config.logFormat ?? (host.stderr.isTTY ? 'pretty' : 'json'),
    colour: host.stderr.colour,
  });
}

async function openCertificates(config: Config, host: Host, log: Log): Promise<TlsSource> {
  const { certFile, keyFile, tlsSecret } = config;
  if (tlsSecret !== undefined && (certFile !== undefined || keyFile !== undefined))
    throw new UsageError(
      exitCodes.usage,
      '--tls-secret and --cert-file exclude each other',
      'give one of them',
    );
  if (tlsSecret !== undefined) return await openOwnCertificates(config, { secret: tlsSecret, host, log });
  if (certFile === undefined || keyFile === undefined) {
    const remedy = 'give both, as cert-manager or openssl make them, or --tls-secret';
    throw new UsageError(exitCodes.usage, 'the webhook needs --cert-file and --key-file', remedy);
  }
  const { openTlsFiles } = await import('../src/inject/tls-files.ts');
  return await openTlsFiles({ certFile, keyFile, clock: systemClock, log });
}

async function openOwnCertificates(
  { tlsNames, webhookConfiguration, pod }: Config,
  { secret, host, log }: { readonly secret: string; readonly host: Host; readonly log: Log },
): Promise<TlsSource> {
  if (tlsNames.length === 0) {
    const remedy = 'give the name of its Service, such as external-secrets-agent-injector.my-namespace.svc';
    throw new UsageError(exitCodes.usage, '--tls-secret needs --tls-names', remedy);
  }
  const [{ openKube }, { openSelfCertificates }] = await Promise.all([
    import('../src/kube/client.ts'),
    import('../src/inject/certificates.ts'),
  ]);
  const kube = await openKube({ clock: systemClock, env: host.env });
  const namespace = pod.namespace ?? kube.namespace;
  if (namespace === undefined) {
    const remedy = 'set POD_NAMESPACE from the downward API';
    throw new UsageError(exitCodes.usage, 'it is not known in which namespace --tls-secret is', remedy);
  }
  const certificates = openSelfCertificates({
    kube,
    namespace,
    secret,
    configuration: webhookConfiguration,
    names: tlsNames,
    clock: systemClock,
    log,
  });
  return {
    tls: () => certificates.tls(),
    onTlsChange: (listener) => certificates.onTlsChange(listener),
    close: async () => {
      await certificates.close();
      await kube.close();
    },
  };
}

interface Served {
  readonly server: InjectorServer;
  readonly metrics: InjectorMetrics;
  readonly log: Log;
}

/** Plain HTTP, for the kubelet and Prometheus; undefined when --listen is off. */
async function openProbes(
  config: Config,
  { server, metrics, log }: Served,
): Promise<{ readonly port: number; close(): Promise<void> } | undefined> {
  if (config.listen === 'off') return undefined;
  const [{ closeServer, serverOf, text }, { listenOn, portOf }] = await Promise.all([
    import('../src/observe/serve.ts'),
    import('./listen.ts'),
  ]);
  const ready = () => (server.ready ? text(200, 'ok') : text(503, 'no certificate yet, or ending'));
  const live = () => text(200, 'ok');
  const http = serverOf(
    [
      { method: 'GET', path: '/livez', answer: live },
      { method: 'GET', path: '/healthz', answer: live },
      { method: 'GET', path: '/readyz', answer: ready },
      {
        method: 'GET',
        path: '/metrics',
        answer: async () => ({ status: 200, body: await metrics.text(), type: metrics.contentType }),
      },
    ],
    (err) => log.error({ err }, 'a request was not answered'),
  );
  await listenOn(http, config.listen);
  return { port: portOf(http), close: () => closeServer(http) };
}

async function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
