import assert from 'node:assert/strict';
import { access, readFile, writeFile } from 'node:fs/promises';
import { after, describe, test } from 'node:test';
import { failureMessage } from '../../agent/termination.ts';
import { agentState, failedState, targetState } from '../observe/states.ts';
import { Sidecar } from './sidecar.ts';

function specs(keys: readonly string[]): string {
  const store = `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: demo}
spec: {provider: {fake: {data: [{key: k, value: canary-1f0d}]}}}
`;
  const one = (key: string) => `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${key}}
spec: {secretStoreRef: {name: demo}, data: [{secretKey: a, remoteRef: {key: ${key}}}]}
`;
  return [store, ...keys.map(one)].join('---');
}

describe('the termination message of --once', () => {
  const made: Sidecar[] = [];
  after(async () => {
    for (const each of made) await each.remove();
  });

  const once = async (
    keys: readonly string[],
    options: { env?: Record<string, string>; args?: string[]; file?: boolean },
  ) => {
    const prepared = await Sidecar.prepare({ 'specs.yaml': specs(keys) });
    const file = prepared.path('termination-log');
    if (options.file !== false) await writeFile(file, 'of the life before');
    const args = options.args ?? ['--termination-log', file];
    const agent = await Sidecar.at(prepared.root, { args, env: options.env ?? {} });
    made.push(agent);
    const code = await agent.once('--timeout', '2s');
    return { code, text: await readFile(file, 'utf8').catch(() => undefined), file };
  };

  test('is the code and the remedy of what failed', async () => {
    const { code, text } = await once(['k', 'gone'], {});
    assert.equal(code, 69);
    assert.match(
      text!,
      /ExternalSecret\/gone.*NotFound: the fake store has no gone .*\(create gone in the store/,
    );
    assert.doesNotMatch(text!, /ExternalSecret\/k:|canary/);
  });

  test('tells a wrong option too', async () => {
    const { code, text } = await once(['k'], { env: { ESA_ONLY: 'nobody' } });
    assert.equal(code, 64);
    assert.match(text!, /--only names no ExternalSecret: nobody/);
  });

  test('is left alone when all went well', async () => {
    const { code, text } = await once(['k'], {});
    assert.deepEqual([code, text], [0, 'of the life before']);
  });

  test('makes no file, and none outside of a pod by itself', async () => {
    const { code, file } = await once(['gone'], { file: false });
    assert.equal(code, 69);
    await assert.rejects(access(file));
  });

  test('fits what the kubelet keeps, and says how much it left out', () => {
    const many = Array.from({ length: 200 }, (_, i) => failedState(`target-${String(i).padStart(3, '0')}`));
    const text = failureMessage(agentState([...many, targetState('well')]));
    assert.ok(Buffer.byteLength(text) <= 4_096);
    const lines = text.trim().split('\n');
    assert.equal(lines.at(-1), `and ${200 - (lines.length - 1)} more`);
    assert.match(lines[0]!, /^ExternalSecret\/target-000: Denied: .*\(grant read on the path\)$/);
  });
});
