import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrap } from '../../agent/paint.ts';

test('what comes in lines of its own, as an excerpt does, keeps its columns', () => {
  assert.equal(
    wrap('TemplateFailed: no such key\n  {{ .zzz }}\n     ^', 20, 2),
    'TemplateFailed: no\n  such key\n    {{ .zzz }}\n       ^',
  );
});

test('words are broken into lines, and a long one stands alone', () => {
  assert.equal(wrap('one two three', 8), 'one two\nthree');
  assert.equal(wrap('a veryveryverylongword b', 8), 'a\nveryveryverylongword\nb');
});
