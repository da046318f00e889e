import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { limits } from '../../src/base/limits.ts';
import { loadSpecs } from '../../src/spec/load.ts';
import { lines } from './samples.ts';
import { type TempFolder, tempFolder } from './volume.ts';

/** A thread in which the kubelet's part is played, since loading lets nobody else run in ours. */
function swapElsewhere(path: string): Worker {
  const script = `
    import { Volume } from ${JSON.stringify(new URL('./volume.ts', import.meta.url).href)};
    const filesOf = (round) => ({ 'a.yaml': String(round), 'b.yaml': String(round), other: 'x' });
    const volume = new Volume(${JSON.stringify(path)}, filesOf(1));
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let round = 2; ; round++) {
      volume.swap(filesOf(round));
      Atomics.wait(pause, 0, 0, 1);
    }`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`));
}

let temp: TempFolder;
describe('loading spec files', () => {
  beforeEach(() => {
    temp = tempFolder();
  });
  afterEach(() => temp.remove());

  const inTemp = (...parts: string[]) => join(temp.path, ...parts);

  test('a folder gives its YAML and JSON files, sorted, and nothing below it', async () => {
    for (const name of ['b.yml', 'a.yaml', 'c.json', 'd.txt', '.e.yaml', 'f.yaml~'])
      writeFileSync(inTemp(name), name);
    mkdirSync(inTemp('sub.yaml'));
    writeFileSync(inTemp('sub.yaml', 'g.yaml'), 'g');
    assert.deepEqual(await loadSpecs([temp.path]), {
      files: ['a.yaml', 'b.yml', 'c.json'].map((name) => ({ path: inTemp(name), text: name })),
      problems: [],
      complete: true,
    });
  });

  test('a file is read whatever its name, and once', async () => {
    writeFileSync(inTemp('specs'), 'a');
    const { files } = await loadSpecs([inTemp('specs'), inTemp('specs')]);
    assert.deepEqual(files, [{ path: inTemp('specs'), text: 'a' }]);
  });

  test("a ConfigMap's volume is read at one moment, under the names that the user sees", async () => {
    const path = inTemp('map');
    const swapping = swapElsewhere(path);
    const seen = new Set<string>();
    try {
      while (seen.size < 30) {
        await delay(1);
        const { files, problems } = await loadSpecs([path]);
        // It is not there yet, or three moments passed while it was read: that is told, and nothing counts as removed.
        if (problems.length > 0) continue;
        const paths = files.map((file) => file.path);
        assert.deepEqual(paths, [join(path, 'a.yaml'), join(path, 'b.yaml')]);
        assert.equal(files[0]?.text, files[1]?.text);
        seen.add(files[0]?.text ?? '');
      }
    } finally {
      await swapping.terminate();
    }
  });

  test('an empty folder is a problem, and nothing is unseen', async () => {
    const { problems, complete } = await loadSpecs([temp.path]);
    assert.equal(complete, true);
    assert.deepEqual(lines(problems), [
      `${temp.path}: SpecInvalid: the folder holds no spec file (put a .yaml, .yml or .json file there, or mount a ConfigMap)`,
    ]);
  });

  const remedy = '(say with --specs where the specs are, and check the mode of what is mounted there)';

  test('a folder that is not there removes nothing', async () => {
    const { problems, complete } = await loadSpecs([inTemp('gone')]);
    assert.equal(complete, false);
    assert.deepEqual(lines(problems), [
      `${inTemp('gone')}: SpecInvalid: cannot be read: it is not there ${remedy}`,
    ]);
  });

  test('a folder under a file removes nothing', async () => {
    writeFileSync(inTemp('file'), 'a');
    const { problems, complete } = await loadSpecs([inTemp('file', 'specs')]);
    assert.equal(complete, false);
    assert.deepEqual(lines(problems), [
      `${inTemp('file', 'specs')}: SpecInvalid: cannot be read: a part of the path is not a folder ${remedy}`,
    ]);
  });

  test('links in a circle and links to nothing are problems of their file', async () => {
    symlinkSync('a.yaml', inTemp('a.yaml'));
    symlinkSync('nowhere', inTemp('b.yaml'));
    writeFileSync(inTemp('c.yaml'), 'c');
    const { files, problems, complete } = await loadSpecs([temp.path]);
    assert.equal(complete, false);
    assert.equal(files.length, 1);
    assert.deepEqual(lines(problems), [
      `${inTemp('a.yaml')}: SpecInvalid: cannot be read: its links go in a circle ${remedy}`,
      `${inTemp('b.yaml')}: SpecInvalid: cannot be read: it is not there ${remedy}`,
    ]);
  });

  test('an empty file is a problem, and the others are read', async () => {
    writeFileSync(inTemp('a.yaml'), '');
    writeFileSync(inTemp('b.yaml'), 'b');
    const { files, problems, complete } = await loadSpecs([temp.path]);
    assert.deepEqual([files.length, complete], [1, false]);
    assert.deepEqual(lines(problems), [
      `${inTemp('a.yaml')}: SpecInvalid: the file is empty (write a document into it, or remove it)`,
    ]);
  });

  test('a file of 5 MB is refused unread, and the others are read', async () => {
    writeFileSync(inTemp('a.yaml'), '');
    truncateSync(inTemp('a.yaml'), 5_000_000);
    writeFileSync(inTemp('b.yaml'), 'b'.repeat(limits.specFileBytes));
    const { files, problems } = await loadSpecs([temp.path]);
    assert.equal(files.length, 1);
    assert.deepEqual(lines(problems), [
      `${inTemp('a.yaml')}: SpecInvalid: the file is larger than 1 MiB (split it, or keep only the specs of this pod in it)`,
    ]);
  });

  test('all files together are bounded', async () => {
    for (let i = 10; i < 28; i++) writeFileSync(inTemp(`${i}.yaml`), 'x'.repeat(limits.specFileBytes));
    const { files, problems } = await loadSpecs([temp.path]);
    assert.equal(files.length, 16);
    assert.match(
      lines(problems).join('\n'),
      /26\.yaml: SpecInvalid: all spec files together are larger than 16 MiB/,
    );
  });

  test('bytes that are no UTF-8 are no text', async () => {
    writeFileSync(inTemp('a.yaml'), Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe]));
    const { problems } = await loadSpecs([temp.path]);
    assert.deepEqual(lines(problems), [
      `${inTemp('a.yaml')}: SpecInvalid: the file is not text (keep only YAML or JSON files in UTF-8 among the specs)`,
    ]);
  });

  test('a pipe under a spec name hangs nothing', async () => {
    execFileSync('mkfifo', [inTemp('a.yaml')]);
    writeFileSync(inTemp('b.yaml'), 'b');
    const { files, problems } = await loadSpecs([temp.path]);
    assert.deepEqual([files.length, problems.length], [1, 0]);
  });

  test('a file that was renamed over is read as it is now', async () => {
    writeFileSync(inTemp('a.yaml'), 'old');
    writeFileSync(inTemp('.new'), 'new');
    renameSync(inTemp('.new'), inTemp('a.yaml'));
    assert.equal((await loadSpecs([temp.path])).files[0]?.text, 'new');
  });

  const cannotDropUid = process.getuid?.() === 0 ? false : 'needs root, to become another user';

  test('a folder and a file that may not be read remove nothing', { skip: cannotDropUid }, async () => {
    chmodSync(temp.path, 0o755);
    mkdirSync(inTemp('closed'), { mode: 0o700 });
    writeFileSync(inTemp('a.yaml'), 'a', { mode: 0o600 });
    writeFileSync(inTemp('b.yaml'), 'b');
    const script = `
    import { loadSpecs } from ${JSON.stringify(new URL('../../src/spec/load.ts', import.meta.url).href)};
    process.setgid(65532);
    process.setuid(65532);
    const { files, problems, complete } = await loadSpecs(${JSON.stringify([temp.path, inTemp('closed')])});
    console.log(JSON.stringify({ files: files.length, complete, messages: problems.map((p) => p.at.file + ': ' + p.message) }));
  `;
    const cwd = dirname(fileURLToPath(import.meta.url));
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd,
      encoding: 'utf8',
    });
    assert.deepEqual(JSON.parse(out), {
      files: 1,
      complete: false,
      messages: [
        `${inTemp('a.yaml')}: cannot be read: the agent may not read it`,
        `${inTemp('closed')}: cannot be read: the agent may not read it`,
      ],
    });
  });

  test('an abort ends the loading', async () => {
    writeFileSync(inTemp('a.yaml'), 'a');
    await assert.rejects(loadSpecs([temp.path], AbortSignal.abort(new Error('enough'))), /enough/);
  });
});
