import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { Addresses } from '../../src/base/addresses.ts';

const blocks = [
  '127.0.0.0/8',
  '169.254.0.0/16',
  '10.1.2.3/32',
  '10.9.0.0/30',
  '172.16.0.0/12',
  'fe80::/10',
  '::1/128',
];

test('an address is in a block where a BlockList has it there, of either family', () => {
  const list = new BlockList();
  for (const block of blocks) {
    const [network = '', prefix] = block.split('/');
    list.addSubnet(network, Number(prefix), network.includes(':') ? 'ipv6' : 'ipv4');
  }
  const addresses = new Addresses(...blocks);
  const near = fc.constantFrom(
    ...blocks.filter((block) => !block.includes(':')).map((block) => block.split('/')[0]!),
  );
  const v4 = fc
    .tuple(near, fc.array(fc.constantFrom(-1, 0, 0, 0, 1, 3, 16), { minLength: 4, maxLength: 4 }))
    .map(([text, steps]) =>
      text
        .split('.')
        .map((part, i) => (Number(part) + steps[i]! + 256) % 256)
        .join('.'),
    );
  const address = fc.oneof(
    v4,
    fc.ipV4(),
    v4.map((text) => `::ffff:${text}`),
    fc.ipV6(),
  );
  fc.assert(
    fc.property(address, (text) => {
      assert.equal(addresses.has(text), list.check(text, text.includes(':') ? 'ipv6' : 'ipv4'), text);
    }),
    { numRuns: 5_000, seed: 7 },
  );
});

test('a whole family, and what is no address', () => {
  const all = new Addresses('0.0.0.0/0');
  assert.equal(all.has('255.255.255.255'), true);
  for (const name of [
    '',
    'localhost',
    '127.0.0.1.example',
    '127.1',
    '0x7f.0.0.1',
    '127.0.0.01',
    'a:b',
    '[::1]',
  ])
    assert.equal(all.has(name), false, name);
});
