import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AgentError } from '../../src/base/errors.ts';
import type { Fetched, GetRead } from '../../src/plan/fetched.ts';
import { catalog } from '../../src/providers/catalog.ts';
import type { Client, StoreContext } from '../../src/providers/provider.ts';
import type { Find, SpecNode, Store } from '../../src/spec/spec.ts';

const signal = new AbortController().signal;

function node(value: unknown): SpecNode {
  return { value, at: (field) => ({ file: 'store.yaml', field: `spec.provider.fake.${field}` }) };
}

async function open(value: unknown): Promise<Client> {
  const fake = catalog['fake'];
  assert(fake);
  const store = { id: 'SecretStore/demo', config: fake.parse(node(value)) } as Store;
  return await fake.open(store, {} as StoreContext);
}

function read(key: string, version = ''): GetRead {
  return { key, version, metadataPolicy: 'None' };
}

function find(nameRegexp: string | undefined): Find {
  return {
    path: undefined,
    nameRegexp,
    tags: undefined,
    conversionStrategy: 'Default',
    decodingStrategy: 'None',
    nullBytePolicy: 'Ignore',
  };
}

function textOf(fetched: Fetched): string {
  assert.equal(fetched.kind, 'text');
  return (fetched as Extract<Fetched, { kind: 'text' }>).value.text();
}

const data = [
  { key: '/db', value: 'first' },
  { key: '/db', value: 'v1', version: 'v1' },
  { key: '/db', value: 'v2', version: 'v2' },
  { key: '/db', value: 'last' },
  { key: '/web', value: '{"a":1}' },
];

describe('fake store', () => {
  it('gives exactly the key and the version asked for, the last of equals', async () => {
    const client = await open({ data });
    assert.equal(textOf(await client.get(read('/db'), signal)), 'last');
    assert.equal(textOf(await client.get(read('/db', 'v1'), signal)), 'v1');
    assert.deepEqual(await client.get(read('/db', 'v9'), signal), {
      kind: 'absent',
      reason: 'the fake store has no /db at version v9',
    });
    assert.deepEqual(await client.get(read('/d'), signal), {
      kind: 'absent',
      reason: 'the fake store has no /d without a version',
    });
  });

  it('does not mix up key and version where they join to the same text', async () => {
    const client = await open({ data: [{ key: 'a', version: 'b1', value: 'x' }] });
    assert.equal((await client.get(read('ab', '1'), signal)).kind, 'absent');
  });

  it('finds by name, the highest version of each', async () => {
    const client = await open({ data });
    const found = await client.find?.(find('^/(db|web)$'), signal);
    assert(found?.kind === 'map');
    assert.deepEqual(
      [...found.entries].map(([key, value]) => [key, value.text()]),
      [
        ['/db', 'v2'],
        ['/web', '{"a":1}'],
      ],
    );
  });

  it('refuses to find without a name, and a name that is no regular expression', async () => {
    const client = await open({ data });
    await assert.rejects(async () => await client.find?.(find(undefined), signal), {
      code: 'SpecInvalid',
      message: 'the fake store finds by name only',
    });
    await assert.rejects(async () => await client.find?.(find('(?=x)'), signal), {
      code: 'SpecInvalid',
      message: 'find.name.regexp "(?=x)" is not a regular expression',
    });
  });

  it('fails every read when told to', async () => {
    const client = await open({ data, validationResult: 2 });
    await assert.rejects(client.get(read('/db'), signal), {
      code: 'Unavailable',
      message: 'the fake store is told to fail: validationResult is 2',
    });
  });

  for (const [what, value, field, message] of [
    ['a missing key', { data: [{ value: 'x' }] }, 'data[0].key', 'key is required'],
    ['an empty value', { data: [{ key: 'k', value: '' }] }, 'data[0].value', 'value is required'],
    [
      'a number as value',
      { data: [{ key: 'k', value: 7 }] },
      'data[0].value',
      'value must be text, this is a number',
    ],
    ['a mapping as data', { data: {} }, 'data', 'data must be a list, this is a mapping'],
    ['an unknown result', { data, validationResult: 3 }, 'validationResult', '3 is not known'],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => catalog['fake']?.parse(node(value)),
        (error) => {
          assert(error instanceof AgentError);
          assert.equal(error.code, 'SpecInvalid');
          assert.equal(error.message, message);
          assert.deepEqual(error.at, { file: 'store.yaml', field: `spec.provider.fake.${field}` });
          return true;
        },
      );
    });
  }
});
