import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TemplateError } from '../../../src/template/failure.ts';
import { functions } from '../../../src/template/functions/functions.ts';
import { seeded } from '../random-template.ts';
import { CallMaker } from './random-call.ts';
import { rendered } from './rendering.ts';

/** What takes long by design has its tests elsewhere. */
const slow = /^(gen|bcrypt$|htpasswd$|derivePassword$)/;

test('calls with arguments of every kind give a value or our own error', async () => {
  const names = Object.keys(functions).filter((name) => !slow.test(name));
  const maker = new CallMaker(seeded(20260101), names);
  const data = { bin: Buffer.from('Yf/+YiDDqQ==', 'base64'), a: '1' };
  for (let i = 0; i < 20_000; i++) {
    const template = `{{ $x := ${maker.call()} }}{{ $x }}{{ toJson $x }}{{ toYaml $x }}`;
    await rendered(template, { data }).catch((thrown: unknown) => {
      assert.ok(thrown instanceof TemplateError, template);
      // An error that is no error of a template's says its class only.
      assert.doesNotMatch(thrown.message, /unexpected \w*Error/, template);
    });
  }
});
