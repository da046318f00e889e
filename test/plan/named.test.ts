import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AgentError } from '../../src/base/errors.ts';
import { Secret, type SecretMap } from '../../src/base/secret.ts';
import type { FetchedMap } from '../../src/plan/fetched.ts';
import { namedValue, namedValues } from '../../src/plan/named.ts';

const blob = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

function map(values: Record<string, string | Buffer>, content?: 'json'): FetchedMap {
  const entries = new Map(Object.entries(values).map(([key, value]) => [key, Secret.of(value)]));
  return { kind: 'map', entries, ...(content !== undefined && { content }) };
}

const data = map({
  user: 'app',
  'file.json': '{"a":{"b":"deep"},"n":1.50,"list":[1,"x"]}',
  config: '{"a":{"b":"deep"},"n":1.50,"list":[1,"x"],"big":12345678901234567890}',
  'config.a': 'a name with a dot',
  blob,
});

function text(property: string, of: FetchedMap = data): string {
  return namedValue(of, property).text();
}

function plain(entries: SecretMap): Record<string, string> {
  return Object.fromEntries([...entries].map(([key, value]) => [key, value.text()]));
}

function missing(work: () => unknown, message: string): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof AgentError);
    assert.deepEqual([error.code, error.message], ['PropertyMissing', message]);
    return true;
  });
}

describe('named values for data', () => {
  it('finds an exact name before any path, byte for byte', () => {
    assert.equal(text('user'), 'app');
    assert.equal(text('config.a'), 'a name with a dot');
    assert.deepEqual(namedValue(data, 'blob').reveal(), blob);
  });

  it('splits at the first dot: a name, then a gjson path into its value', () => {
    assert.equal(text('config.a.b'), 'deep');
    assert.equal(text('config.n'), '1.5');
    assert.equal(text('config.list.1'), 'x');
    assert.equal(text('config.a|@keys'), '["b"]');
  });

  it('finds nothing where a name holds a dot and a path follows, nor at a dot at either end', () => {
    const keys = 'the keys are "blob", "config", "config.a", "file.json", "user"';
    missing(() => text('file.json.a'), `there is no property file.json.a: ${keys}`);
    missing(
      () => text('config.'),
      `there is no property config.: ${keys}, and config holds nothing at that path`,
    );
    missing(() => text('.user'), `there is no property .user: ${keys}`);
    missing(
      () => text('config.zzz'),
      `there is no property config.zzz: ${keys}, and config holds nothing at that path`,
    );
    missing(() => text('any', map({})), 'there is no property any: there are no keys');
  });

  it('gives all of them as Go writes JSON: sorted, no HTML escaped, each byte that is not UTF-8 as \\ufffd', () => {
    const of = map({ b: '<&>', a: 'é\n\u2028', bin: Buffer.from([0x61, 0xff, 0xe2, 0x82, 0x62]) });
    assert.equal(text('', of), '{"a":"é\\n\\u2028","b":"<&>","bin":"a\\ufffd\\ufffd\\ufffdb"}');
    assert.equal(text('', map({})), '{}');
  });
});

describe('metadata for data', () => {
  const metadata = map(
    { labels: '{"app":"web","json":"{\\"ab\\":\\"joined\\"}"}', annotations: 'null' },
    'json',
  );

  it('is an object of both, null where there are none', () => {
    assert.equal(
      text('', metadata),
      '{"annotations":null,"labels":{"app":"web","json":"{\\"ab\\":\\"joined\\"}"}}',
    );
    assert.equal(text('annotations', metadata), 'null');
    assert.equal(text('labels', metadata), '{"app":"web","json":"{\\"ab\\":\\"joined\\"}"}');
  });

  it('takes one label; what follows is joined without its dots, as in ESO', () => {
    assert.equal(text('labels.app', metadata), 'web');
    assert.equal(text('labels.json.a.b', metadata), 'joined');
    const known = 'the keys are "annotations", "labels"';
    missing(
      () => text('annotations.x', metadata),
      `there is no property annotations.x: ${known}, and annotations holds nothing at that path`,
    );
    missing(() => text('name', metadata), `there is no property name: ${known}`);
  });
});

describe('named values for extract', () => {
  it('gives all as they are, bytes among them', () => {
    assert.equal(namedValues(data, ''), data.entries);
  });

  it('gives the members of one value, each as JSON, through float64', () => {
    assert.deepEqual(plain(namedValues(data, 'config')), {
      a: '{"b":"deep"}',
      n: '1.5',
      list: '[1,"x"]',
      big: '12345678901234567000',
    });
    assert.deepEqual(plain(namedValues(map({ 'a.b': '{"x":"<y>"}' }), 'a.b')), { x: '"<y>"' });
    assert.deepEqual(plain(namedValues(map({ a: 'null' }), 'a')), {});
  });

  it('takes a gjson path over the names, as ESO does', () => {
    assert.deepEqual(plain(namedValues(map({ only: '{"x":1}' }), 'onl*')), { x: '1' });
    missing(
      () => namedValues(data, 'nope'),
      'there is no property nope: the keys are "blob", "config", "config.a", "file.json", "user"',
    );
  });

  it('refuses what is no object, and shows nothing of it', () => {
    for (const [property, message] of [
      ['user', /the value is not JSON|JSON/],
      ['list', /list is JSON, and not an object/],
    ] as const) {
      assert.throws(
        () => namedValues(map({ user: 'marker-value', list: '["marker-value"]' }), property),
        (error) => {
          assert.ok(error instanceof AgentError);
          assert.equal(error.code, 'DecodeFailed');
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /marker/);
          return true;
        },
      );
    }
  });
});
