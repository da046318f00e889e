import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { externalSecret, orphans, payload, seen, signal, sinkIn, temporaryFolder } from '../sinks/sets.ts';

type Keys = Record<string, string>;

const publisher = join(import.meta.dirname, 'publisher.ts');
const before: Keys = { cert: 'old', key: 'old', gone: 'old' };
const after: Keys = { cert: 'new', key: 'new', added: 'new' };

/** A life that is killed before its `killAt`-th step; the number of that step, or undefined when it had none. */
function live(output: string, killAt: number, set: Keys): { step: number | undefined; steps: number[] } {
  const args = [publisher, output, `${killAt}`, JSON.stringify(set)];
  const { signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(stderr, '');
  const steps = stdout.trim().split('\n').map(Number);
  return { step: signal === 'SIGKILL' ? steps.at(-1) : undefined, steps };
}

/** What a reader that resolves `..data` once finds there; undefined when there is no `..data`. */
function resolved(target: string): Keys | undefined {
  if (!existsSync(join(target, '..data'))) return undefined;
  const generation = join(target, readlinkSync(join(target, '..data')));
  return Object.fromEntries(
    readdirSync(generation)
      .sort()
      .map((name) => [name, readFileSync(join(generation, name), 'utf8')]),
  );
}

function sorted(keys: Keys): Keys {
  return Object.fromEntries(Object.entries(keys).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A copy of the volume as the killed life left it, so that one kill can be followed by several next lives. */
function copied(t: { after(fn: () => void): void }, output: string): string {
  const copy = temporaryFolder(t);
  cpSync(output, copy, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  return copy;
}

interface Scenario {
  readonly held: Keys | undefined;
  readonly set: Keys;
  /** Steps of an undisturbed life, in order. */
  readonly steps: readonly number[];
}

const rotation = [1, 2, 3, 5, 6, 7, 7, 7, 8, 9, 10, 11, 12];
const scenarios: Record<string, Scenario> = {
  'the first publication': { held: undefined, set: after, steps: rotation },
  'a rotation': { held: before, set: after, steps: rotation },
  'a publication of the same set': { held: after, set: after, steps: [1, 2, 3, 4, 11, 12] },
};

describe('SIGKILL before every step', () => {
  for (const [name, { held, set, steps }] of Object.entries(scenarios)) {
    it(`of ${name}: old or new, whole, and the next life clears up`, async (t) => {
      const allowed = [held, set].map((keys) => keys && sorted(keys));
      for (let killAt = 1; killAt <= steps.length + 1; killAt++) {
        const output = temporaryFolder(t);
        const target = join(output, 'db');
        if (held !== undefined) await sinkIn(output).sink.publish(externalSecret(), payload(held), signal);
        const killed = live(output, killAt, set);
        assert.deepEqual(killed.steps, steps.slice(0, killAt));
        assert.equal(killed.step, steps[killAt - 1]);
        const place = `killed before step ${killed.step} (${killAt})`;

        const left = resolved(target);
        assert.ok(
          allowed.some((keys) => JSON.stringify(keys) === JSON.stringify(left)),
          place,
        );

        // The store is out: the next life has no payload, only what is there.
        const outage = copied(t, output);
        const adopted = await sinkIn(outage).sink.adopt(externalSecret(), signal);
        assert.deepEqual(adopted?.keys, left && Object.keys(left), place);
        if (left !== undefined) {
          assert.deepEqual(seen(join(outage, 'db')), left, place);
          assert.deepEqual(orphans(join(outage, 'db')), [], place);
        }

        // The store answers with the same set again.
        const { sink, clock } = sinkIn(output);
        await sink.publish(externalSecret(), payload(set), signal);
        assert.deepEqual(resolved(target), sorted(set), place);
        assert.deepEqual(seen(target), sorted(set), place);
        await clock.advance(60_000);
        assert.deepEqual(orphans(target), [], place);

        // The spec is gone: nothing of it stays, whatever the kill left.
        const swept = copied(t, output);
        await sinkIn(swept).sink.sweep(new Set());
        assert.deepEqual(readdirSync(swept), [], place);
      }
    });
  }
});
