import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AgentError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import { convertKey, convertKeys, keyFault, validKeys } from '../../src/plan/convert.ts';
import { fault, plain, secrets } from './samples.ts';

describe('conversion', () => {
  test('each rune that may not stay becomes one replacement', () => {
    assert.equal(convertKey('a/b c😀é', 'Default'), 'a_b_c_é');
    assert.equal(convertKey('a/b c😀é', 'Unicode'), 'a_U002f_b_U0020_c_U1f600_é');
  });

  test('two keys that become one are refused, unless the strategy keeps them apart', () => {
    const entries = secrets({ 'a/b': 'canary', 'a:b': 'canary' });
    assert.throws(
      () => convertKeys(entries, 'Default'),
      fault('DecodeFailed', /two remote keys become the secret key "a_b"/),
    );
    assert.deepEqual([...convertKeys(entries, 'Unicode').keys()], ['a_U002f_b', 'a_U003a_b']);
  });
});

describe('keys', () => {
  test('that a Secret may have are kept', () => {
    const good = ['a', '.a', 'a.b', '-', '_', 'A-b_c.d', 'a..b', '0', 'x'.repeat(253)];
    for (const key of good) assert.equal(keyFault(key), undefined, key);
  });

  test('that would not be files of the target are refused', () => {
    const bad = [
      '.',
      '..',
      '...',
      '..data',
      'a/b',
      '/',
      '../x',
      'é',
      '日',
      'a b',
      'a\0',
      'a\n',
      '\\',
      'x'.repeat(254),
      '~',
      'a:b',
    ];
    for (const key of bad) {
      assert.throws(
        () => validKeys(secrets({ [key]: 'canary' })),
        fault('DecodeFailed', /cannot be a secret key/),
        key,
      );
    }
  });

  test('an empty one is dropped, as in ESO', () => {
    assert.deepEqual(plain(validKeys(secrets({ '': '1', a: '2' }))), { a: '2' });
  });

  test('a long one is told in part', () => {
    assert.throws(
      () => validKeys(secrets({ ['x'.repeat(100_000)]: 'v' })),
      (thrown) => thrown instanceof AgentError && thrown.message.length < 300,
    );
  });

  test('converted ones are valid or refused, whatever they were', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.constantFrom('Default' as const, 'Unicode' as const),
        (key, strategy) => {
          try {
            for (const name of validKeys(convertKeys(new Map([[key, Secret.of('v')]]), strategy)).keys()) {
              assert.match(name, /^(?!\.\.)(?!\.$)[-._a-zA-Z0-9]{1,253}$/);
            }
          } catch (thrown) {
            assert.ok(thrown instanceof AgentError && thrown.code === 'DecodeFailed', String(thrown));
          }
        },
      ),
      { seed: 1, numRuns: 3000 },
    );
  });
});
