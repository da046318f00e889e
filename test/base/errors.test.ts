import assert from 'node:assert/strict';
import { describe as group, test } from 'node:test';
import { AgentError, describe } from '../../src/base/errors.ts';

group('what an error says can be printed anywhere', () => {
  test('nothing in it moves a cursor, turns text around or begins a line of its own', () => {
    const error = new AgentError('SpecInvalid', 'bad \u001b[31mname\u009b2J\u202e\u0000 here\r', {
      at: {
        object: 'ExternalSecret/db\u001b]0;x\u0007\n2026 forged',
        field: 'metadata.\u2028x',
        key: 'a\tb',
      },
      remedy: 'use \u0008letters',
    });
    assert.equal(
      describe(error),
      'ExternalSecret/db\\u001b]0;x\\u0007\\u000a2026 forged: metadata.\\u2028x: SpecInvalid: ' +
        'bad \\u001b[31mname\\u009b2J\\u202e\\u0000 here\\u000d (use \\u0008letters)',
    );
    assert.equal(error.at.key, 'a\\u0009b');
  });

  test('a message may have lines, and letters of any script', () => {
    const error = new AgentError('TemplateFailed', 'größe 鍵\n  {{ .x }}\n     ^');
    assert.equal(error.message, 'größe 鍵\n  {{ .x }}\n     ^');
  });

  test('a place in one object is not completed by a place in another', () => {
    const store = { file: 'a.yaml', line: 3, object: 'SecretStore/s' };
    const outer = {
      object: 'ExternalSecret/e',
      field: 'spec.data[0]',
      column: 5,
      key: 'k',
      store: 'SecretStore/s',
    };
    const error = new AgentError('SpecInvalid', 'no', { at: store }).within(outer);
    assert.deepEqual(error.at, { ...store, key: 'k', store: 'SecretStore/s' });
    const own = new AgentError('SpecInvalid', 'no', { at: { object: 'ExternalSecret/e' } }).within(outer);
    assert.deepEqual(own.at, outer);
  });

  test('saying it twice changes nothing', () => {
    const at = { object: 'a\u001b' };
    const error = new AgentError('Denied', '\u001b', { at });
    assert.equal(describe(error.within({ store: 'SecretStore/s' })), describe(error));
  });
});
