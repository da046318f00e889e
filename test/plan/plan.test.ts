import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan, readOfDataFrom, readsOf } from '../../src/plan/plan.ts';
import { data, externalSecret, extract, find } from './samples.ts';

test('thirty entries over three keys are three reads', () => {
  const entries = Array.from({ length: 30 }, (_, index) =>
    data(`k${index}`, `key${index % 3}`, {
      property: `p${index}`,
      decodingStrategy: index % 2 ? 'Auto' : 'None',
    }),
  );
  const reads = plan([externalSecret({ data: entries })]);
  assert.deepEqual(
    [...reads.values()].map((read) => read.kind === 'get' && read.get.key),
    ['key0', 'key1', 'key2'],
  );
});

test('ExternalSecrets share what they both read, extract and data too', () => {
  const one = externalSecret({ data: [data('a', 'x', { property: 'p' })] });
  const two = externalSecret({
    dataFrom: [extract('x')],
    data: [data('b', 'x', { nullBytePolicy: 'Fail' })],
  });
  assert.equal(plan([one, two]).size, 1);
});

test('key, version, metadata and store tell reads apart', () => {
  const entries = [
    data('a', 'x'),
    data('b', 'y'),
    data('c', 'x', { version: '1' }),
    data('d', 'x', { metadataPolicy: 'Fetch' }),
    { ...data('e', 'x'), storeId: 'SecretStore/other' },
  ];
  assert.equal(plan([externalSecret({ data: entries })]).size, 5);
});

test('dataFrom comes before data', () => {
  const reads = readsOf(externalSecret({ data: [data('a', 'x')], dataFrom: [extract('y'), find()] }));
  assert.deepEqual(
    reads.map((read) => (read.kind === 'get' ? read.get.key : 'find')),
    ['y', 'find', 'x'],
  );
});

test('a find is known by path, name and tags, in whatever order the tags stand', () => {
  const id = (rest: Parameters<typeof find>[0]) => readOfDataFrom(find(rest)).id;
  const tags = (...pairs: [string, string][]) => ({ tags: new Map(pairs) });
  assert.equal(id(tags(['a', '1'], ['b', '2'])), id(tags(['b', '2'], ['a', '1'])));
  assert.notEqual(id(tags(['a', '1'])), id(tags(['a', '2'])));
  assert.notEqual(id({ path: '' }), id({ path: undefined }));
  assert.equal(id({ decodingStrategy: 'Auto' }), id({}));
});
