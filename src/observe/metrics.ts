import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { AgentState, BreakerState, LoopEvent, TargetState } from '../loop/state.ts';

export interface Metrics {
  /** Counts what happened. */
  record(event: LoopEvent): void;
  /** The exposition for one scrape: counters as recorded, gauges as `state` has them. */
  text(state: AgentState): Promise<string>;
  readonly contentType: string;
}

export interface MetricsOptions {
  readonly version: string;
  /** The runtime's version, for `build_info`. */
  readonly node: string;
}

// The same buckets whatever the provider: a local Vault answers in milliseconds, STS and a cold AWS in seconds.
const requestBucketsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15];

const target = ['name', 'namespace'] as const;

/**
 * Every metric of the agent, in a registry of its own. The names without our prefix are those that dashboards
 * for ESO already use. Counters live here; gauges are drawn from the state at each scrape, so a series ends
 * with its ExternalSecret.
 */
export function openMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const counters = countersIn(registry);
  const gauges = gaugesIn(registry);
  const build = new Gauge({
    name: 'external_secrets_agent_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['version', 'node'],
    registers: [registry],
  });
  build.set({ version: options.version, node: options.node }, 1);
  return {
    contentType: registry.contentType,
    record: (event) => recordIn(counters, event),
    text: async (state) => {
      // An attempt that was in flight when its ExternalSecret went may have counted since.
      await forget(counters, (name) => !state.targets.has(name));
      drawIn(gauges, state);
      return await registry.metrics();
    },
  };
}

type Counters = ReturnType<typeof countersIn>;
type Gauges = ReturnType<typeof gaugesIn>;

function countersIn(registry: Registry) {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter<L>({ name, help, labelNames: [...labelNames], registers });
  return {
    reconciled: counter('external_secrets_reconciled', 'Syncs that succeeded.', [...target, 'store']),
    failures: counter('external_secrets_failures', 'Syncs that failed, by code.', [
      ...target,
      'store',
      'reason',
    ]),
    syncCalls: counter('externalsecret_sync_calls_total', 'Syncs of an ExternalSecret.', target),
    syncErrors: counter('externalsecret_sync_calls_error', 'Syncs of an ExternalSecret that failed.', target),
    apiCalls: counter('externalsecret_provider_api_calls_count', 'Calls of a store, by outcome.', [
      'provider',
      'call',
      'status',
    ]),
    publishes: counter('external_secrets_agent_publish_total', 'Deliveries to a sink, by outcome.', [
      'name',
      'sink',
      'result',
    ]),
    notifies: counter(
      'external_secrets_agent_notify_total',
      'Times an app was told of a change, by outcome.',
      ['name', 'hook', 'result'],
    ),
    // ESO's is a gauge in nanoseconds, of the last sync.
    reconcileDuration: new Gauge({
      name: 'externalsecret_reconcile_duration',
      help: 'How long the last sync took, in nanoseconds.',
      labelNames: target,
      registers,
    }),
    requestDuration: new Histogram({
      name: 'external_secrets_agent_provider_request_duration_seconds',
      help: 'How long the calls of a store took.',
      labelNames: ['provider', 'call'] as const,
      buckets: requestBucketsSeconds,
      registers,
    }),
  };
}

function gaugesIn(registry: Registry) {
  const registers = [registry];
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge<L>({ name, help, labelNames: [...labelNames], registers });
  const own = 'external_secrets_agent';
  return {
    condition: gauge('externalsecret_status_condition', 'The condition that holds is 1.', [
      ...target,
      'condition',
      'status',
    ]),
    lastSuccess: gauge(
      `${own}_last_success_timestamp_seconds`,
      'Start of the last sync that succeeded.',
      target,
    ),
    nextRefresh: gauge(`${own}_next_refresh_timestamp_seconds`, 'When the next sync is due.', target),
    stale: gauge(
      `${own}_stale_seconds`,
      'Age of what is delivered: time since the last successful sync.',
      target,
    ),
    expiry: gauge(
      `${own}_expiry_timestamp_seconds`,
      'When what was delivered ends (lease, certificate).',
      target,
    ),
    breaker: gauge(`${own}_breaker_state`, '0: calls go to the store; 1: one probe goes; 2: none go.', [
      'store',
    ]),
  };
}

function recordIn(counters: Counters, event: LoopEvent): void {
  switch (event.kind) {
    case 'attempt':
      recordAttempt(counters, event);
      break;
    case 'call': {
      const { provider, call, status } = event;
      counters.apiCalls.inc({ provider, call, status });
      counters.requestDuration.observe({ provider, call }, event.durationMs / 1000);
      break;
    }
    case 'publish':
      counters.publishes.inc({ name: event.name, sink: event.sink, result: event.result });
      break;
    case 'notify':
      counters.notifies.inc({ name: event.name, hook: event.hook, result: event.result });
      break;
    case 'removed':
      void forget(counters, (name) => name === event.name);
      break;
  }
}

function recordAttempt(counters: Counters, event: LoopEvent & { readonly kind: 'attempt' }): void {
  const labels = labelsOf(event);
  counters.syncCalls.inc(labels);
  counters.reconcileDuration.set(labels, Math.round(event.durationMs * 1e6));
  if (event.result === 'synced') {
    counters.reconciled.inc({ ...labels, store: event.store });
    return;
  }
  counters.syncErrors.inc(labels);
  counters.failures.inc({ ...labels, store: event.store, reason: event.code ?? '' });
}

/** Ends the series of ExternalSecrets that are gone. */
async function forget(counters: Counters, isGone: (name: string) => boolean): Promise<void> {
  const { apiCalls: _calls, requestDuration: _durations, ...named } = counters;
  for (const metric of Object.values(named)) {
    const { values } = await metric.get();
    for (const { labels } of values) if (isGone(String(labels.name))) metric.remove(labels as never);
  }
}

function drawIn(gauges: Gauges, state: AgentState): void {
  for (const gauge of Object.values(gauges)) gauge.reset();
  for (const targetState of state.targets.values()) drawTarget(gauges, targetState);
  for (const [store, breaker] of state.breakers) gauges.breaker.set({ store }, breakerValues[breaker]);
}

const breakerValues: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 };

function drawTarget(gauges: Gauges, state: TargetState): void {
  const labels = labelsOf(state);
  // ESO sets the status that holds to 1 and its opposite to 0; before the first sync there is neither.
  if (state.condition.status !== 'Unknown') {
    for (const status of ['True', 'False'] as const) {
      const value = state.condition.status === status ? 1 : 0;
      gauges.condition.set({ ...labels, condition: 'Ready', status }, value);
    }
  }
  if (state.lastSuccessMs !== undefined) {
    gauges.lastSuccess.set(labels, state.lastSuccessMs / 1000);
    gauges.stale.set(labels, state.staleMs / 1000);
  }
  if (state.nextRefreshMs !== undefined) gauges.nextRefresh.set(labels, state.nextRefreshMs / 1000);
  if (state.expiryMs !== undefined) gauges.expiry.set(labels, state.expiryMs / 1000);
}

function labelsOf(named: { readonly name: string; readonly namespace: string | undefined }) {
  return { name: named.name, namespace: named.namespace ?? '' };
}
