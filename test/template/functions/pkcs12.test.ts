import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { missing } from '../../peers/process.ts';
import { fails, rendered, renderedBytes } from './rendering.ts';

const run = promisify(execFile);
const withoutOpenssl = missing('node', ['openssl']);
const withoutJava = missing('java', ['keytool']);
const password = 'pässword';
let folder = '';
let data: Record<string, string>;

describe('PKCS#12 of templates', () => {
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pkcs12-'));
    const made = await rendered(
      `{{ $ca := genCA "authority, Inc." 30 }}{{ $ca.Cert }}|
    {{- $c := genSignedCert "leaf" nil (list "leaf.example") 30 $ca }}{{ $c.Cert }}|{{ $c.Key }}`,
      { now: Date.now() },
    );
    const [ca = '', cert = '', key = ''] = made.split('|');
    data = { ca, cert, key, full: cert + ca, pass: password };
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  async function made(template: string): Promise<string> {
    const path = join(folder, `${template.replace(/\W+/g, '-')}.p12`);
    await writeFile(path, Buffer.from(await rendered(`{{ ${template} }}`, { data }), 'base64'));
    return path;
  }

  test('openssl opens what pemToPkcs12 and fullPemToPkcs12 write', { skip: withoutOpenssl }, async () => {
    const args = ['-nodes', '-passin'];
    for (const [template, pass, count] of [
      ['pemToPkcs12 .cert .key', '', 1],
      ['pemToPkcs12Pass .cert .key .pass', password, 1],
      ['fullPemToPkcs12 .full .key', '', 2],
      ['fullPemToPkcs12Pass .full .key .pass', password, 2],
    ] as const) {
      const { stdout } = await run('openssl', [
        'pkcs12',
        '-in',
        await made(template),
        ...args,
        `pass:${pass}`,
      ]);
      assert.equal(stdout.split('-----BEGIN CERTIFICATE-----').length - 1, count, template);
      assert.match(stdout, /-----BEGIN PRIVATE KEY-----/);
      assert.match(stdout, /localKeyID/);
    }
    const info = await run('openssl', [
      'pkcs12',
      '-info',
      '-noout',
      '-in',
      await made('pemToPkcs12 .cert .key'),
      '-passin',
      'pass:',
    ]);
    assert.match(info.stderr, /MAC: sha256, Iteration 2048/);
    assert.match(info.stderr, /PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256/);
  });

  test('a wrong password is refused by openssl and by us', { skip: withoutOpenssl }, async () => {
    const path = await made('pemToPkcs12Pass .cert .key .pass');
    await assert.rejects(run('openssl', ['pkcs12', '-in', path, '-nodes', '-passin', 'pass:wrong']));
    const file = '(pemToPkcs12Pass .cert .key .pass | b64dec)';
    await fails(`{{ pkcs12keyPass "wrong" ${file} }}`, /unable to decode pkcs12.*incorrect/, { data });
  });

  test('keytool reads key stores and trust stores', { skip: withoutJava }, async () => {
    const list = async (path: string, pass: string) =>
      (
        await run('keytool', ['-list', '-v', '-storetype', 'PKCS12', '-keystore', path, '-storepass', pass], {
          env: { ...process.env, LC_ALL: 'C' },
        })
      ).stdout;
    const keys = await list(await made('fullPemToPkcs12Pass .full .key "changeit"'), 'changeit');
    assert.match(keys, /Entry type: PrivateKeyEntry/);
    assert.match(keys, /Certificate chain length: 2/);
    const trusted = await list(
      await made('pemTruststoreToPKCS12Pass (print .ca .cert) "changeit"'),
      'changeit',
    );
    assert.match(trusted, /Your keystore contains 2 entries/);
    assert.equal(trusted.split('Entry type: trustedCertEntry').length - 1, 2);
    assert.match(trusted, /Alias name: cn=authority\\, inc\./);
  });

  test('a key store that keytool wrote is read', { skip: withoutJava }, async () => {
    const path = join(folder, 'java.p12');
    const dname = ['-dname', 'CN=java', '-keyalg', 'EC', '-groupname', 'secp256r1', '-alias', 'k'];
    await run('keytool', [
      '-genkeypair',
      '-storetype',
      'PKCS12',
      '-keystore',
      path,
      '-storepass',
      'changeit',
      ...dname,
    ]);
    const { readFile } = await import('node:fs/promises');
    const file = { p12: await readFile(path) };
    assert.match(
      await rendered('{{ pkcs12certPass "changeit" .p12 }}', { data: file }),
      /^-----BEGIN CERTIFICATE-----/,
    );
    assert.match(
      await rendered('{{ pkcs12keyPass "changeit" .p12 }}', { data: file }),
      /^-----BEGIN PRIVATE KEY-----/,
    );
  });

  test('what is written is read again', async () => {
    const both = '{{ fullPemToPkcs12Pass .full .key .pass | b64dec | pkcs12certPass .pass }}';
    assert.equal(await rendered(both, { data }), data['full']);
  });

  test('a file with an absurd number of iterations is refused in time', async () => {
    const bytes = await renderedBytes('{{ pemToPkcs12 .cert .key | b64dec }}', { data });
    // SEQUENCE { OCTET STRING of 16, INTEGER 2048 } in PBKDF2's parameters, whose number is given four bytes.
    const before = bytes.indexOf(Buffer.from([0x02, 0x02, 0x08, 0x00]));
    const last = bytes.lastIndexOf(Buffer.from([0x02, 0x02, 0x08, 0x00]));
    assert.ok(before > 0 && last > before);
    bytes.set([0x7f, 0xff], last + 2);
    const started = performance.now();
    await fails('{{ pkcs12key .p12 }}', /password incorrect/, { data: { p12: bytes } });
    await fails('{{ range until 100 }}{{ $x := pkcs12key $.p12 }}{{ end }}', /password incorrect/, {
      data: { p12: bytes },
    });
    assert.ok(performance.now() - started < 20_000);
  });

  test('iterations count as steps of the rendering', async () => {
    const template = '{{ range until 2000 }}{{ $x := pemToPkcs12 $.cert $.key }}{{ end }}';
    await fails(template, /more than \d+ steps/, { data });
  });

  test('broken files never throw anything but our error', async () => {
    const good = await renderedBytes('{{ pemToPkcs12 .cert .key | b64dec }}', { data });
    for (let at = 0; at < good.length; at += 37) {
      const broken = Buffer.from(good);
      broken[at] = broken[at]! ^ 0x55;
      await rendered('{{ pkcs12key .p12 }}', { data: { p12: broken } }).then(
        () => {},
        (thrown: Error) => assert.match(thrown.message, /unable to decode pkcs12/),
      );
      await fails('{{ pkcs12key .p12 }}', /unable to decode pkcs12/, { data: { p12: good.subarray(0, at) } });
    }
  });
});
