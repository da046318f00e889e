import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AgentError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import { decode } from '../../src/plan/decode.ts';
import type { DecodingStrategy } from '../../src/spec/spec.ts';
import { fault } from './samples.ts';

// Alphabets, padding and the offsets of faults are held to Go in golden.test.ts.

function decoded(value: string | Buffer, strategy: DecodingStrategy): Buffer {
  return decode(Secret.of(value), strategy).reveal();
}

describe('decode', () => {
  test('None leaves every byte alone', () => {
    assert.deepEqual(decoded(Buffer.from([0, 255, 10]), 'None'), Buffer.from([0, 255, 10]));
  });

  test('Base64 and Base64URL tell where the fault is and nothing of the value', () => {
    assert.throws(
      () => decoded('canary!', 'Base64'),
      fault('DecodeFailed', /illegal Base64 data at input byte 6/),
    );
    assert.throws(
      () => decoded('ab+/', 'Base64URL'),
      fault('DecodeFailed', /illegal Base64URL data at input byte 2/),
    );
  });

  test('Auto decodes what happens to be valid, as in ESO', () => {
    assert.deepEqual(decoded('1234', 'Auto'), Buffer.from('d76df8', 'hex'));
    assert.deepEqual(decoded('-_-_', 'Auto'), Buffer.from('fbffbf', 'hex'));
    assert.deepEqual(decoded('not base64', 'Auto'), Buffer.from('not base64'));
    assert.deepEqual(decoded(Buffer.from([0xff, 0]), 'Auto'), Buffer.from([0xff, 0]));
    assert.deepEqual(decoded('', 'Auto'), Buffer.alloc(0));
  });

  test('what was encoded comes back, with line breaks anywhere', () => {
    const forms = fc.constantFrom('Base64' as const, 'Base64URL' as const);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), forms, fc.nat(300), (bytes, strategy, at) => {
        const standard = Buffer.from(bytes).toString('base64');
        const encoded = strategy === 'Base64' ? standard : standard.replaceAll('+', '-').replaceAll('/', '_');
        const broken = `${encoded.slice(0, at)}\r\n${encoded.slice(at)}`;
        for (const text of [encoded, broken]) {
          assert.deepEqual(decoded(text, strategy), Buffer.from(bytes));
          assert.deepEqual(decoded(text, 'Auto'), Buffer.from(bytes));
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test('any bytes end with bytes or with our error, and Auto never fails', () => {
    const strategies = fc.constantFrom<DecodingStrategy>('None', 'Base64', 'Base64URL', 'Auto');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), strategies, (bytes, strategy) => {
        try {
          decoded(Buffer.from(bytes), strategy);
        } catch (thrown) {
          assert.ok(
            thrown instanceof AgentError && thrown.code === 'DecodeFailed' && strategy.startsWith('Base64'),
          );
        }
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});
