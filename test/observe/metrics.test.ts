import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AgentState, LoopEvent } from '../../src/loop/state.ts';
import { openMetrics } from '../../src/observe/metrics.ts';
import { agentState, failedState, targetState } from './states.ts';

const attempt: LoopEvent = {
  kind: 'attempt',
  name: 'db',
  namespace: 'shop',
  store: 'vault',
  result: 'synced',
  code: undefined,
  durationMs: 12.5,
};

function metrics() {
  return openMetrics({ version: '1.2.3', node: 'v24.0.0' });
}

async function samples(events: readonly LoopEvent[], state: AgentState): Promise<string[]> {
  const all = metrics();
  for (const event of events) all.record(event);
  return linesOf(await all.text(state));
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('counters', () => {
  test('of syncs carry the names that dashboards use', async () => {
    const failed: LoopEvent = { ...attempt, result: 'failed', code: 'Denied', durationMs: 1 };
    const lines = await samples([attempt, attempt, failed], agentState([targetState('db')]));
    for (const line of [
      'external_secrets_reconciled{name="db",namespace="shop",store="vault"} 2',
      'external_secrets_failures{name="db",namespace="shop",store="vault",reason="Denied"} 1',
      'externalsecret_sync_calls_total{name="db",namespace="shop"} 3',
      'externalsecret_sync_calls_error{name="db",namespace="shop"} 1',
      'externalsecret_reconcile_duration{name="db",namespace="shop"} 1000000',
      'external_secrets_agent_build_info{version="1.2.3",node="v24.0.0"} 1',
    ]) {
      assert.ok(lines.includes(line), line);
    }
  });

  test('of calls, deliveries and notifications', async () => {
    const call = { provider: 'HashiCorp/Vault', call: 'ReadSecretData', status: 'success' } as const;
    const lines = await samples(
      [
        { kind: 'call', storeId: 'SecretStore/vault', ...call, durationMs: 30 },
        { kind: 'publish', sink: 'directory', name: 'db', result: 'changed' },
        { kind: 'notify', name: 'db', hook: 'signal', result: 'told' },
      ],
      agentState([targetState('db')]),
    );
    const base = 'provider="HashiCorp/Vault",call="ReadSecretData"';
    for (const line of [
      `externalsecret_provider_api_calls_count{${base},status="success"} 1`,
      `external_secrets_agent_provider_request_duration_seconds_sum{${base}} 0.03`,
      'external_secrets_agent_publish_total{name="db",sink="directory",result="changed"} 1',
      'external_secrets_agent_notify_total{name="db",hook="signal",result="told"} 1',
    ]) {
      assert.ok(lines.includes(line), line);
    }
  });
});

describe('gauges', () => {
  test('are drawn from the state at each scrape', async () => {
    const state = agentState(
      [targetState('db', { expiryMs: 500_000, staleMs: 90_000 }), failedState('api')],
      {
        breakers: new Map([
          ['SecretStore/a', 'closed'],
          ['SecretStore/b', 'half-open'],
          ['SecretStore/c', 'open'],
        ]),
      },
    );
    const lines = await samples([], state);
    for (const line of [
      'externalsecret_status_condition{name="db",namespace="shop",condition="Ready",status="True"} 1',
      'externalsecret_status_condition{name="db",namespace="shop",condition="Ready",status="False"} 0',
      'externalsecret_status_condition{name="api",namespace="shop",condition="Ready",status="False"} 1',
      'external_secrets_agent_last_success_timestamp_seconds{name="db",namespace="shop"} 10',
      'external_secrets_agent_next_refresh_timestamp_seconds{name="db",namespace="shop"} 70',
      'external_secrets_agent_stale_seconds{name="db",namespace="shop"} 90',
      'external_secrets_agent_expiry_timestamp_seconds{name="db",namespace="shop"} 500',
      'external_secrets_agent_breaker_state{store="SecretStore/a"} 0',
      'external_secrets_agent_breaker_state{store="SecretStore/b"} 1',
      'external_secrets_agent_breaker_state{store="SecretStore/c"} 2',
    ]) {
      assert.ok(lines.includes(line), line);
    }
    assert.ok(!lines.some((line) => /last_success.*name="api"/.test(line)));
  });
});

test('every series of an ExternalSecret ends with it, even when an attempt counts late', async () => {
  const all = metrics();
  const two = agentState([targetState('db'), targetState('api')]);
  for (const name of ['db', 'api']) {
    all.record({ ...attempt, name });
    all.record({ ...attempt, name, result: 'failed', code: 'Unavailable' });
    all.record({ kind: 'publish', sink: 'directory', name, result: 'changed' });
  }
  assert.match(await all.text(two), /name="db"/);
  all.record({ kind: 'removed', name: 'db', namespace: 'shop' });
  all.record({ ...attempt, name: 'db' });
  const after = await all.text(agentState([targetState('api')]));
  assert.doesNotMatch(after, /name="db"/);
  assert.match(after, /external_secrets_reconciled\{name="api",namespace="shop",store="vault"\} 1/);
});
