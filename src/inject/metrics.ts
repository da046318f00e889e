import { X509Certificate } from 'node:crypto';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Verdict } from './review.ts';
import type { TlsPair } from './tls.ts';

export interface InjectorMetrics {
  record(path: string, verdict: Pick<Verdict, 'result' | 'reason' | 'mode'>, seconds: number): void;
  /** The exposition, with the expiry of what is served now. */
  text(): Promise<string>;
  readonly contentType: string;
}

// An answer is made of memory and arithmetic: most take less than a millisecond.
const bucketsSeconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1];

/** The metrics of the webhook, in a registry of their own. No label holds a name of a pod or a namespace. */
export function openInjectorMetrics(options: {
  readonly version: string;
  readonly tls: () => TlsPair | undefined;
}): InjectorMetrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  const own = 'external_secrets_agent_injector';
  const total = new Counter({
    name: `${own}_review_total`,
    help: 'Reviews answered, by outcome; mode is what was injected.',
    labelNames: ['result', 'reason', 'mode'] as const,
    registers,
  });
  const duration = new Histogram({
    name: `${own}_review_duration_seconds`,
    help: 'From the whole request to its answer.',
    labelNames: ['path'] as const,
    buckets: bucketsSeconds,
    registers,
  });
  const expiry = new Gauge({
    name: `${own}_cert_expiry_timestamp_seconds`,
    help: 'When the certificate that is served ends.',
    registers,
  });
  const build = new Gauge({
    name: `${own}_build_info`,
    help: 'Always 1; the label says what runs.',
    labelNames: ['version'] as const,
    registers,
  });
  build.set({ version: options.version }, 1);
  return {
    contentType: registry.contentType,
    record: (path, { result, reason, mode }, seconds) => {
      total.inc({ result, reason, mode });
      duration.observe({ path }, seconds);
    },
    text: async () => {
      const ends = expiryOf(options.tls());
      if (ends !== undefined) expiry.set(ends);
      return await registry.metrics();
    },
  };
}

/** Wall seconds. */
function expiryOf(pair: TlsPair | undefined): number | undefined {
  return pair === undefined ? undefined : new X509Certificate(pair.cert).validToDate.getTime() / 1_000;
}
