import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isKey } from '../../src/sinks/files.ts';
import { externalSecret, orphans, payload, seen, signal, sinkIn, temporaryFolder } from './sets.ts';

const data = { a: '1', b: '2' };

async function published(t: { after(fn: () => void): void }) {
  const output = temporaryFolder(t);
  const { sink, clock } = sinkIn(output);
  const { generation } = await sink.publish(externalSecret(), payload(data), signal);
  const target = join(output, 'db');
  const publish = () => sink.publish(externalSecret(), payload(data), signal);
  return { output, target, live: join(target, generation), generation, sink, clock, publish };
}

describe('drift on the volume', () => {
  for (const [what, tamper] of [
    ['..data is gone', ({ target }) => unlinkSync(join(target, '..data'))],
    [
      '..data and all generations are gone',
      ({ target }) => {
        for (const name of readdirSync(target)) {
          if (name.startsWith('..')) rmSync(join(target, name), { recursive: true });
        }
      },
    ],
    ['the whole folder is gone', ({ target }) => rmSync(target, { recursive: true })],
    ['the whole output is gone', ({ output }) => rmSync(output, { recursive: true })],
  ] as [string, (place: { target: string; output: string }) => void][]) {
    it(`makes all of it anew when ${what}`, async (t) => {
      const { target, output, sink, publish } = await published(t);
      tamper({ target, output });
      assert.equal(await sink.adopt(externalSecret(), signal), undefined);
      await publish();
      assert.deepEqual(seen(target), data);
      assert.deepEqual(orphans(target), []);
    });
  }

  it('removes what is left of a removal that was killed', async (t) => {
    const { target, output, sink } = await published(t);
    unlinkSync(join(target, '..data'));
    await sink.adopt(externalSecret(), signal);
    assert.deepEqual(await sink.sweep(new Set()), ['db']);
    assert.deepEqual(readdirSync(output), []);
  });

  for (const [what, tamper] of [
    ['a changed file', (live: string) => overwrite(join(live, 'a'), 'X')],
    ['a file of another length', (live: string) => overwrite(join(live, 'a'), '11')],
    ['a deleted file', (live: string) => unlinkSync(join(live, 'a'))],
    [
      'a link in place of a file',
      (live: string) => replace(join(live, 'a'), (path) => symlinkSync('/etc/passwd', path)),
    ],
    [
      'a link to a file of the same content',
      (live: string) => {
        writeFileSync(join(live, '..', '..', 'twin'), '1');
        replace(join(live, 'a'), (path) => symlinkSync('../../twin', path));
      },
    ],
    ['a folder in place of a file', (live: string) => replace(join(live, 'a'), (path) => mkdirSync(path))],
    [
      'a pipe in place of a file',
      (live: string) => replace(join(live, 'a'), (path) => execFileSync('mkfifo', [path])),
    ],
  ] as const) {
    it(`repairs ${what} with a new generation`, async (t) => {
      const { target, live, generation, sink, publish } = await published(t);
      tamper(live);
      assert.equal(await sink.adopt(externalSecret(), signal), undefined);
      const written = await publish();
      assert.deepEqual([written.changed, written.changedKeys], [true, ['a']]);
      assert.notEqual(written.generation, generation);
      assert.deepEqual(seen(target), data);
      assert.notEqual(await sink.adopt(externalSecret(), signal), undefined);
    });
  }

  it('takes out a file that was put in', async (t) => {
    const { target, live, sink, publish } = await published(t);
    writeFileSync(join(live, 'extra'), 'x');
    assert.equal(await sink.adopt(externalSecret(), signal), undefined);
    assert.equal((await publish()).changed, true);
    assert.deepEqual(readdirSync(join(target, '..data')).sort(), ['a', 'b']);
  });

  it('repairs modes in place', async (t) => {
    const { target, live, generation, sink, publish } = await published(t);
    const modes = () => [target, live, join(live, 'a')].map((path) => statSync(path).mode & 0o7777);
    assert.deepEqual(modes(), [0o755, 0o755, 0o444]);
    for (const repair of [publish, () => sink.adopt(externalSecret(), signal)]) {
      chmodSync(join(live, 'a'), 0o777);
      chmodSync(live, 0o700);
      chmodSync(target, 0o777);
      const result = await repair();
      assert.equal(result?.generation, generation);
      assert.deepEqual(modes(), [0o755, 0o755, 0o444]);
    }
    assert.equal((await publish()).changed, false);
  });

  it('repairs links, whatever stands in their place', async (t) => {
    const { target, sink, publish } = await published(t);
    for (const repair of [publish, () => sink.adopt(externalSecret(), signal)]) {
      unlinkSync(join(target, 'a'));
      replace(join(target, 'b'), (path) => symlinkSync('/etc/passwd', path));
      symlinkSync('..data/gone', join(target, 'gone'));
      symlinkSync('/etc/passwd', join(target, 'foreign'));
      await repair();
      assert.equal(readlinkSync(join(target, 'a')), '..data/a');
      assert.equal(readlinkSync(join(target, 'b')), '..data/b');
      assert.deepEqual(
        readdirSync(target)
          .filter((name) => !name.startsWith('..'))
          .sort(),
        ['a', 'b', 'foreign'],
      );
      unlinkSync(join(target, 'foreign'));
    }
    replace(join(target, 'a'), (path) => writeFileSync(path, 'a file'));
    assert.equal((await publish()).changed, false);
    assert.deepEqual(seen(target), data);
  });

  it('renews a lost or foreign note', async (t) => {
    const { target, generation, sink, publish } = await published(t);
    const note = join(target, `${generation}.json`);
    for (const text of [undefined, 'no json', '{}', '[]', 'null', '{"version":2}', 'x'.repeat(20_000)]) {
      unlinkSync(note);
      if (text !== undefined) writeFileSync(note, text);
      assert.equal(await sink.adopt(externalSecret(), signal), undefined);
      assert.deepEqual(await publish(), { changed: false, generation, changedKeys: [] });
      assert.notEqual(await sink.adopt(externalSecret(), signal), undefined);
      assert.equal(statSync(note).mode & 0o777, 0o400);
    }
  });
});

describe('planted entries', () => {
  it('a link in place of a target is refused', async (t) => {
    const output = temporaryFolder(t);
    const elsewhere = temporaryFolder(t);
    symlinkSync(elsewhere, join(output, 'db'));
    const { sink } = sinkIn(output);
    await assert.rejects(sink.publish(externalSecret(), payload(data), signal), {
      code: 'PublishFailed',
      message: `${output}/db is not a folder (a link in its place is not followed)`,
    });
    await assert.rejects(sink.remove('db', signal), { code: 'PublishFailed' });
    assert.equal(await sink.adopt(externalSecret(), signal), undefined);
    assert.deepEqual(await sink.sweep(new Set()), []);
    assert.deepEqual(readdirSync(elsewhere), []);
  });

  it('a link in place of the live generation is replaced, and never entered', async (t) => {
    const { target, live, generation, clock, publish } = await published(t);
    const elsewhere = temporaryFolder(t);
    for (const [name, value] of Object.entries(data)) writeFileSync(join(elsewhere, name), value);
    chmodSync(elsewhere, 0o700);
    rmSync(live, { recursive: true });
    symlinkSync(elsewhere, live);
    const written = await publish();
    assert.notEqual(written.generation, generation);
    assert.deepEqual(seen(target), data);
    await clock.advance(60_000);
    assert.deepEqual(orphans(target), []);
    assert.deepEqual(readdirSync(elsewhere).sort(), ['a', 'b']);
    assert.equal(statSync(elsewhere).mode & 0o777, 0o700);
  });

  it('links that look like generations and temporary names are removed, not followed', async (t) => {
    const { target, publish } = await published(t);
    const elsewhere = temporaryFolder(t);
    writeFileSync(join(elsewhere, 'precious'), 'x');
    const names = [
      '..gen-20200101T000000Z-00000000',
      '..tmp-00000000',
      '..gen-20200101T000000Z-00000001.json',
    ];
    for (const name of names) symlinkSync(elsewhere, join(target, name));
    const orphan = join(target, '..gen-20200101T000000Z-00000002');
    mkdirSync(join(orphan, 'deep'), { recursive: true });
    symlinkSync(elsewhere, join(orphan, 'deep', 'link'));
    await publish();
    assert.deepEqual(orphans(target), []);
    assert.deepEqual(readdirSync(elsewhere), ['precious']);
  });

  it('a ..data that leads elsewhere is replaced', async (t) => {
    for (const text of ['/etc', '../other', '..2026_01_01_00_00_00.1', 'a/..gen-20260101T000000Z-00000000']) {
      const { target, publish } = await published(t);
      replace(join(target, '..data'), (path) => symlinkSync(text, path));
      assert.equal((await publish()).changed, true);
      assert.match(readlinkSync(join(target, '..data')), /^\.\.gen-/);
      assert.deepEqual(seen(target), data);
      assert.deepEqual(orphans(target), []);
    }
  });

  it('a ..data that is a folder is refused, and nothing is left behind', async (t) => {
    const { target, publish } = await published(t);
    replace(join(target, '..data'), (path) => mkdirSync(path));
    await assert.rejects(publish(), {
      code: 'PublishFailed',
      message: /db holds a folder where a link belongs$/,
    });
    assert.deepEqual(readdirSync(target).sort(), ['..data', 'a', 'b']);
  });

  it('a target that is renamed away while it is open is not written elsewhere', async (t) => {
    const output = temporaryFolder(t);
    const elsewhere = temporaryFolder(t);
    const target = join(output, 'db');
    let armed = false;
    const onStep = (step: number) => {
      if (!armed || step !== 6) return;
      renameSync(target, join(output, 'moved'));
      symlinkSync(elsewhere, target);
    };
    const { sink } = sinkIn(output, { onStep });
    await sink.publish(externalSecret(), payload({ a: '1' }), signal);
    armed = true;
    await sink.publish(externalSecret(), payload({ a: '2' }), signal);
    assert.deepEqual(readdirSync(elsewhere), []);
    assert.equal(readFileSync(join(output, 'moved', 'a'), 'utf8'), '2');
  });
});

describe('any keys and values', () => {
  it('are delivered exactly, or nothing outside the target is touched', async (t) => {
    const output = join(temporaryFolder(t), 'out');
    const { sink } = sinkIn(output, { graceMs: 0 });
    const key = fc.oneof(
      fc.stringMatching(/^[-._a-zA-Z0-9]{1,12}$/),
      fc.string({ maxLength: 8 }),
      fc.constantFrom(
        '..data',
        '..',
        '.',
        '../x',
        'a/b',
        '..gen-20260101T000000Z-00000000',
        '...',
        '__proto__',
      ),
    );
    const value = fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes));
    const entries = fc.uniqueArray(fc.tuple(key, value), { maxLength: 6, selector: ([name]) => name });
    await fc.assert(
      fc.asyncProperty(entries, async (pairs) => {
        const data = new Map(pairs.map(([name, bytes]) => [name, bytes]));
        const set = {
          ...payload({}),
          data: new Map([...data].map(([name, bytes]) => [name, secretOf(bytes)])),
        };
        const allowed = [...data.keys()].every(isKey);
        const publication = sink.publish(externalSecret(), set, signal);
        if (allowed) {
          await publication;
          const names = readdirSync(join(output, 'db', '..data'));
          assert.deepEqual(names.sort(), [...data.keys()].sort());
          for (const [name, bytes] of data) assert.ok(readFileSync(join(output, 'db', name)).equals(bytes));
          assert.deepEqual(orphans(join(output, 'db')), []);
        } else await assert.rejects(publication, { code: 'ValidationRefused' });
        if (existsSync(output)) assert.deepEqual(readdirSync(output), ['db']);
        assert.deepEqual(readdirSync(join(output, '..')), existsSync(output) ? ['out'] : []);
      }),
      { seed: 4, numRuns: 300 },
    );
  });
});

function secretOf(bytes: Buffer) {
  return payload({ key: bytes }).data.get('key')!;
}

function overwrite(path: string, text: string): void {
  chmodSync(path, 0o600);
  writeFileSync(path, text);
  chmodSync(path, 0o444);
}

function replace(path: string, make: (path: string) => void): void {
  assert.ok(lstatSync(path));
  rmSync(path, { recursive: true });
  make(path);
}
