import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import { type SpecWatch, type WatchOptions, watchSpecs } from '../../src/spec/watch.ts';
import { until } from '../peers/process.ts';
import { type TempFolder, tempFolder, Volume } from './volume.ts';

let temp: TempFolder;
let watching: SpecWatch | undefined;
let changes = 0;

describe('watching spec folders', () => {
  beforeEach(() => {
    temp = tempFolder();
    changes = 0;
  });

  afterEach(async () => {
    await watching?.close();
    watching = undefined;
    temp.remove();
  });

  const inTemp = (...parts: string[]) => join(temp.path, ...parts);
  const quietMs = 100;

  async function watch(path: string, options: Partial<WatchOptions> = {}): Promise<void> {
    const onError = (error: Error) => assert.fail(error);
    watching = await watchSpecs([path], {
      clock: systemClock,
      quietMs,
      onChange: () => {
        changes += 1;
      },
      onError,
      ...options,
    });
  }

  /** Told once, and not again after twice the quiet time. */
  async function toldOnce(): Promise<void> {
    await until(() => changes > 0, 10_000);
    await delay(quietMs * 3);
    assert.equal(changes, 1);
    changes = 0;
  }

  /** Told, once or, as a busy machine spreads events, more often; and then no more. */
  async function told(): Promise<void> {
    await until(() => changes > 0, 10_000);
    for (let seen = 0; seen !== changes; ) {
      seen = changes;
      await delay(quietMs * 4);
    }
    changes = 0;
  }

  test("a swap of a ConfigMap's volume is one change, every time", async () => {
    const volume = new Volume(inTemp('specs'), { 'a.yaml': '1' });
    await watch(volume.path);
    for (let round = 2; round < 6; round++) {
      volume.swap({ 'a.yaml': `${round}` });
      await toldOnce();
    }
  });

  test('a swap in a volume below the folder is one change', async () => {
    const volume = new Volume(inTemp('specs', 'map'), { 'a.yaml': '1' });
    await watch(inTemp('specs'));
    volume.swap({ 'a.yaml': '2' });
    await toldOnce();
    volume.swap({ 'a.yaml': '3', 'b.yaml': '1' });
    await toldOnce();
  });

  test('an editor that writes beside and renames is one change, every time', async () => {
    writeFileSync(inTemp('a.yaml'), '1');
    await watch(temp.path);
    for (let round = 2; round < 5; round++) {
      // As vim does with backupcopy=no: a swap file, the old one aside, the new one written.
      writeFileSync(inTemp('.a.yaml.swp'), 'x');
      renameSync(inTemp('a.yaml'), inTemp('a.yaml~'));
      writeFileSync(inTemp('a.yaml'), `${round}`);
      unlinkSync(inTemp('a.yaml~'));
      unlinkSync(inTemp('.a.yaml.swp'));
      await toldOnce();
      // As others do: a temporary file renamed over it.
      writeFileSync(inTemp('.a.yaml.tmp'), `${round}`);
      renameSync(inTemp('.a.yaml.tmp'), inTemp('a.yaml'));
      await toldOnce();
    }
  });

  test('a save in place is one change, also in several writes', async () => {
    writeFileSync(inTemp('a.yaml'), '1');
    await watch(temp.path);
    for (let round = 0; round < 3; round++) {
      writeFileSync(inTemp('a.yaml'), `new ${round}`);
      for (let part = 0; part < 5; part++) {
        await delay(quietMs / 5);
        appendFileSync(inTemp('a.yaml'), `${part}`);
      }
      await toldOnce();
    }
  });

  test('files that come and go are changes', async () => {
    await watch(temp.path);
    writeFileSync(inTemp('a.yaml'), '1');
    await toldOnce();
    unlinkSync(inTemp('a.yaml'));
    await toldOnce();
  });

  test('what is no spec is no change', async () => {
    writeFileSync(inTemp('a.yaml'), '1');
    await watch(temp.path);
    writeFileSync(inTemp('notes.txt'), '1');
    writeFileSync(inTemp('.a.yaml.swp'), '1');
    await delay(quietMs * 4);
    assert.equal(changes, 0);
  });

  test('one file is watched through saves and swaps', async () => {
    writeFileSync(inTemp('a.yaml'), '1');
    writeFileSync(inTemp('b.yaml'), '1');
    await watch(inTemp('a.yaml'));
    writeFileSync(inTemp('b.yaml'), '2');
    await delay(quietMs * 4);
    assert.equal(changes, 0);
    writeFileSync(inTemp('.tmp'), '2');
    renameSync(inTemp('.tmp'), inTemp('a.yaml'));
    await toldOnce();
  });

  test("one file of a ConfigMap's volume is seen to change", async () => {
    const volume = new Volume(inTemp('specs'), { 'a.yaml': '1' });
    await watch(join(volume.path, 'a.yaml'));
    volume.swap({ 'a.yaml': '2' });
    await toldOnce();
  });

  test('a folder that appears later is watched from then on', async () => {
    await watch(inTemp('later', 'specs'));
    mkdirSync(inTemp('later', 'specs'), { recursive: true });
    writeFileSync(inTemp('later', 'specs', 'a.yaml'), '1');
    await until(() => changes > 0);
    await delay(quietMs * 4);
    changes = 0;
    writeFileSync(inTemp('later', 'specs', 'a.yaml'), '2');
    await toldOnce();
  });

  test('a folder that goes and comes back is watched again', async () => {
    mkdirSync(inTemp('specs'));
    writeFileSync(inTemp('specs', 'a.yaml'), '1');
    await watch(inTemp('specs'));
    rmSync(inTemp('specs'), { recursive: true });
    await told();
    mkdirSync(inTemp('specs'));
    writeFileSync(inTemp('specs', 'a.yaml'), '2');
    await told();
    writeFileSync(inTemp('specs', 'a.yaml'), '3');
    await told();
  });

  test('a folder behind a link is watched', async () => {
    mkdirSync(inTemp('real'));
    symlinkSync('real', inTemp('link'));
    await watch(inTemp('link'));
    writeFileSync(inTemp('real', 'a.yaml'), '1');
    await toldOnce();
  });

  test('a change that never rests is told all the same', async () => {
    await watch(temp.path, { quietMs: 500, longestMs: 600 });
    const end = performance.now() + 1_500;
    while (performance.now() < end && changes === 0) {
      writeFileSync(inTemp('a.yaml'), `${performance.now()}`);
      await delay(50);
    }
    assert.equal(changes, 1);
  });

  test('by polling, a swap and a save are seen too', async () => {
    const volume = new Volume(inTemp('specs'), { 'a.yaml': '1' });
    await watch(volume.path, { backend: 'polling' });
    volume.swap({ 'a.yaml': '2' });
    await until(() => changes > 0, 10_000);
  });

  test('after close nothing is told', async () => {
    writeFileSync(inTemp('a.yaml'), '1');
    await watch(temp.path);
    writeFileSync(inTemp('a.yaml'), '2');
    await watching?.close();
    writeFileSync(inTemp('a.yaml'), '3');
    await delay(quietMs * 4);
    assert.equal(changes, 0);
  });
});
