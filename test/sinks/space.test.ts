import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, realpathSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { AgentError } from '../../src/base/errors.ts';
import { externalSecret, orphans, payload, seen, signal, sinkIn } from './sets.ts';

/** Mounts a real tmpfs for one test, or says why it cannot. */
function mounted(t: { after(fn: () => void): void }, options: string): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sink-')));
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  t.after(() => {
    execFileSync('umount', [folder]);
    rmdirSync(folder);
  });
  return folder;
}

function mountDenied(): string | false {
  if (process.platform !== 'linux') return 'tmpfs is a Linux file system';
  if (process.geteuid?.() !== 0) return 'only root may mount a tmpfs';
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'mounting is denied here';
  }
}

const block = 4096;
const blocks = (count: number, fill: string): string => fill.repeat(count * block);

describe('a volume with little room', { skip: mountDenied() }, () => {
  it('of 64 KiB: a set that has no room for a second copy stays, whole', async (t) => {
    const output = mounted(t, 'size=64k,nr_inodes=100');
    const { sink } = sinkIn(output);
    const old = { a: blocks(5, 'a'), b: blocks(5, 'b') };
    const first = await sink.publish(externalSecret(), payload(old), signal);
    const refusals = await Promise.allSettled(
      [1, 2].map(() =>
        sink.publish(externalSecret(), payload({ a: blocks(5, 'A'), b: blocks(5, 'B') }), signal),
      ),
    );
    const errors = refusals.map((refusal) => (refusal.status === 'rejected' ? refusal.reason : undefined));
    for (const error of errors) {
      assert.ok(error instanceof AgentError);
      assert.equal(error.code, 'PublishFailed');
      assert.equal(
        error.message,
        `${output}/db has no room for a whole set, which takes 49152 bytes and 5 inodes ` +
          '(the volume has 65536 bytes and 100 inodes in all)',
      );
    }
    assert.deepEqual(seen(join(output, 'db')), old);
    assert.deepEqual(orphans(join(output, 'db')), []);
    assert.equal((await sink.adopt(externalSecret(), signal))?.generation, first.generation);
    const smaller = await sink.publish(externalSecret(), payload({ a: 'small' }), signal);
    assert.equal(smaller.changed, true);
  });

  it('of few inodes: the same', async (t) => {
    const output = mounted(t, 'size=1m,nr_inodes=24');
    const { sink } = sinkIn(output);
    const set = (value: string) =>
      Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`key${i}`, value]));
    await sink.publish(externalSecret(), payload(set('old')), signal);
    await assert.rejects(sink.publish(externalSecret(), payload(set('new')), signal), {
      code: 'PublishFailed',
      message: /has no room for a whole set, which takes 40960 bytes and 11 inodes/,
    });
    assert.deepEqual(seen(join(output, 'db')), set('old'));
    assert.deepEqual(orphans(join(output, 'db')), []);
  });

  it('of room for two copies: every rotation goes through, the old generation leaving early', async (t) => {
    const output = mounted(t, 'size=64k,nr_inodes=100');
    const { sink } = sinkIn(output);
    for (const fill of ['1', '2', '3', '4', '5']) {
      await sink.publish(externalSecret(), payload({ a: blocks(5, fill) }), signal);
      assert.deepEqual(seen(join(output, 'db')), { a: blocks(5, fill) });
    }
    assert.equal(orphans(join(output, 'db')).length, 2);
  });

  it('lets the old generations of other targets go as well', async (t) => {
    const output = mounted(t, 'size=64k,nr_inodes=100');
    const { sink } = sinkIn(output);
    for (const fill of ['1', '2'])
      await sink.publish(externalSecret('one'), payload({ a: blocks(5, fill) }), signal);
    await sink.publish(externalSecret('two'), payload({ a: blocks(5, 'x') }), signal);
    assert.deepEqual(orphans(join(output, 'one')), []);
    assert.deepEqual(seen(join(output, 'one')), { a: blocks(5, '2') });
  });

  it('filled by another writer in the middle: only the new generation is removed', async (t) => {
    const output = mounted(t, 'size=64k,nr_inodes=100');
    let armed = false;
    const fill = (step: number) => {
      if (armed && step === 6)
        writeFileSync(join(output, 'other'), Buffer.alloc(statfsSync(output).bavail * block));
    };
    const { sink } = sinkIn(output, { onStep: fill });
    const { generation } = await sink.publish(externalSecret(), payload({ a: 'old', b: 'old' }), signal);
    armed = true;
    await assert.rejects(sink.publish(externalSecret(), payload({ a: 'new', b: 'new' }), signal), {
      code: 'PublishFailed',
      message: `${output}/db has no room left`,
    });
    assert.deepEqual(seen(join(output, 'db')), { a: 'old', b: 'old' });
    const names = ['..data', generation, `${generation}.json`, 'a', 'b'];
    assert.deepEqual(readdirSync(join(output, 'db')).sort(), names.sort());
  });

  it('without any room at first: nothing is there, and it recovers', async (t) => {
    const output = mounted(t, 'size=16k,nr_inodes=100');
    const { sink } = sinkIn(output);
    await assert.rejects(sink.publish(externalSecret(), payload({ a: blocks(5, 'a') }), signal), {
      code: 'PublishFailed',
    });
    assert.deepEqual(readdirSync(join(output, 'db')), []);
    execFileSync('mount', ['-o', 'remount,size=64k', output]);
    assert.equal(
      (await sink.publish(externalSecret(), payload({ a: blocks(5, 'a') }), signal)).changed,
      true,
    );
  });

  it('that is read-only says so, and serves what it has', async (t) => {
    const output = mounted(t, 'size=64k');
    const { sink } = sinkIn(output);
    await sink.publish(externalSecret(), payload({ a: '1' }), signal);
    execFileSync('mount', ['-o', 'remount,ro', output]);
    await assert.rejects(sink.publish(externalSecret(), payload({ a: '2' }), signal), {
      code: 'PublishFailed',
      message: `${output}/db is read-only`,
    });
    assert.deepEqual(seen(join(output, 'db')), { a: '1' });
    assert.notEqual(await sink.adopt(externalSecret(), signal), undefined);
  });
});
