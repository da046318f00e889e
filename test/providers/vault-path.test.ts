import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { dataPath, encodePath, metadataPath, searchRoot } from '../../src/providers/vault-path.ts';

const mount = (path: string | undefined, version: 'v1' | 'v2') => ({ path, version });

suite('vault paths', () => {
  test('data', () => {
    const table: [string | undefined, 'v1' | 'v2', string, string][] = [
      // mount, version, key, path
      ['secret', 'v2', 'foo', 'secret/data/foo'],
      ['secret', 'v2', 'secret/foo', 'secret/data/foo'],
      ['secret', 'v2', 'secret/data/foo', 'secret/data/foo'],
      ['secret', 'v1', 'foo', 'secret/foo'],
      ['secret', 'v1', 'secret/foo', 'secret/foo'],
      ['secret', 'v1', 'secret/data/foo', 'secret/data/foo'],
      ['a/b', 'v2', 'foo', 'a/b/data/foo'],
      ['a/b', 'v2', 'a/b/foo', 'a/b/data/foo'],
      ['a/b', 'v2', 'a/b/data/foo', 'a/b/data/foo'],
      ['a/b', 'v2', 'a/foo', 'a/b/data/a/foo'],
      ['a/b', 'v1', 'a/b/foo', 'a/b/foo'],
      ['mykv_data', 'v2', 'foo', 'mykv_data/data/foo'],
      ['mykv_data', 'v2', 'mykv_data/data/foo', 'mykv_data/data/foo'],
      ['mykv_data', 'v1', 'foo/data', 'mykv_data/foo/data'],
      ['secret', 'v2', 'data', 'secret/data/data'],
      ['secret', 'v2', 'secret/data', 'secret/data/data'],
      ['secret', 'v2', 'data/foo', 'secret/data/data/foo'],
      ['secret', 'v2', 'secret', 'secret/data/secret'],
      ['secret', 'v2', 'secretive/foo', 'secret/data/secretive/foo'],
      ['secret', 'v2', '/secret//foo/', 'secret/data/foo'],
      [undefined, 'v2', 'secret/foo', 'secret/data/foo'],
      [undefined, 'v2', 'secret/path/foo', 'secret/data/path/foo'],
      [undefined, 'v2', 'secret/path/data/foo', 'secret/path/data/foo'],
      [undefined, 'v2', 'secret/data/foo', 'secret/data/foo'],
      [undefined, 'v2', 'secret/data', 'secret/data/data'],
      [undefined, 'v2', 'secret/mydata/foo', 'secret/data/mydata/foo'],
      [undefined, 'v2', 'data/foo', 'data/data/foo'],
      [undefined, 'v1', 'secret/path/foo', 'secret/path/foo'],
    ];
    for (const [path, version, key, expected] of table) {
      assert.equal(dataPath(mount(path, version), key), expected, `${path} ${version} ${key}`);
    }
  });

  test('metadata', () => {
    const table: [string | undefined, string, string][] = [
      ['secret', 'foo', 'secret/metadata/foo'],
      ['secret', 'secret/data/foo', 'secret/metadata/foo'],
      ['a/b', 'a/b/foo', 'a/b/metadata/foo'],
      ['secret', 'app/data/foo', 'secret/metadata/app/data/foo'],
      [undefined, 'my_data/data/path', 'my_data/metadata/path'],
      [undefined, 'a/b/data/path/data/x', 'a/b/metadata/path/data/x'],
      [undefined, 'secret/foo', 'secret/metadata/foo'],
    ];
    for (const [path, key, expected] of table) assert.equal(metadataPath(mount(path, 'v2'), key), expected);
  });

  test('search roots', () => {
    assert.deepEqual(searchRoot(mount('a/b', 'v2'), undefined), {
      listed: 'a/b/metadata/',
      data: 'a/b/data/',
      prefix: '',
    });
    assert.deepEqual(searchRoot(mount('kv', 'v1'), 'app/'), { listed: 'kv/', data: 'kv/', prefix: 'app/' });
    assert.deepEqual(searchRoot(mount(undefined, 'v2'), 'kv/data/app'), {
      listed: 'kv/metadata/',
      data: 'kv/data/',
      prefix: 'app/',
    });
    assert.deepEqual(searchRoot(mount(undefined, 'v1'), 'kv/app'), {
      listed: '',
      data: '',
      prefix: 'kv/app/',
    });
    for (const [version, path] of [
      ['v1', undefined],
      ['v2', undefined],
      ['v2', 'app'],
    ] as const) {
      assert.throws(() => searchRoot(mount(undefined, version), path), { code: 'SpecInvalid' });
    }
  });

  test('no key climbs out of the mount, and every path survives a URL', () => {
    for (const key of ['../sys/raw', 'a/../../sys', 'a/./b', '..']) {
      assert.throws(() => dataPath(mount('secret', 'v2'), key), { code: 'SpecInvalid' });
    }
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (key) => {
        const url = new URL(
          `http://vault/v1/${encodePath(
            key
              .toWellFormed()
              .split('/')
              .filter((part) => part !== '.' && part !== '..')
              .join('/'),
          )}`,
        );
        assert.equal(url.search + url.hash, '');
        assert.ok(url.pathname.startsWith('/v1/'));
        assert.doesNotMatch(url.pathname, /[<>"'`&]/);
      }),
      { seed: 1 },
    );
  });
});
