import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { AgentError } from '../../src/base/errors.ts';
import { externalSecret, orphans, payload, seen, signal, sinkIn, temporaryFolder } from './sets.ts';

describe('the directory sink', () => {
  it('lays a target out as a Secret volume', async (t) => {
    const output = temporaryFolder(t);
    const { sink } = sinkIn(output);
    const written = await sink.publish(
      externalSecret(),
      payload({ user: 'app', password: 's3cret' }),
      signal,
    );
    const target = join(output, 'db');
    assert.deepEqual(written, {
      changed: true,
      generation: readlinkSync(join(target, '..data')),
      changedKeys: ['password', 'user'],
    });
    assert.match(written.generation, /^\.\.gen-20260101T000000Z-[0-9a-f]{8}$/);
    assert.equal(readlinkSync(join(target, 'user')), '..data/user');
    assert.deepEqual(seen(target), { password: 's3cret', user: 'app' });
    assert.deepEqual(readdirSync(join(target, '..data')).sort(), ['password', 'user']);
    assert.doesNotMatch(readFileSync(join(target, `${written.generation}.json`), 'utf8'), /s3cret|app"/);
  });

  it('flips all keys at once, tells what changed, and keeps the old generation for its grace', async (t) => {
    const output = temporaryFolder(t);
    const { sink, clock } = sinkIn(output, { graceMs: 60_000 });
    const target = join(output, 'db');
    const first = await sink.publish(externalSecret(), payload({ a: '1', b: '1', c: '1' }), signal);
    const second = await sink.publish(externalSecret(), payload({ a: '1', b: '2', d: '1' }), signal);
    assert.deepEqual(second.changedKeys, ['b', 'c', 'd']);
    assert.deepEqual(seen(target), { a: '1', b: '2', d: '1' });
    assert.deepEqual(orphans(target).sort(), [first.generation, `${first.generation}.json`].sort());
    assert.equal(readFileSync(join(target, first.generation, 'c'), 'utf8'), '1');
    await clock.advance(59_999);
    assert.ok(existsSync(join(target, first.generation)));
    await clock.advance(1);
    assert.deepEqual(orphans(target), []);
    assert.deepEqual(seen(target), { a: '1', b: '2', d: '1' });
  });

  it('keeps at most one old generation', async (t) => {
    const output = temporaryFolder(t);
    const { sink, clock } = sinkIn(output);
    for (const value of ['1', '2', '3', '4']) {
      await sink.publish(externalSecret(), payload({ a: value }), signal);
      await clock.advance(10_000);
    }
    assert.equal(orphans(join(output, 'db')).length, 2);
    await clock.advance(49_999);
    assert.equal(orphans(join(output, 'db')).length, 2);
    await clock.advance(1);
    assert.equal(orphans(join(output, 'db')).length, 0);
  });

  it('writes nothing for the same bytes', async (t) => {
    const output = temporaryFolder(t);
    const { sink } = sinkIn(output);
    const first = await sink.publish(externalSecret(), payload({ a: '1' }), signal);
    const before = statSync(join(output, 'db'), { bigint: true }).mtimeNs;
    const again = await sink.publish(externalSecret(), payload({ a: '1' }), signal);
    assert.deepEqual(again, { changed: false, generation: first.generation, changedKeys: [] });
    assert.equal(statSync(join(output, 'db'), { bigint: true }).mtimeNs, before);
  });

  it('publishes an empty set, a set of 300 keys and a set of 5 MiB', async (t) => {
    const output = temporaryFolder(t);
    const { sink } = sinkIn(output);
    await sink.publish(externalSecret('none'), payload({}), signal);
    assert.deepEqual(readdirSync(join(output, 'none', '..data')), []);
    assert.equal((await sink.publish(externalSecret('none'), payload({}), signal)).changed, false);
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key-${i}`, `${i}`]));
    await sink.publish(externalSecret('many'), payload(many), signal);
    assert.equal(Object.keys(seen(join(output, 'many'))).length, 300);
    const large = Buffer.alloc(5 * 1024 * 1024, 0xa5);
    await sink.publish(externalSecret('large'), payload({ large }), signal);
    assert.ok(readFileSync(join(output, 'large', 'large')).equals(large));
    assert.equal((await sink.publish(externalSecret('large'), payload({ large }), signal)).changed, false);
  });

  it('refuses a payload that is over the limit', async (t) => {
    const { sink } = sinkIn(temporaryFolder(t));
    const block = Buffer.alloc(16 * 1024 * 1024);
    const over = payload({ a: block, b: block, c: block, d: block, e: Buffer.from('x') });
    await assert.rejects(sink.publish(externalSecret(), over, signal), {
      code: 'ValidationRefused',
      message: '67108865 bytes are more than the 67108864 a target may have',
    });
  });

  it('starts nothing after an abort', async (t) => {
    const output = temporaryFolder(t);
    const { sink } = sinkIn(output);
    const aborted = AbortSignal.abort(new Error('shutting down'));
    await assert.rejects(sink.publish(externalSecret(), payload({ a: '1' }), aborted), /shutting down/);
    assert.deepEqual(readdirSync(output), []);
  });

  it('reports keys that flipped in a publication that failed afterwards', async (t) => {
    const output = temporaryFolder(t);
    const { sink } = sinkIn(output);
    await sink.publish(externalSecret(), payload({ a: '1' }), signal);
    mkdirSync(join(output, 'db', 'b'));
    await assert.rejects(sink.publish(externalSecret(), payload({ a: '2', b: '1' }), signal), (error) => {
      assert.ok(error instanceof AgentError);
      assert.equal(error.code, 'PublishFailed');
      assert.equal(error.message, `${output}/db/b is a folder where the link to a key belongs`);
      return true;
    });
    assert.equal(readFileSync(join(output, 'db', 'a'), 'utf8'), '2');
    assert.equal(await sink.adopt(externalSecret(), signal), undefined);
    rmdirSync(join(output, 'db', 'b'));
    const retried = await sink.publish(externalSecret(), payload({ a: '2', b: '1' }), signal);
    assert.deepEqual([retried.changed, retried.changedKeys], [true, ['a', 'b']]);
    assert.deepEqual(seen(join(output, 'db')), { a: '2', b: '1' });
  });
});

describe('adoption', () => {
  it('finds what an earlier life left, whole', async (t) => {
    const output = temporaryFolder(t);
    const { generation } = await sinkIn(output).sink.publish(
      externalSecret(),
      payload({ a: '1', b: '2' }),
      signal,
    );
    const adopted = await sinkIn(output).sink.adopt(externalSecret(), signal);
    assert.deepEqual(adopted, { generation, keys: ['a', 'b'], payloadHash: 'inputs' });
  });

  it('leaves the file of a format out of the keys, and wants that file', async (t) => {
    const output = temporaryFolder(t);
    const { sink } = sinkIn(output);
    await sink.publish(externalSecret('db', { format: 'env' }), payload({ a: '1' }), signal);
    assert.deepEqual((await sink.adopt(externalSecret('db', { format: 'env' }), signal))?.keys, ['a']);
    assert.equal(await sink.adopt(externalSecret('db', { format: 'json' }), signal), undefined);
  });

  it('keeps the note in step with inputs that give the same bytes', async (t) => {
    const output = temporaryFolder(t);
    const { sink } = sinkIn(output);
    await sink.publish(externalSecret(), payload({ a: '1' }, 'old'), signal);
    assert.equal((await sink.publish(externalSecret(), payload({ a: '1' }, 'new'), signal)).changed, false);
    assert.equal((await sink.adopt(externalSecret(), signal))?.payloadHash, 'new');
    assert.deepEqual(orphans(join(output, 'db')), []);
  });

  it('makes nothing where there is nothing', async (t) => {
    const output = temporaryFolder(t);
    assert.equal(await sinkIn(output).sink.adopt(externalSecret(), signal), undefined);
    assert.equal(await sinkIn(join(output, 'none')).sink.adopt(externalSecret(), signal), undefined);
    assert.deepEqual(readdirSync(output), []);
  });

  it('refuses what belongs to another ExternalSecret', async (t) => {
    const output = temporaryFolder(t);
    const { sink } = sinkIn(output);
    await sink.publish(externalSecret(), payload({ a: '1' }), signal);
    assert.equal(await sink.adopt({ ...externalSecret(), name: 'other' }, signal), undefined);
  });
});

describe('removal', () => {
  it('takes a target away with its folder', async (t) => {
    const output = temporaryFolder(t);
    const { sink } = sinkIn(output);
    await sink.publish(externalSecret(), payload({ a: '1' }), signal);
    await sink.publish(externalSecret(), payload({ a: '2' }), signal);
    await sink.remove('db', signal);
    assert.deepEqual(readdirSync(output), []);
    await sink.remove('db', signal);
    assert.equal((await sink.publish(externalSecret(), payload({ a: '3' }), signal)).changed, true);
  });

  it('leaves what the agent did not make', async (t) => {
    const output = temporaryFolder(t);
    const { sink } = sinkIn(output);
    await sink.publish(externalSecret(), payload({ a: '1' }), signal);
    writeFileSync(join(output, 'db', 'mine.txt'), 'keep');
    await sink.remove('db', signal);
    assert.deepEqual(readdirSync(join(output, 'db')), ['mine.txt']);
  });

  it('sweeps targets of specs that are gone, and no foreign folder', async (t) => {
    const output = temporaryFolder(t);
    const { sink } = sinkIn(output);
    for (const name of ['kept', 'gone', 'also-gone']) {
      await sink.publish(externalSecret(name), payload({ a: '1' }), signal);
    }
    mkdirSync(join(output, 'empty'));
    mkdirSync(join(output, 'lost+found'));
    mkdirSync(join(output, 'kubelet', '..2026_01_01_00_00_00.123456789'), { recursive: true });
    symlinkSync('..2026_01_01_00_00_00.123456789', join(output, 'kubelet', '..data'));
    assert.deepEqual(await sinkIn(output).sink.sweep(new Set(['kept'])), ['also-gone', 'gone']);
    assert.deepEqual(readdirSync(output).sort(), ['empty', 'kept', 'kubelet', 'lost+found']);
    assert.equal(readdirSync(join(output, 'kubelet')).length, 2);
    assert.deepEqual(await sinkIn(join(output, 'none')).sink.sweep(new Set()), []);
  });
});

describe('what the sink refuses', () => {
  const refusal = (code: string, message: string | RegExp) => (error: unknown) => {
    assert.ok(error instanceof AgentError);
    assert.equal(error.code, code);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    assert.equal(error.at.object, 'ExternalSecret/db');
    assert.notEqual(error.remedy, undefined);
    return true;
  };

  it('an output that is not there, not a folder, or a link', async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'file'), '');
    symlinkSync(folder, join(folder, 'link'));
    const publish = (output: string) =>
      sinkIn(output).sink.publish(externalSecret(), payload({ a: '1' }), signal);
    await assert.rejects(
      publish(join(folder, 'no', 'parent')),
      refusal('PublishFailed', `${folder}/no/parent does not exist, or its parent folder does not`),
    );
    for (const name of ['file', 'link']) {
      await assert.rejects(
        publish(join(folder, name)),
        refusal('PublishFailed', `${folder}/${name} is not a folder (a link in its place is not followed)`),
      );
    }
  });

  it('makes the last part of a path for the owner alone', async (t) => {
    const output = join(temporaryFolder(t), 'made');
    await sinkIn(output).sink.publish(externalSecret(), payload({ a: '1' }), signal);
    assert.equal(statSync(output).mode & 0o777, 0o700);
  });

  it('a folder with files of others', async (t) => {
    const output = temporaryFolder(t);
    mkdirSync(join(output, 'db'), { mode: 0o700 });
    writeFileSync(join(output, 'db', 'main.c'), 'int main;');
    await assert.rejects(
      sinkIn(output).sink.publish(externalSecret(), payload({ a: '1' }), signal),
      refusal('PublishFailed', `${output}/db holds files that this agent did not make`),
    );
    assert.deepEqual(readdirSync(join(output, 'db')), ['main.c']);
    assert.equal(statSync(join(output, 'db')).mode & 0o777, 0o700);
  });

  it('keys and target names that are no file names', async (t) => {
    const output = temporaryFolder(t);
    const { sink } = sinkIn(output);
    for (const key of [
      '',
      '.',
      '..',
      '..data',
      '..x',
      'a/b',
      '../a',
      'a\0b',
      'ä',
      'a b',
      'a\n',
      'a\\b',
      'x'.repeat(254),
    ]) {
      await assert.rejects(
        sink.publish(externalSecret(), payload({ good: '1', [key]: '2' }), signal),
        refusal('ValidationRefused', `key ${JSON.stringify(key)} cannot name a file`),
      );
    }
    assert.deepEqual(readdirSync(output), []);
    for (const name of ['..', '.', '', 'a/b', '../db', 'DB', '-a', 'a..b']) {
      const spec = externalSecret();
      await assert.rejects(
        sink.publish({ ...spec, target: { ...spec.target, name } }, payload({ a: '1' }), signal),
        refusal('ValidationRefused', `target name ${JSON.stringify(name)} cannot name a folder`),
      );
    }
    const longest = 'k'.repeat(253);
    await sink.publish(externalSecret(), payload({ [longest]: '1', 'a..b': '2', '.hidden': '3' }), signal);
    assert.deepEqual(seen(join(output, 'db')), { [longest]: '1', 'a..b': '2', '.hidden': '3' });
  });

  it('a key that has the name of the format file', async (t) => {
    const { sink } = sinkIn(temporaryFolder(t));
    await assert.rejects(
      sink.publish(externalSecret('db', { format: 'env' }), payload({ 'db.env': '1' }), signal),
      refusal('ValidationRefused', 'key db.env and the env file db.env have one name'),
    );
  });
});
