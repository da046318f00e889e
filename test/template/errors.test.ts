import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TemplateError } from '../../src/template/failure.ts';
import { func, GoError, lazy } from '../../src/template/func.ts';
import { parseTemplate, render, type TemplateOptions } from '../../src/template/template.ts';
import { fromText, GoMap } from '../../src/template/value.ts';

const world = { now: () => 0, zone: 'UTC', randomBytes: (size: number) => Buffer.alloc(size) };
const canary = 'C4N4RY-value';
const dot = new GoMap('string', 'string', [
  ['user', canary],
  ['password', canary],
  ['db-host', canary],
]);

async function failure(text: string, options: Partial<TemplateOptions> = {}): Promise<TemplateError> {
  try {
    await render('app.conf', text, { functions: {}, dot, world, ...options });
  } catch (thrown) {
    assert.ok(thrown instanceof TemplateError, String(thrown));
    assert.ok(!`${thrown.message}${thrown.remedy}`.includes(canary), thrown.message);
    return thrown;
  }
  throw new Error(`rendered: ${text}`);
}

test('a missing key names the fetched ones, and the place', async () => {
  const error = await failure('host={{ index . "db-host" }}\npassword={{ .pasword }}\n');
  assert.equal(error.code, 'TemplateFailed');
  assert.deepEqual([error.line, error.column], [2, 13]);
  assert.equal(
    error.message,
    'template "app.conf", line 2, column 13: `.pasword`: no such key; the fetched keys are db-host, password, user\n' +
      '  password={{ .pasword }}\n' +
      '              ^',
  );
  assert.equal(error.remedy, 'Did you mean .password?');
});

test('an unknown function is found when parsing, with the nearest name', async () => {
  assert.throws(
    () =>
      parseTemplate('x', '{{ b64encode .user }}', {
        functions: { b64enc: func(['string'], (text) => text) },
      }),
    (thrown: unknown) =>
      thrown instanceof TemplateError &&
      thrown.phase === 'parse' &&
      /there is no function "b64encode"/.test(thrown.message) &&
      thrown.remedy === 'Did you mean b64enc?',
  );
});

test('the caret counts characters, the Go column bytes', async () => {
  const error = await failure('Grüße 世界 {{ .nope }}');
  assert.equal(error.column, 13);
  assert.equal(error.go.column, 18);
  assert.equal(error.message.split('\n')[2], `  ${' '.repeat(12)}^`);
});

test('a long line is shown around the fault', async () => {
  const error = await failure(`${'x'.repeat(500)}{{ .nope }}${'y'.repeat(500)}`);
  const [, line = '', caret = ''] = error.message.split('\n');
  assert.ok(line.length < 130);
  assert.equal(line[caret.indexOf('^')], '.');
});

test('the text of a template that is secret itself is not shown', async () => {
  const error = await failure(`${canary} {{ .nope }}`, { hidden: true });
  assert.match(error.message, /^template "app.conf", line 1, column 17: `.nope`: no such key[^\n]*$/);
});

test('no failing builtin or conversion shows a value', async () => {
  const faults = [
    'index .user 1000',
    'index .user .password',
    'slice .user 5 2',
    'slice .user .user',
    'len 5 | index .user',
    'call .user',
    'call .user 1',
    'eq .user 1',
    'lt .user 1',
    'lt . 1',
    'eq . .',
    '.user.x',
    '.user 1',
    'printf 1',
    'printf .user.x',
    '1 | .user',
    'template "x"',
    '(index . "user").x',
    'range .user',
    '.user | index 1',
    'not',
    'len nil',
    'index . 1',
    'and .user .user.x',
  ];
  for (const fault of faults) {
    const text = /^(template|range) /.test(fault) ? `{{ ${fault} }}{{ end }}` : `{{ ${fault} }}`;
    await failure(fault.startsWith('template') ? '{{ template "x" }}' : text);
  }
});

test('a function that fails is named, at its call', async () => {
  const broken = func(['string'], () => {
    throw new GoError('no good');
  });
  const error = await failure('a\n  {{ .user | broken }}', { functions: { broken } });
  assert.deepEqual(error.go, { line: 2, column: 13 });
  assert.match(error.message, /error calling broken: no good/);
});

test('a lazy function is loaded once the template uses it, and not otherwise', async () => {
  let loads = 0;
  const functions = {
    heavy: lazy(['string'], false, async () => {
      loads++;
      return ([text]) => `<${text}>`;
    }),
  };
  const options = { functions, dot, world };
  assert.equal(String(await render('x', '{{ len .user }}', options)), String(canary.length));
  assert.equal(loads, 0);
  assert.equal(String(await render('x', '{{ heavy "a" }}{{ "b" | heavy }}', options)), '<a><b>');
  assert.equal(loads, 1);
});

test('bytes that are no text pass through', async () => {
  const bytes = Buffer.from([0xff, 0, 0xc3, 0x28, 0x80]);
  const binary = new GoMap('string', 'string', [['blob', bytes.toString('latin1')]]);
  const text = Buffer.concat([Buffer.from([0xfe]), Buffer.from('{{ .blob }}é')]);
  const rendered = await render('x', text, { functions: {}, dot: binary, world });
  assert.deepEqual(rendered, Buffer.concat([Buffer.from([0xfe]), bytes, Buffer.from('é')]));
  assert.equal(fromText('é'), '\xc3\xa9');
});
