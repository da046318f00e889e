import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AgentError } from '../../src/base/errors.ts';
import {
  compareBytes,
  goMarshal,
  parseJson,
  parseJsonWithFloats,
  parseMembers,
  plainDecimal,
} from '../../src/base/json.ts';
import { limits } from '../../src/base/limits.ts';

// Grammar, escapes, order of keys and number formats are held to Go in test/plan/golden.test.ts.

const plain = { escapeHtml: false };

function refused(text: string | Buffer, about: RegExp): void {
  assert.throws(
    () => parseJson(text),
    (thrown) => {
      assert.ok(thrown instanceof AgentError, String(thrown));
      assert.equal(thrown.code, 'DecodeFailed');
      assert.match(thrown.message, about);
      assert.doesNotMatch(thrown.message, /canary/);
      return true;
    },
  );
}

describe('parseJson', () => {
  test('keeps the literals of numbers', () => {
    const text = '[1,1.0,1e3,-0,12345678901234567890123,1E+400]';
    assert.equal(goMarshal(parseJson(text), plain), text);
  });

  test('tells where a fault is and nothing of the text', () => {
    refused('{"a":canary}', /byte 6 is wrong/);
    refused('{"a":"canary', /ends too early, after byte 12/);
    refused('canary', /byte 1 is wrong/);
    refused('', /ends too early/);
  });

  test('nests as deep as Go allows and no deeper, whatever the stack', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    assert.equal(goMarshal(parseJson(nested(limits.jsonDepth)), plain), nested(limits.jsonDepth));
    refused(nested(limits.jsonDepth + 1), /nested deeper than 10000/);
    refused('['.repeat(5_000_000), /nested deeper/);
    refused('{"a":'.repeat(100_000), /nested deeper/);
  });

  test('a key named __proto__ is one like any other', () => {
    assert.equal(goMarshal(parseJson('{"__proto__":{"a":1},"b":2}'), plain), '{"__proto__":{"a":1},"b":2}');
  });

  test('reads what JSON.stringify wrote, and writes it the same way', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const once = goMarshal(parseJson(text), plain);
        assert.equal(goMarshal(parseJson(once), plain), once);
        // JSON has no negative zero of its own once JavaScript has written it.
        assert.deepEqual(JSON.parse(once), JSON.parse(text));
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  test('any bytes end with a value or our error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        try {
          parseJson(Buffer.from(bytes));
        } catch (thrown) {
          assert.ok(thrown instanceof AgentError && thrown.code === 'DecodeFailed', String(thrown));
        }
      }),
      { seed: 1, numRuns: 3000 },
    );
  });
});

test('a number that is no float64 is refused where floats are read', () => {
  assert.throws(() => parseJsonWithFloats('{"a":1e400}'), AgentError);
  assert.equal(
    goMarshal(parseJsonWithFloats('[9007199254740993,1e21,1e-7]'), plain),
    '[9007199254740992,1e+21,1e-7]',
  );
});

test('members have their bytes as they stand; of equal keys the last', () => {
  const members = parseMembers(Buffer.from(' { "a" : [ 1 ,2 ] , "b":"\\u0041", "a" : { "x":1.50 } } '))!;
  assert.deepEqual(
    [...members].map(([key, { raw }]) => [key, raw.toString()]),
    [
      ['a', '{ "x":1.50 }'],
      ['b', '"\\u0041"'],
    ],
  );
  assert.equal(parseMembers(Buffer.from('null')), null);
  assert.equal(parseMembers(Buffer.from('[1]')), undefined);
});

test('strings compare as their UTF-8 does', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      assert.equal(Math.sign(compareBytes(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { seed: 1 },
  );
});

test('a plain decimal reads back as the same float and has no exponent', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.match(plainDecimal(value), /^-?[0-9]+(\.[0-9]+)?$/);
      assert.ok(Object.is(Number(plainDecimal(value)), value));
    }),
    { seed: 1 },
  );
});
