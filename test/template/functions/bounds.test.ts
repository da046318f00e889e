import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fails, rendered } from './rendering.ts';

const large = 9223372036854775807n;

test('texts longer than the budget are not made', async () => {
  for (const call of [
    `repeat ${large} "x"`,
    'repeat 1000000000 "x"',
    'indent 1000000000 "a\\nb"',
    `indent ${large} "a"`,
    'nindent 300000000 "x"',
    'randAlpha 1000000000',
    `randAscii ${large}`,
    'randBytes 1000000000',
    '(repeat 20000 "x" | replace "x" .big)',
    '(splitList "" (repeat 20000 "x") | join .big)',
    'wrapWith 1 .big (repeat 20000 "x")',
  ]) {
    await fails(`{{ ${call} }}`, /bytes of text on the way/, { data: { big: 'y'.repeat(20_000) } });
  }
});

test('a long text in JSON takes no more of the stack than a short one', async () => {
  const json = `{"a": "${'x'.repeat(16 * 1024 * 1024)}", "n": 1e99}`;
  assert.equal(await rendered('{{ (fromJson .json).n }}', { data: { json } }), '1e+99');
});

test('long counts end at the bound on steps', async () => {
  for (const call of [
    `until ${large}`,
    `untilStep 0 ${large} 1`,
    `seq ${large - 1n}`,
    `untilStep 5 -${large} -1`,
  ]) {
    await fails(`{{ ${call} }}`, /more than \d+ steps/);
  }
});

test('comparing each with each ends at the bound on steps', async () => {
  await fails('{{ uniq (until 10000) }}', /steps/);
  await fails('{{ $l := until 5000 }}{{ range $l }}{{ $x := has -1 $l }}{{ end }}', /steps/);
});

test('a value that holds itself is refused, not walked for ever', async () => {
  const cycle = '{{ $d := dict "a" 1 }}{{ $_ := set $d "self" $d }}';
  await fails(`${cycle}{{ mustToJson $d }}`, /nested/);
  await fails(`${cycle}{{ deepCopy $d }}`, /nested/);
  await fails(`${cycle}{{ $e := dict "a" 1 }}{{ $_ := set $e "self" $e }}{{ deepEqual $d $e }}`, /nested/);
  await fails(`${cycle}{{ $e := dict "a" 1 }}{{ $_ := set $e "self" $e }}{{ mustMerge $d $e }}`, /nested/);
  // As in Go, where toJson and toYaml drop their errors.
  assert.equal(await rendered(`${cycle}[{{ toJson $d }}{{ toYaml $d }}]`), '[]');
  assert.equal(await rendered(`${cycle}{{ if deepEqual $d $d }}same{{ end }}`), 'same');
});

test('a regular expression takes time by the length of the text only', async () => {
  const text = 'a'.repeat(50_000);
  const started = performance.now();
  assert.equal(await rendered('{{ regexMatch "^(a+)+$" .x }}', { data: { x: `${text}!` } }), 'false');
  assert.equal(
    await rendered('{{ regexReplaceAll "(a|aa)+b" .x "" | len }}', { data: { x: text } }),
    '50000',
  );
  assert.ok(performance.now() - started < 20_000);
});

test('long constraints and versions are refused', async () => {
  const data = { x: `1${' '.repeat(100_000)}!` };
  await fails('{{ semverCompare .x "1.2.3" }}', /too long/, { data });
  await fails('{{ semver .x }}', /too long/, { data });
  await fails('{{ semverCompare (print "1" (repeat 4000 " ") "!") "1.2.3" }}', /improper constraint/);
});

test('costly keys and hashes are few per rendering', async () => {
  await fails('{{ range until 100 }}{{ $x := bcrypt "x" }}{{ end }}', /steps/);
  await fails('{{ range until 100 }}{{ $x := derivePassword 1 "pin" "a" "b" "c" }}{{ end }}', /steps/);
});

test('texts nested deeply are refused', async () => {
  const data = {
    json: '['.repeat(100_000) + ']'.repeat(100_000),
    yaml: '['.repeat(5_000) + ']'.repeat(5_000),
  };
  await fails('{{ mustFromJson .json }}', /max depth/, { data });
  assert.match(await rendered('{{ (fromYaml .yaml).Error }}', { data }), /nested too deep|exhaustion/);
});

test('a large text goes through in reasonable time', async () => {
  const data = { x: 'word and Word_two, '.repeat(20_000) };
  const started = performance.now();
  for (const call of [
    'snakecase .x',
    'title .x',
    'wrap 40 .x',
    'toYaml .x',
    'toJson .x',
    'b32enc .x',
    'quote .x',
    'sha512sum .x',
  ]) {
    await rendered(`{{ ${call} | len }}`, { data });
  }
  assert.ok(performance.now() - started < 20_000);
});

test('a long text without spaces is wrapped in time by its length', async () => {
  const data = { x: 'a'.repeat(1 << 18) };
  const started = performance.now();
  assert.equal(await rendered('{{ wrapWith 1 "|" .x | len }}', { data }), String((1 << 19) - 1));
  assert.ok(performance.now() - started < 3_000);
});

test('no error quotes what a template works on', async () => {
  const secret = 'hunter2-canary';
  for (const call of [
    'fail .x',
    'semver .x',
    'semverCompare .x "1"',
    'semverCompare (print "1 || " .x) "1"',
    'mustFromJson .x',
    'mustRegexMatch (print "(" .x) "a"',
    'mustRegexFind (print "[[:" .x ":]]") "a"',
    'mustToDate "2006" .x',
    'urlParse (print "http://[" .x)',
    'urlParse (print "http://%zz" .x)',
    'urlJoin (dict "host" (list .x))',
    'decryptAES .x .x',
    'pkcs12key .x',
    'pkcs12keyPass .x .x',
    'pemToPkcs12 .x .x',
    'pemTruststoreToPKCS12 .x',
    'filterPEM "X" .x',
    'filterCertChain "leaf" .x',
    'certSANs .x',
    'jwkPublicKeyPem .x',
    'jwkPrivateKeyPem (dict "kty" .x | toJson)',
    'rsaDecrypt .x .x .x .x',
    'rsaDecrypt "RSA-OAEP" "SHA256" .x .x',
    'genCAWithKey "cn" 1 .x',
    'buildCustomCert .x .x',
    'genSelfSignedCert "cn" (list .x) (list) 1',
    'first .x',
    'dig .x',
    'get . .x',
    'mustDateModify .x now',
    'trunc .x "a"',
  ]) {
    const error = await rendered(`{{ ${call} }}`, { data: { x: secret } }).then(
      () => assert.fail(`${call} does not fail`),
      (thrown: Error) => thrown,
    );
    assert.ok(!error.message.includes(secret), error.message);
    assert.ok(!String(error.stack).includes(secret), call);
  }
});
