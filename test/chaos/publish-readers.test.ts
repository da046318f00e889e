import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '../peers/process.ts';
import { externalSecret, orphans, payload, signal, sinkIn, temporaryFolder } from '../sinks/sets.ts';

const rotations = 200;
const keyCount = 20;

describe('a reader of 20 keys', () => {
  it('never meets a mixed set in 200 rotations', async (t) => {
    const output = temporaryFolder(t);
    const { sink, clock } = sinkIn(output);
    const publish = (value: number) => {
      // A value of some length, so that writing takes a moment in which it could be met half done.
      const text = `${value} `.repeat(2_000);
      const set = Object.fromEntries(Array.from({ length: keyCount }, (_, i) => [`key${i}`, text]));
      return sink.publish(externalSecret(), payload(set), signal);
    };
    await publish(0);
    const reader = fork(join(import.meta.dirname, 'reader.ts'), [join(output, 'db'), `${keyCount}`], {
      execArgv: [],
    });
    t.after(() => reader.kill());
    const met = new Set<number>();
    const mixed: unknown[] = [];
    reader.on('message', (message: { value?: string; mixed?: unknown }) => {
      if (message.value === undefined) mixed.push(message.mixed);
      else met.add(Number.parseInt(message.value, 10));
    });
    for (let value = 1; value <= rotations; value++) {
      assert.equal((await publish(value)).changedKeys.length, keyCount);
      // Every tenth rotation is waited for, so that the reader is known to be reading all along.
      if (value % 10 === 0) await until(() => met.has(value));
    }
    assert.deepEqual(mixed, []);
    assert.ok(met.size >= rotations / 10, `met ${met.size} sets`);
    await clock.advance(60_000);
    assert.deepEqual(orphans(join(output, 'db')), []);
  });
});
