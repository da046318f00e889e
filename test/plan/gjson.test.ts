import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AgentError } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { gjson } from '../../src/plan/gjson.ts';
import { Chance } from '../golden/plan/make/chance.ts';
import { documentText } from '../golden/plan/make/documents.ts';
import { pathText } from '../golden/plan/make/paths.ts';

// What paths mean is held to Go in golden.test.ts; here is what Go does not bound.

function nested(open: string, close: string, depth: number): Buffer {
  return Buffer.from(`${open.repeat(depth)}1${close.repeat(depth)}`);
}

function fails(code: string, about: RegExp): (thrown: unknown) => boolean {
  return (thrown) => {
    assert.ok(thrown instanceof AgentError, String(thrown));
    assert.equal(thrown.code, code);
    assert.match(thrown.message, about);
    assert.ok(thrown.remedy);
    return true;
  };
}

describe('gjson', () => {
  test('values are bytes: what is no UTF-8 comes out as it went in', () => {
    const every = Buffer.from(
      Array.from({ length: 256 }, (_, byte) => byte).filter(
        (byte) => byte >= 0x20 && byte !== 0x22 && byte !== 0x5c,
      ),
    );
    const document = Buffer.concat([Buffer.from('{"a":"'), every, Buffer.from('"}')]);
    assert.deepEqual(gjson(document, 'a'), every);
  });

  test('integers keep every digit', () => {
    assert.equal(gjson(Buffer.from('{"a":123456789012345678901}'), 'a')?.toString(), '123456789012345678901');
  });

  test('a path has a longest length', () => {
    const path = 'a'.repeat(limits.pathLength);
    assert.equal(gjson(Buffer.from('{}'), path), undefined);
    assert.throws(() => gjson(Buffer.from('{}'), `${path}a`), fails('SpecInvalid', /more than 4096 bytes/));
  });

  test('a path that doubles the document again and again is stopped', () => {
    const path = Array.from({ length: 40 }, () => '[@this,@this]').join('|');
    assert.throws(() => gjson(Buffer.from('[1]'), path), fails('DecodeFailed', /takes too much work/));
  });

  test('a wildcard that tries everything is stopped', () => {
    const document = Buffer.from(`["${'a'.repeat(100_000)}"]`);
    assert.throws(
      () => gjson(document, `#(%"${'*a'.repeat(30)}*b?*")`),
      fails('DecodeFailed', /takes too much work/),
    );
  });

  test('nesting of paths and of what they walk is bounded', () => {
    const attempts: readonly (readonly [document: Buffer, path: string])[] = [
      [Buffer.from('[1]'), `${'['.repeat(2000)}0${']'.repeat(2000)}`],
      [nested('{"a":', '}', 9000), `${'a.'.repeat(2000)}a`],
      [nested('[', ']', 9000), `${'0.'.repeat(2000)}0`],
      [nested('[', ']', 9000), `${'#.'.repeat(2000)}#`],
      [nested('[', ']', 9000), '#('.repeat(900) + ')'.repeat(900)],
      [nested('[', ']', 9000), '@dig:a'],
      [nested('{"a":', '}', 9000), '@pretty'],
      [nested('[', ']', 9000), '@flatten:{"deep":true}'],
      [Buffer.from('{}'), `${'@this|'.repeat(600)}@this`],
    ];
    for (const [document, path] of attempts) {
      assert.throws(() => gjson(document, path), fails('DecodeFailed', /nests too deep/), path.slice(0, 20));
    }
    assert.equal(gjson(nested('[', ']', 9000), `${'0|'.repeat(100)}#`)?.toString(), '1');
  });

  test('the message of a bound tells nothing of the value', () => {
    const document = Buffer.from(`{"a":"canary"}`);
    const path = Array.from({ length: 40 }, () => '[@this,@this]').join('|');
    assert.throws(
      () => gjson(document, path),
      (thrown) => thrown instanceof AgentError && !`${thrown.message}${thrown.remedy}`.includes('canary'),
    );
  });

  test('any path over any bytes ends, with a value, with nothing or with our error', () => {
    const either = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.nat().map((seed) => Buffer.from(documentText(new Chance(seed)))),
    );
    const paths = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.nat().map((seed) => pathText(new Chance(seed))),
    );
    fc.assert(
      fc.property(either, paths, (document, path) => {
        try {
          const value = gjson(document, path);
          assert.ok(value === undefined || Buffer.isBuffer(value));
        } catch (thrown) {
          assert.ok(thrown instanceof AgentError, String(thrown));
        }
      }),
      { seed: 1, numRuns: 5000 },
    );
  });
});
