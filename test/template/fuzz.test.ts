import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TemplateError } from '../../src/template/failure.ts';
import { execute, parseTemplate } from '../../src/template/template.ts';
import { nested } from '../golden/template/make/case.ts';
import { dotOf } from './corpus.ts';
import { builtinNames, plainConstants, seeded, TemplateMaker } from './random-template.ts';

/** Fewer while developing. */
const count = Number(process.env['ESA_TEST_FUZZ_COUNT'] ?? 100_000);

const world = { now: () => 0, zone: 'UTC', randomBytes: (size: number) => Buffer.alloc(size) };

test(`${count} random templates end, and throw nothing but our own error`, () => {
  const random = seeded(20_260_101);
  const maker = new TemplateMaker(random, {
    fields: [...Object.keys(nested), 'nope', 'X', 'Name', 'Sum', 'a', 'b'],
    functions: builtinNames,
    constants: [
      ...plainConstants,
      '300',
      '1000000',
      '9223372036854775807',
      '1e308',
      "'世'",
      '0xffff',
      '08',
      '1i',
    ],
    wild: true,
  });
  const dot = dotOf({ name: '', template: '', data: nested, typed: true });
  const missingKeys = ['error', 'default', 'zero'] as const;
  let rendered = 0;
  for (let i = 0; i < count; i++) {
    const plain = maker.template();
    const text = Buffer.from(i % 2 === 0 ? plain : maker.mutated(plain)).toString('latin1');
    try {
      execute(parseTemplate('random', text, { functions: {}, missingKey: missingKeys[i % 3]! }), dot, world);
      rendered++;
    } catch (thrown) {
      assert.ok(thrown instanceof TemplateError, `${JSON.stringify(text)} threw ${thrown}`);
      assert.doesNotMatch(thrown.message, /unexpected \w*Error/, JSON.stringify(text));
    }
  }
  // A generator whose templates all failed would show nothing.
  assert.ok(rendered > count / 20, `only ${rendered} rendered`);
});
