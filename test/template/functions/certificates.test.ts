import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { missing } from '../../peers/process.ts';
import { fails, rendered } from './rendering.ts';

// What these make differs each time, so another program says whether it is right: OpenSSL's.

const run = promisify(execFile);
const skip = missing('node', ['openssl']);
let folder = '';

describe('certificates of templates', () => {
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'certificates-'));
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  async function file(name: string, text: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  }

  async function openssl(...args: string[]): Promise<string> {
    return (await run('openssl', args)).stdout;
  }

  /** The parts of a rendering, which `|` separates. */
  async function parts(template: string, data: Record<string, string> = {}): Promise<string[]> {
    return (await rendered(template, { data, now: Date.now() })).split('|');
  }

  const keyMarks: Readonly<Record<string, RegExp>> = {
    '': /^-----BEGIN RSA PRIVATE KEY-----\n/,
    rsa: /^-----BEGIN RSA PRIVATE KEY-----\n/,
    dsa: /^-----BEGIN DSA PRIVATE KEY-----\n/,
    ecdsa: /^-----BEGIN EC PRIVATE KEY-----\n/,
    ed25519: /^-----BEGIN PRIVATE KEY-----\n/,
  };

  for (const [type, mark] of Object.entries(keyMarks)) {
    test(`genPrivateKey "${type}" makes a key that openssl reads`, { skip }, async () => {
      const [key = ''] = await parts(`{{ genPrivateKey "${type}" }}`);
      assert.match(key, mark);
      assert.ok(key.endsWith('-----\n'));
      await openssl('pkey', '-in', await file(`key-${type}`, key), '-noout', '-check');
      if (type === 'rsa') assert.equal(createPrivateKey(key).asymmetricKeyDetails?.modulusLength, 4096);
    });
  }

  test('a certificate signed by genCA verifies with openssl', { skip }, async () => {
    const [ca = '', caKey = '', cert = '', key = ''] = await parts(`
    {{- $ca := genCA "test authority" 365 }}{{ $ca.Cert }}|{{ $ca.Key }}|
    {{- $c := genSignedCert "example.com" (list "10.0.0.1" "::1" "::ffff:1.2.3.4") (list "example.com" "*.example.com") 30 $ca }}
    {{- $c.Cert }}|{{ $c.Key }}`);
    const [caFile, certFile] = [await file('ca.crt', ca), await file('leaf.crt', cert)];
    assert.match(
      await openssl('verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', caFile, certFile),
      /: OK/,
    );
    const [authority, leaf] = [new X509Certificate(ca), new X509Certificate(cert)];
    assert.ok(authority.ca && !leaf.ca);
    assert.ok(leaf.checkIssued(authority) && leaf.verify(authority.publicKey));
    assert.ok(
      leaf.checkPrivateKey(createPrivateKey(key)) && authority.checkPrivateKey(createPrivateKey(caKey)),
    );
    assert.equal(
      leaf.subjectAltName,
      'DNS:example.com, DNS:*.example.com, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:1.2.3.4',
    );
    assert.equal(leaf.subject, 'CN=example.com');
    assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    const days = (leaf.validToDate.getTime() - leaf.validFromDate.getTime()) / 86_400_000;
    assert.equal(Math.round(days), 30);
    const text = await openssl('x509', '-in', caFile, '-noout', '-text');
    assert.match(text, /Key Usage: critical\s+Digital Signature, Key Encipherment, Certificate Sign/);
    assert.match(text, /Basic Constraints: critical\s+CA:TRUE/);
    assert.match(text, /Signature Algorithm: sha256WithRSAEncryption/);
  });

  test('certificates are made with keys of every kind', { skip }, async () => {
    for (const [type, algorithm] of [
      ['ecdsa', 'ecdsa-with-SHA256'],
      ['ed25519', 'ED25519'],
    ] as const) {
      const [ca = '', cert = '', key = ''] = await parts(`
      {{- $ca := genCAWithKey "authority" 10 (genPrivateKey "${type}") }}{{ $ca.Cert }}|
      {{- $c := genSignedCertWithKey "leaf" nil nil 1 $ca (genPrivateKey "${type}") }}{{ $c.Cert }}|{{ $c.Key }}`);
      const certFile = await file('k.crt', cert);
      assert.match(await openssl('verify', '-CAfile', await file('k-ca.crt', ca), certFile), /: OK/);
      assert.match(
        await openssl('x509', '-in', certFile, '-noout', '-text'),
        new RegExp(`Signature Algorithm: ${algorithm}`),
      );
      assert.ok(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)));
    }
  });

  test('a self-signed certificate verifies against itself', { skip }, async () => {
    const [cert = '', named = ''] = await parts(`
    {{- (genSelfSignedCert "self é" (list) (list "a.b") 1).Cert }}|
    {{- (genSelfSignedCertWithKey "" nil (list "x.y") 1 (genPrivateKey "ecdsa")).Cert }}`);
    for (const one of [cert, named]) {
      const path = await file('self.crt', one);
      assert.match(await openssl('verify', '-CAfile', path, path), /: OK/);
    }
    assert.equal(new X509Certificate(cert).subject, 'CN=self é');
    // Without a subject the alternative names must be understood.
    assert.match(
      await openssl('x509', '-in', await file('n.crt', named), '-noout', '-text'),
      /Alternative Name: critical/,
    );
  });

  test('validity follows the clock, through the years of both time formats', async () => {
    const at = Date.UTC(2049, 11, 31, 23, 59, 59, 999);
    const cert = await rendered('{{ (genCAWithKey "x" 1 (genPrivateKey "ed25519")).Cert }}', { now: at });
    const { validFromDate, validToDate } = new X509Certificate(cert);
    assert.equal(validFromDate.toISOString(), '2049-12-31T23:59:59.000Z');
    assert.equal(validToDate.toISOString(), '2050-01-01T23:59:59.000Z');
  });

  test('buildCustomCert takes what fits and refuses the rest', async () => {
    const made = await parts('{{ $c := genSelfSignedCert "x" nil nil 1 }}{{ $c.Cert }}|{{ $c.Key }}');
    const [cert = '', key = ''] = made;
    const text = '{{ $c := buildCustomCert (b64enc .cert) (b64enc .key) }}{{ $c.Cert }}|{{ $c.Key }}';
    assert.equal(await rendered(text, { data: { cert, key } }), `${cert}|${key}`);
    await fails(text, /invalid private key type|no PEM data/, { data: { cert, key: 'none' } });
    await fails(text, /malformed certificate/, { data: { cert: key, key } });
  });

  test('a certificate is only signed with the key of its signer', async () => {
    const text = `{{ $a := genCA "a" 1 }}{{ $k := genPrivateKey "ecdsa" }}
    {{- $b := buildCustomCert (b64enc $a.Cert) (b64enc $k) }}{{ genSignedCert "x" nil nil 1 $b }}`;
    await fails(text, /doesn't match parent's PublicKey/);
    await fails('{{ genCAWithKey "x" 1 (genPrivateKey "dsa") }}', /RSA, ECDSA and Ed25519/);
  });
});
