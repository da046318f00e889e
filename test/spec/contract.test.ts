import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commands, type Option, options, optionsOf } from '../../src/spec/contract.ts';
import { parseDuration } from '../../src/spec/duration.ts';

const all = Object.entries(options) as [string, Option][];

test('an environment variable is its flag, upper-cased', () => {
  for (const [, option] of all) {
    assert.equal(option.env, `ESA_${option.flag.slice(2).toUpperCase().replaceAll('-', '_')}`);
  }
});

test('a name is its flag in camel case', () => {
  for (const [name, option] of all) {
    assert.equal(
      name,
      option.flag.slice(2).replace(/-./g, (dash) => dash.slice(1).toUpperCase()),
    );
  }
});

test('no flag and no annotation stands for two options', () => {
  const annotations = all.flatMap(([, option]) => option.annotation ?? []);
  assert.equal(new Set(annotations).size, annotations.length);
  assert.equal(new Set(all.map(([, option]) => option.flag)).size, all.length);
});

test('every default is allowed by its own range, values or pattern', () => {
  for (const [, option] of all) {
    if (option.type === 'duration') {
      const ms = parseDuration(option.default);
      assert.ok(ms >= option.range.minMs && ms <= option.range.maxMs, option.flag);
    }
    if (option.type === 'enum' && option.default !== undefined)
      assert.ok(option.values.includes(option.default));
    if ('pattern' in option && option.default !== undefined)
      assert.match(option.default, option.pattern ?? /^/);
  }
});

test('every command has options, and every option a command', () => {
  for (const command of commands) assert.ok(optionsOf(command).length > 0, command);
  for (const [, option] of all) assert.ok(option.commands.length > 0, option.flag);
});

test('a value that this version refuses is none of those it takes', () => {
  for (const [, option] of all) {
    if (option.type !== 'enum') continue;
    for (const value of Object.keys(option.refused ?? {})) assert.ok(!option.values.includes(value));
  }
});

test('--listen takes addresses and off', () => {
  const { pattern } = options.listen;
  for (const good of ['off', ':9402', '127.0.0.1:80', 'localhost:9402', '[::1]:9402'])
    assert.match(good, pattern);
  for (const bad of ['on', '9402', 'a:b', '::1:9402', '']) assert.doesNotMatch(bad, pattern);
});
