import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, test } from 'node:test';
import type { Log } from '../../src/base/log.ts';
import { Kept } from '../../src/loop/kept.ts';
import { ManualClock } from '../base/manual-clock.ts';

describe('what is kept for the next life', () => {
  let folder: string;
  let warned: string[];
  let clock: ManualClock;
  const log: Log = {
    debug: () => {},
    info: () => {},
    warn: (_fields, message) => void warned.push(message),
    error: (_fields, message) => void warned.push(message),
  };
  const open = (path: string | undefined, podUid = 'u') => new Kept({ folder: path, podUid, clock, log });

  beforeEach((t) => {
    folder = mkdtempSync(join(tmpdir(), 'esa-kept-'));
    warned = [];
    clock = new ManualClock();
    if ('after' in t) t.after(() => rmSync(folder, { recursive: true, force: true }));
  });

  test('is read back by the same pod, in a folder and a file of its own', () => {
    const state = join(folder, 'a', 'state');
    const kept = open(state);
    const target = { specHash: 'h', syncedMs: 5, fetchedKeys: ['a'] };
    kept.setTarget('db', target);
    kept.set('SecretStore/s batch', 'denied');
    kept.flush();
    assert.deepEqual(open(state).target('db'), target);
    assert.equal(open(state).get('SecretStore/s batch'), 'denied');
    assert.equal(open(state, 'another').target('db'), undefined);
    assert.equal(statSync(state).mode & 0o777, 0o700);
    assert.equal(statSync(join(state, 'kept.json')).mode & 0o777, 0o600);
  });

  for (const [what, path] of [
    ['a file stands in its place', 'file'],
    ['its parent is a file', 'file/state'],
  ] as const) {
    test(`a folder that cannot be had costs only what would be kept: ${what}`, async () => {
      writeFileSync(join(folder, 'file'), '');
      const kept = open(join(folder, path));
      for (let i = 0; i < 5; i++) {
        kept.setTarget(`db${i}`, { specHash: 'h', syncedMs: i });
        await clock.advance(1_000);
      }
      assert.deepEqual(kept.target('db0'), { specHash: 'h', syncedMs: 0 });
      assert.deepEqual(warned, ['nothing is kept for a restart']);
    });
  }

  test('a folder below /proc does not hang the agent', () => {
    const kept = open('/proc/esa/state');
    kept.setTarget('db', undefined);
    kept.flush();
    assert.deepEqual(warned, ['nothing is kept for a restart']);
  });

  test('a folder that is gone while the agent runs is made anew', () => {
    const state = join(folder, 'state');
    const kept = open(state);
    kept.set('k', 'v');
    kept.flush();
    rmSync(state, { recursive: true });
    kept.setTarget('db', { specHash: 'h', syncedMs: 5 });
    kept.flush();
    assert.deepEqual(open(state).target('db'), { specHash: 'h', syncedMs: 5 });
  });

  test('a failure is told once, and again after it worked', { skip: process.getuid?.() === 0 }, () => {
    const kept = open(folder);
    for (const mode of [0o500, 0o700, 0o500]) {
      chmodSync(folder, mode);
      for (let i = 0; i < 3; i++) {
        kept.setTarget('db', { specHash: 'h', syncedMs: i });
        kept.flush();
      }
    }
    chmodSync(folder, 0o700);
    assert.equal(warned.length, 2);
  });

  for (const content of [
    'null',
    '[]',
    '{',
    '{"version":1,"podUid":"u"}',
    '{"version":1,"podUid":"u","targets":"db","memory":7}',
    '{"version":1,"podUid":"u","targets":{"db":null},"memory":{"k":null}}',
    '{"version":1,"podUid":"u","targets":{"db":{"specHash":"h","syncedMs":"soon"}},"memory":{"k":{}}}',
    '{"version":1,"podUid":"u","targets":{"db":{"specHash":"h","syncedMs":1e300}}}',
  ]) {
    test(`a file that somebody has written into is not believed: ${content}`, () => {
      writeFileSync(join(folder, 'kept.json'), content);
      const kept = open(folder);
      assert.equal(kept.target('db'), undefined);
      assert.equal(kept.get('k'), undefined);
      kept.set('k', 'v');
      kept.flush();
      assert.equal(JSON.parse(readFileSync(join(folder, 'kept.json'), 'utf8')).memory.k, 'v');
    });
  }
});
