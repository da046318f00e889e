import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { compareSync } from 'bcryptjs';
import { missing } from '../../peers/process.ts';
import { fails, rendered, renderedBytes } from './rendering.ts';

const run = promisify(execFile);

const shapes: Readonly<Record<string, RegExp>> = {
  'randAlphaNum 200': /^[A-Za-z0-9]{200}$/,
  'randAlpha 200': /^[A-Za-z]{200}$/,
  'randNumeric 200': /^[0-9]{200}$/,
  'randAscii 200': /^[ -~]{200}$/,
  'randBytes 16': /^[A-Za-z0-9+/]{22}==$/,
  uuidv4: /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  'randInt 5 8': /^[567]$/,
  'randInt -3 -1': /^-[23]$/,
  'bcrypt "secret"': /^\$2a\$10\$[./A-Za-z0-9]{53}$/,
  'htpasswd "user" "secret" "bcrypt"': /^user:\$2a\$10\$[./A-Za-z0-9]{53}$/,
};

for (const [call, shape] of Object.entries(shapes)) {
  test(`${call} has its shape, and another value each time`, async () => {
    const [a, b] = [await rendered(`{{ ${call} }}`), await rendered(`{{ ${call} }}`)];
    assert.match(a, shape);
    assert.match(b, shape);
    if (!call.startsWith('randInt')) assert.notEqual(a, b);
  });
}

test('every character comes about as often as the others', async () => {
  const text = await rendered('{{ randAlphaNum 62000 }}');
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  assert.equal(counts.size, 62);
  // 1,000 expected; eight standard deviations either way.
  for (const [char, count] of counts) assert.ok(count > 750 && count < 1250, `${char}: ${count}`);
});

test('shuffle keeps the characters', async () => {
  const text = 'añb☺cdefgh';
  const shuffled = await rendered('{{ shuffle .x }}', { data: { x: text } });
  assert.deepEqual([...shuffled].sort(), [...text].sort());
});

test('bcrypt hashes verify', async () => {
  for (const password of ['secret', 'pässwörd', '', 'x'.repeat(72)]) {
    assert.ok(compareSync(password, await rendered('{{ bcrypt .p }}', { data: { p: password } })));
  }
  const binary = { p: Buffer.from([0xff, 0xfe]) };
  await fails('{{ bcrypt .p }}', /not UTF-8/, { data: binary });
});

test('openssl decrypts what encryptAES encrypts', { skip: missing('node', ['openssl']) }, async () => {
  const key = 'a key';
  const text = 'the secret text, of more than one block';
  const bytes = await renderedBytes('{{ encryptAES .key .text | b64dec }}', { data: { key, text } });
  const hexKey = Buffer.alloc(32)
    .fill(0)
    .toString('hex')
    .replace(/^.{10}/, Buffer.from(key).toString('hex'));
  const args = ['enc', '-d', '-aes-256-cbc', '-K', hexKey, '-iv', bytes.subarray(0, 16).toString('hex')];
  const decrypted = run('openssl', args);
  decrypted.child.stdin!.end(bytes.subarray(16));
  assert.equal((await decrypted).stdout, text);
});

test('times are those of the clock and the zone given', async () => {
  const setting = { now: Date.UTC(2024, 6, 1, 22, 30, 5, 250), zone: 'Europe/Berlin' };
  const expected: Readonly<Record<string, string>> = {
    'now | date "2006-01-02 15:04:05 MST"': '2024-07-02 00:30:05 CEST',
    'now | htmlDate': '2024-07-02',
    'htmlDateInZone now "UTC"': '2024-07-01',
    'now | unixEpoch': '1719873005',
    now: '2024-07-02 00:30:05.25 +0200 CEST',
    'now.UTC': '2024-07-01 22:30:05.25 +0000 UTC',
    'now.Location': 'Local',
    'now.UTC.Local': '2024-07-02 00:30:05.25 +0200 CEST',
    'ago (now | dateModify "-1h1.6s")': '1h0m2s',
    'durationRound (now | dateModify "-50h")': '2d',
    'toDate "2006-01-02 15:04" "2024-03-31 02:30"': '2024-03-31 03:30:00 +0200 CEST',
    'toDate "2006-01-02 15:04" "2024-10-27 02:30"': '2024-10-27 02:30:00 +0100 CET',
    'toDate "2006-01-02 15:04 MST" "2024-01-02 03:04 CET"': '2024-01-02 03:04:00 +0100 CET',
    'toDate "2006-01-02T15:04:05Z07:00" "2024-01-02T03:04:05+01:00"': '2024-01-02 03:04:05 +0100 CET',
    'date "15:04 MST" 0': '01:00 CET',
    'dateInZone "15:04 MST" now "America/New_York"': '18:30 EDT',
    '(toDate "2006-01-02" "2024-07-01").IsDST': 'true',
    '(toDate "2006-01-02" "2024-01-01").IsDST': 'false',
    'dateInZone "15:04 -0700" now 5': '',
  };
  for (const [call, value] of Object.entries(expected)) {
    if (value === '') await fails(`{{ ${call} }}`, /string/, setting);
    else assert.equal(await rendered(`{{ ${call} }}`, setting), value, call);
  }
});
