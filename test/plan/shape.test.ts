import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AgentError } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import type { Traits } from '../../src/plan/fetched.ts';
import {
  absent,
  aws,
  data,
  extract,
  fake,
  fault,
  find,
  map,
  plain,
  shaped,
  text,
  tree,
  vault,
} from './samples.ts';

describe('order', () => {
  test('data beats dataFrom, and of dataFrom the later wins', async () => {
    const { entries } = await shaped(
      { data: [data('c', 'one')], dataFrom: [extract('first'), extract('second')] },
      { first: text('{"a":"1","b":"1","c":"1"}'), second: text('{"b":"2","c":"2"}'), one: text('3') },
    );
    assert.deepEqual(plain(entries), { a: '1', b: '2', c: '3' });
  });

  test('of data with one secretKey the later wins', async () => {
    const { entries } = await shaped(
      { data: [data('a', 'x'), data('a', 'y')] },
      { x: text('1'), y: text('2') },
    );
    assert.deepEqual(plain(entries), { a: '2' });
  });

  test('keys are converted only without a rewrite, and then checked', async () => {
    const given = { k: text('{"a/b":"1"}') };
    const rewrite = [{ at: {}, kind: 'regexp', source: '^a', target: 'z' }] as const;
    assert.deepEqual(plain((await shaped({ dataFrom: [extract('k')] }, given)).entries), { a_b: '1' });
    await assert.rejects(
      shaped({ dataFrom: [extract('k', { rewrite })] }, given),
      fault('DecodeFailed', /"z\/b" cannot be a secret key/),
    );
  });

  test('a rewrite of find sees converted keys where the provider converts first', async () => {
    const rewrite = [{ at: {}, kind: 'regexp', source: '_', target: '.' }] as const;
    const given = { find: map({ 'a/b': '1' }) };
    assert.deepEqual(plain((await shaped({ dataFrom: [find({ rewrite })] }, given, fake)).entries), {
      'a.b': '1',
    });
    await assert.rejects(
      shaped({ dataFrom: [find({ rewrite })] }, given, aws),
      fault('DecodeFailed', /"a\/b"/),
    );
  });

  test('values are decoded after the rewrite, and null bytes looked for after that', async () => {
    const merge = {
      at: {},
      kind: 'merge',
      into: 'all',
      priority: [],
      priorityPolicy: 'Strict',
      conflictPolicy: 'Error',
      strategy: 'Extract',
    } as const;
    const given = { find: map({ x: '{"a":"AGNhbmFyeQ=="}' }) };
    const wanted = { rewrite: [merge], decodingStrategy: 'Base64' } as const;
    assert.deepEqual(plain((await shaped({ dataFrom: [find(wanted)] }, given)).entries), { a: '\0canary' });
    await assert.rejects(
      shaped({ dataFrom: [find({ ...wanted, nullBytePolicy: 'Fail' })] }, given),
      fault('DecodeFailed', /^a holds a null byte$/),
    );
  });

  test('null bytes are told of the first key in order', async () => {
    const given = { find: map({ z: 'canary\0', b: 'canary\0', a: 'canary' }) };
    await assert.rejects(
      shaped({ dataFrom: [find({ nullBytePolicy: 'Fail' })] }, given),
      fault('DecodeFailed', /^b holds/),
    );
    await assert.rejects(
      shaped({ data: [data('k', 'x', { nullBytePolicy: 'Fail' })] }, { x: text('\0') }),
      fault('DecodeFailed', /^k holds/),
    );
  });
});

describe('what is absent', () => {
  test('is NotFound under Retain, with the place and the key', async () => {
    await assert.rejects(shaped({ data: [data('a', 'gone')] }, { gone: absent }), (thrown) => {
      assert.ok(thrown instanceof AgentError);
      assert.deepEqual(thrown.at, {
        object: 'ExternalSecret/app',
        store: 'SecretStore/main',
        field: 'spec.data.a.remoteRef.key',
        key: 'gone',
      });
      return thrown.code === 'NotFound';
    });
    await assert.rejects(shaped({ dataFrom: [extract('gone')] }, { gone: absent }), fault('NotFound', /./));
    await assert.rejects(shaped({ dataFrom: [find()] }, { find: absent }), fault('NotFound', /./));
  });

  for (const deletionPolicy of ['Delete', 'Merge'] as const) {
    test(`is left out under ${deletionPolicy}, and told`, async () => {
      const { entries, missing } = await shaped(
        { deletionPolicy, data: [data('a', 'gone'), data('b', 'here')], dataFrom: [extract('gone'), find()] },
        { gone: absent, here: text('1'), find: absent },
      );
      assert.deepEqual(plain(entries), { b: '1' });
      assert.equal(missing.length, 3);
    });
  }

  test('a denial is no absence, whatever the policy', async () => {
    const denied = new AgentError('Denied', 'no', { remedy: 'ask' });
    await assert.rejects(
      shaped({ deletionPolicy: 'Delete', data: [data('a', 'x')] }, { x: denied }),
      fault('Denied', /no/),
    );
  });

  test('optional keys may be missing, and so may their properties, but nothing else', async () => {
    const given = { gone: absent, here: text('{"x":"1"}') };
    const { entries, missing } = await shaped(
      {
        optional: ['a', 'b'],
        data: [data('a', 'gone'), data('b', 'here', { property: 'y' }), data('c', 'here', { property: 'x' })],
      },
      given,
    );
    assert.deepEqual(plain(entries), { c: '1' });
    assert.deepEqual(
      missing.map(({ at }) => at.field),
      ['spec.data.a.remoteRef.key', 'spec.data.b.remoteRef.property'],
    );
    await assert.rejects(
      shaped({ optional: ['z'], data: [data('a', 'gone')] }, given),
      fault('NotFound', /./),
    );
    const denied = new AgentError('Denied', 'no', { remedy: 'ask' });
    await assert.rejects(
      shaped({ optional: ['a'], data: [data('a', 'x')] }, { x: denied }),
      fault('Denied', /no/),
    );
  });

  test('an absent property is absence for the fake store only', async () => {
    const wanted = { deletionPolicy: 'Delete', data: [data('a', 'x', { property: 'nope' })] } as const;
    const given = { x: text('{"b":"canary"}') };
    assert.equal((await shaped(wanted, given, fake)).missing.length, 1);
    await assert.rejects(shaped(wanted, given, aws), fault('PropertyMissing', /"b"/));
  });
});

describe('property', () => {
  const dotted = '{"a.b":1,"a":{"b":2}}';
  const orders: readonly (readonly [name: string, traits: Traits, expected: string])[] = [
    ['AWS takes the literal key first', aws, '1'],
    ['Vault takes the literal key first', vault, '1'],
    ['the fake store takes the path', fake, '2'],
  ];
  for (const [name, traits, expected] of orders) {
    test(name, async () => {
      const x = traits === vault ? tree(dotted) : text(dotted);
      const { entries } = await shaped({ data: [data('k', 'x', { property: 'a.b' })] }, { x }, traits);
      assert.deepEqual(plain(entries), { k: expected });
    });
  }

  test('AWS escapes dots only: a wildcard still works', async () => {
    const { entries } = await shaped(
      { data: [data('k', 'x', { property: 'a.*' })] },
      { x: text('{"a.bc":1,"a":{"d":2}}') },
    );
    assert.deepEqual(plain(entries), { k: '1' });
  });

  test('Vault takes a key with any character as it is, and everything as sorted, HTML-escaped JSON', async () => {
    const x = tree('{ "b": "<&>", "a#|*": 1.50, "a": [1, 2] }');
    const wanted = {
      data: [data('one', 'x', { property: 'a#|*' }), data('all', 'x'), data('list', 'x', { property: 'a' })],
    };
    assert.deepEqual(plain((await shaped(wanted, { x }, vault)).entries), {
      one: '1.50',
      all: '{"a":[1,2],"a#|*":1.50,"b":"\\u003c\\u0026\\u003e"}',
      list: '[1,2]',
    });
  });

  test('a missing one names its siblings and never a value', async () => {
    const given = { x: text('{"db":{"user":"canary","host":"canary"},"other":"canary"}'), y: text('canary') };
    const ask = (key: string, property: string) => shaped({ data: [data('k', key, { property })] }, given);
    await assert.rejects(
      ask('x', 'db.pasword'),
      fault('PropertyMissing', /no property db\.pasword: the keys under db are "host", "user"$/),
    );
    await assert.rejects(ask('x', 'nope'), fault('PropertyMissing', /the keys are "db", "other"$/));
    await assert.rejects(ask('y', 'nope'), fault('PropertyMissing', /not JSON/));
  });

  test('of many siblings twenty are named', async () => {
    const keys = Array.from({ length: 30 }, (_, index) => `"k${String(index).padStart(2, '0')}":"canary"`);
    await assert.rejects(
      shaped({ data: [data('k', 'x', { property: 'nope' })] }, { x: text(`{${keys.join(',')}}`) }),
      fault('PropertyMissing', /"k00".*"k19" and 10 more$/),
    );
  });
});

describe('extract', () => {
  const document =
    '{"s":"x","n":1.50,"big":12345678901234567890,"e":1e3,"z":null,"t":true,"o": { "b" : 1 , "a":"<" },"l":[1.0]}';

  test('gives the raw text of what is no string', async () => {
    assert.deepEqual(plain((await shaped({ dataFrom: [extract('x')] }, { x: text(document) })).entries), {
      s: 'x',
      n: '1.50',
      big: '12345678901234567890',
      e: '1e3',
      z: '',
      t: 'true',
      o: '{ "b" : 1 , "a":"<" }',
      l: '[1.0]',
    });
  });

  test('of Vault goes through float64, as in ESO', async () => {
    assert.deepEqual(
      plain((await shaped({ dataFrom: [extract('x')] }, { x: tree(document) }, vault)).entries),
      {
        s: 'x',
        n: '1.5',
        big: '12345678901234567000',
        e: '1000',
        z: '',
        t: 'true',
        o: '{"a":"\\u003c","b":1}',
        l: '[1]',
      },
    );
  });

  test('keys that objects have of themselves are keys like any other', async () => {
    const x = text('{"__proto__":"1","constructor":"2"}');
    const { entries } = await shaped({ dataFrom: [extract('x')] }, { x });
    assert.deepEqual(
      [...entries].map(([key, value]) => [key, value.text()]),
      [
        ['__proto__', '1'],
        ['constructor', '2'],
      ],
    );
  });

  test('needs an object; the document null is an empty one', async () => {
    for (const other of ['[1]', '"canary"', '1', 'true', 'canary', '']) {
      await assert.rejects(
        shaped({ dataFrom: [extract('x')] }, { x: text(other) }),
        fault('DecodeFailed', /JSON/),
        other,
      );
    }
    assert.equal((await shaped({ dataFrom: [extract('x')] }, { x: text('null') })).entries.size, 0);
  });

  test('takes the object under a property', async () => {
    const { entries } = await shaped(
      { dataFrom: [extract('x', { property: 'in' })] },
      { x: text('{"in":{"a":"1"}}') },
    );
    assert.deepEqual(plain(entries), { a: '1' });
  });
});

describe('bounds', () => {
  test('binary values pass byte for byte', async () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const { entries } = await shaped({ data: [data('k', 'x')] }, { x: text(every) });
    assert.deepEqual(entries.get('k')!.reveal(), every);
    const found = await shaped(
      { dataFrom: [find({ decodingStrategy: 'Base64' })] },
      { find: map({ k: every.toString('base64') }) },
    );
    assert.deepEqual(found.entries.get('k')!.reveal(), every);
  });

  test('one value and all of a target have a largest size', async () => {
    const most = Buffer.alloc(limits.valueBytes);
    const fits = limits.payloadBytes / limits.valueBytes;
    const keys = (count: number) => Array.from({ length: count }, (_, index) => data(`k${index}`, 'x'));
    assert.equal((await shaped({ data: keys(fits) }, { x: text(most) })).entries.size, fits);
    await assert.rejects(
      shaped({ data: keys(fits + 1) }, { x: text(most) }),
      fault('PublishFailed', /larger than/),
    );
    await assert.rejects(
      shaped({ data: keys(1) }, { x: text(Buffer.alloc(limits.valueBytes + 1)) }),
      fault('PublishFailed', /^k0 /),
    );
  });
});
