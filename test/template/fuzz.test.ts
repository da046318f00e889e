import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TemplateError } from '../../src/template/failure.ts';
import type { EagerFunction, FunctionTable } from '../../src/template/func.ts';
import { functions as library } from '../../src/template/functions/functions.ts';
import { execute, parseTemplate } from '../../src/template/template.ts';
import { nested } from '../golden/template/make/case.ts';
import { dotOf } from './corpus.ts';
import { builtinNames, plainConstants, seeded, TemplateMaker } from './random-template.ts';

/** Fewer while developing. */
const count = Number(process.env['ESA_TEST_FUZZ_COUNT'] ?? 100_000);

const world = { now: () => 0, zone: 'UTC', randomBytes: (size: number) => Buffer.alloc(size, 7) };
const dot = dotOf({ name: '', template: '', data: nested, typed: true });
const missingKeys = ['error', 'default', 'zero'] as const;

interface Kind {
  readonly seed: number;
  readonly count: number;
  readonly functions: FunctionTable;
  readonly constants: readonly string[];
}

/** Renders random templates; throws on the first that throws anything but our own error. */
function fuzz({ seed, count, functions, constants }: Kind): void {
  const maker = new TemplateMaker(seeded(seed), {
    fields: [...Object.keys(nested), 'nope', 'X', 'Name', 'Sum', 'a', 'b'],
    functions: [...builtinNames, ...Object.keys(functions)],
    constants: [...plainConstants, ...constants],
    wild: true,
  });
  let rendered = 0;
  for (let i = 0; i < count; i++) {
    const plain = maker.template();
    const text = Buffer.from(i % 2 === 0 ? plain : maker.mutated(plain)).toString('latin1');
    try {
      execute(parseTemplate('random', text, { functions, missingKey: missingKeys[i % 3]! }), dot, world);
      rendered++;
    } catch (thrown) {
      assert.ok(thrown instanceof TemplateError, `${JSON.stringify(text)} threw ${thrown}`);
      assert.doesNotMatch(thrown.message, /unexpected \w*Error/, JSON.stringify(text));
    }
  }
  // A generator whose templates all failed would show nothing.
  assert.ok(rendered > count / 20, `only ${rendered} rendered`);
}

/** The library with every body loaded, but for what makes keys: that takes seconds, and no other path. */
async function loadedLibrary(): Promise<FunctionTable> {
  const table: Record<string, EagerFunction> = {};
  for (const [name, fn] of Object.entries(library)) {
    if (/^(gen|buildCustom|bcrypt|htpasswd|derivePassword|pem|fullPem|pkcs12)/.test(name)) continue;
    const { params, variadic } = fn;
    table[name] = 'load' in fn ? { params, variadic, call: await fn.load() } : fn;
  }
  return table;
}

test(`${count} random templates end, and throw nothing but our own error`, () => {
  const constants = ['300', '1000000', '9223372036854775807', '1e308', "'世'", '0xffff', '08', '1i'];
  fuzz({ seed: 20_260_101, count, functions: {}, constants });
});

test('so do those that use the function library', async () => {
  const constants = [
    '(list 1 "a" nil)',
    '(dict "a" 1 "b" (list 2))',
    '"a,b"',
    '"1.2.3"',
    '"[a-z"',
    '1000000',
    '-9',
  ];
  fuzz({ seed: 20_260_102, count: count / 4, functions: await loadedLibrary(), constants });
});
