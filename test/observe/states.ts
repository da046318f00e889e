import { AgentError } from '../../src/base/errors.ts';
import type { AgentState, TargetState } from '../../src/loop/state.ts';

/** A synced target of the test's own making. */
export function targetState(name: string, more: Partial<TargetState> = {}): TargetState {
  return {
    name,
    namespace: 'shop',
    targetName: name,
    storeIds: ['SecretStore/vault'],
    required: true,
    specHash: 'abc',
    condition: { status: 'True', reason: 'SecretSynced', message: 'secret synced', lastTransitionMs: 1_000 },
    error: undefined,
    failures: 0,
    published: true,
    keys: ['password', 'user'],
    generation: 'g1',
    lastSuccessMs: 10_000,
    lastAttemptMs: 10_000,
    nextRefreshMs: 70_000,
    staleMs: 120_000,
    tooStale: false,
    unreadyWhenStale: false,
    ...more,
  };
}

export const marker = 'MARKER-d41d8cd98f';

/** A target that never was delivered, whose error says something that only the socket may tell. */
export function failedState(name: string, more: Partial<TargetState> = {}): TargetState {
  return targetState(name, {
    published: false,
    keys: [],
    generation: undefined,
    lastSuccessMs: undefined,
    failures: 3,
    condition: {
      status: 'False',
      reason: 'SecretSyncedError',
      message: 'could not',
      lastTransitionMs: 2_000,
    },
    error: new AgentError('Denied', `the policy lacks ${marker}`, {
      at: { object: `ExternalSecret/${name}`, store: 'SecretStore/vault' },
      remedy: 'grant read on the path',
      requestId: 'req-1',
    }),
    ...more,
  });
}

export function agentState(targets: readonly TargetState[], more: Partial<AgentState> = {}): AgentState {
  return {
    startedMs: 0,
    heartbeatMs: 0,
    started: targets.every((target) => target.published),
    problems: [],
    warnings: [],
    targets: new Map(targets.map((target) => [target.name, target])),
    breakers: new Map([['SecretStore/vault', 'closed']]),
    ...more,
  };
}
