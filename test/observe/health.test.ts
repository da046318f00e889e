import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AgentError } from '../../src/base/errors.ts';
import { livez, readyz, startupz } from '../../src/observe/health.ts';
import { standingOf, worstFirst } from '../../src/observe/standing.ts';
import { agentState, failedState, marker, targetState } from './states.ts';

describe('livez', () => {
  const state = agentState([failedState('db')], { heartbeatMs: 5_000 });

  test('knows nothing of stores', () => assert.deepEqual(livez(state, 5_001), { ok: true, lines: ['ok'] }));

  test('fails once the loop is a minute late', () => {
    assert.equal(livez(state, 65_000).ok, true);
    assert.deepEqual(livez(state, 66_000), { ok: false, lines: ['the loop has not turned for 61 s'] });
  });
});

describe('startupz and readyz', () => {
  test('name what holds them by code alone, worst first', () => {
    const state = agentState([
      targetState('a', { published: false, lastSuccessMs: undefined }),
      failedState('db'),
    ]);
    assert.deepEqual(startupz(state), { ok: false, lines: ['db: Denied', 'a: not delivered yet'] });
    assert.deepEqual(readyz(state), startupz(state));
    assert.ok(!JSON.stringify(startupz(state)).includes(marker));
  });

  test('a broken document is named by its object or its file', () => {
    const problems = [
      new AgentError('SpecInvalid', marker, { at: { object: 'ExternalSecret/x' } }),
      new AgentError('SpecInvalid', marker, { at: { file: 'a.yaml' } }),
    ];
    const state = agentState([], { started: false, problems });
    assert.deepEqual(startupz(state).lines, ['ExternalSecret/x: SpecInvalid', 'a.yaml: SpecInvalid']);
  });

  test('an optional target is not among what holds', () => {
    const state = agentState([failedState('db', { required: false })], { started: false });
    assert.deepEqual(startupz(state).lines, ['no ExternalSecret delivered yet']);
  });

  test('the latch outlives outages and targets added later', () => {
    const state = agentState([failedState('db')], { started: true });
    assert.equal(startupz(state).ok, true);
    assert.equal(readyz(state).ok, true);
  });

  test('max-staleness unsets readiness only where it says unready', () => {
    const stale = { tooStale: true };
    assert.equal(readyz(agentState([targetState('db', stale)])).ok, true);
    const state = agentState([targetState('db', { ...stale, unreadyWhenStale: true })]);
    assert.deepEqual(readyz(state), { ok: false, lines: ['db: older than max-staleness'] });
    assert.equal(startupz(state).ok, true);
  });
});

test('targets stand failed, stale, pending, synced, and by name', () => {
  const states = [
    targetState('ok'),
    targetState('new', { published: false }),
    failedState('late', { published: true }),
    targetState('old', { tooStale: true }),
    failedState('never'),
  ];
  assert.deepEqual(
    worstFirst(states).map((state) => `${state.name} ${standingOf(state)}`),
    ['never failed', 'late stale', 'old stale', 'new pending', 'ok synced'],
  );
});
