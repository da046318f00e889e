import { X509Certificate } from 'node:crypto';
import { GoError } from '../func.ts';
import { encodeRune } from '../utf8.ts';
import { fromText } from '../value.ts';
import {
  bigintOf,
  children,
  DerError,
  expect,
  type Node,
  oidText,
  readDer,
  tags,
  textString,
} from './der.ts';
import { parseUrl, urlText } from './url.ts';
import { checkExtension, checkPublicKey, checkSignatureFields } from './x509-checks.ts';
import { checkName, checkValidity, isDomain } from './x509-names.ts';

/** What templates need to know of a certificate; nothing of it is verified. */
export interface Certificate {
  readonly raw: Buffer;
  /** DER of the name. */
  readonly subject: Buffer;
  /** DER of the public key with its algorithm. */
  readonly publicKey: Buffer;
  readonly authorityKeyId: Buffer | undefined;
  readonly subjectKeyId: Buffer | undefined;
  readonly names: AlternativeNames;
}

/** Binary strings, in the order of the certificate. */
export interface AlternativeNames {
  readonly dns: readonly string[];
  readonly ips: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

const extensionIds = {
  subjectKeyId: '2.5.29.14',
  alternativeNames: '2.5.29.17',
  authorityKeyId: '2.5.29.35',
};

/** x509.ParseCertificate. */
export function parseCertificate(raw: Buffer): Certificate {
  try {
    // OpenSSL reads it all; what is taken out below is what node:crypto does not hand out as bytes.
    new X509Certificate(raw);
    return takeApart(raw);
  } catch (error) {
    if (error instanceof GoError) throw error;
    throw new GoError('x509: malformed certificate');
  }
}

function takeApart(raw: Buffer): Certificate {
  const outer = children(readDer(raw));
  const fields = children(expect(outer[0], tags.sequence));
  // The version, [0], may be left out.
  const first = fields[0]?.tag === 0xa0 ? 1 : 0;
  if ((fields[first]?.content[0] ?? 0) >= 0x80) throw new GoError('x509: negative serial number');
  bigintOf(fields[first]);
  checkSignatureFields(outer, fields[first + 1]);
  checkName(expect(fields[first + 2], tags.sequence));
  checkValidity(expect(fields[first + 3], tags.sequence));
  checkName(expect(fields[first + 4], tags.sequence));
  const publicKey = expect(fields[first + 5], tags.sequence);
  checkPublicKey(publicKey);
  const extensions = extensionsOf(fields.find((field) => field.tag === 0xa3));
  const authority = extensions.get(extensionIds.authorityKeyId);
  const subjectKey = extensions.get(extensionIds.subjectKeyId);
  const alternatives = extensions.get(extensionIds.alternativeNames);
  return {
    raw,
    subject: expect(fields[first + 4], tags.sequence).raw,
    publicKey: publicKey.raw,
    authorityKeyId: authority && children(authority).find((part) => part.tag === 0x80)?.content,
    subjectKeyId: subjectKey && expect(subjectKey, tags.octetString).content,
    names: namesOf(alternatives),
  };
}

/** The extensions that are read here, by their ids. */
function extensionsOf(holder: Node | undefined): Map<string, Node> {
  const seen = new Set<string>();
  const found = new Map<string, Node>();
  for (const node of holder === undefined ? [] : children(readDer(holder.content))) {
    const parts = children(node);
    const id = oidText(parts[0]);
    if (seen.has(id)) throw new GoError('x509: certificate contains duplicate extensions');
    seen.add(id);
    const { content: value } = expect(parts.at(-1), tags.octetString);
    checkExtension({ id, isCritical: isCritical(parts), value });
    if (wanted.has(id)) found.set(id, readDer(value));
  }
  return found;
}

const wanted: ReadonlySet<string> = new Set(Object.values(extensionIds));

function isCritical(parts: readonly Node[]): boolean {
  if (parts.length < 3) return false;
  const { content } = expect(parts[1], tags.boolean);
  if (!/^(00|ff)$/.test(content.toString('hex')))
    throw new GoError('x509: malformed extension critical field');
  return content[0] === 0xff;
}

/** Context tags of GeneralName. */
const nameTags = { email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 } as const;

function namesOf(extension: Node | undefined): AlternativeNames {
  const names = extension === undefined ? [] : children(extension);
  const texts = (tag: number): string[] =>
    names.filter((name) => name.tag === tag).map(({ content }) => ia5(content.toString('latin1')));
  return {
    dns: texts(nameTags.dns),
    ips: names.filter((name) => name.tag === nameTags.ip).map(({ content }) => ipText(content)),
    emails: texts(nameTags.email),
    uris: texts(nameTags.uri).map(uriText),
  };
}

function uriText(uri: string): string {
  const url = parseUrl(uri);
  if (!isDomain(url.host)) throw new GoError('x509: cannot parse a URI: invalid domain');
  return urlText(url);
}

function ia5(text: string): string {
  if (/[\x80-\xff]/.test(text)) throw new GoError('x509: SAN is malformed');
  return text;
}

/** net.IP.String: IPv6 with its longest run of zeros cut out; IPv4 in IPv6 as IPv4. */
export function ipText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) throw new GoError('x509: cannot parse IP address');
  if (bytes.subarray(0, 10).every((byte) => byte === 0) && bytes.readUInt16BE(10) === 0xffff) {
    return bytes.subarray(12).join('.');
  }
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2));
  const { start, length } = longestZeros(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

/** Attribute types that Go knows by name, in the order in which it writes them, the last one first. */
const attributes: readonly (readonly [string, string])[] = [
  ['2.5.4.6', 'C'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.7', 'L'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.17', 'POSTALCODE'],
  ['2.5.4.3', 'CN'],
  ['2.5.4.5', 'SERIALNUMBER'],
];
/** Of these only the last value counts. */
const singles = ['CN', 'SERIALNUMBER'];

/** pkix.Name.String: `CN=example.com,O=Example`. Binary. */
export function nameText(subject: Buffer): string {
  const values = new Map<string, string[]>();
  const others: string[] = [];
  for (const relative of children(readDer(subject))) {
    for (const attribute of children(relative, tags.set)) {
      const [type, value] = children(attribute);
      const id = oidText(type);
      const name = attributes.find(([known]) => known === id)?.[1];
      if (name === undefined) others.push(`${id}=#${textString(stringOf(value!)).toString('hex')}`);
      else values.set(name, [...(singles.includes(name) ? [] : (values.get(name) ?? [])), stringOf(value!)]);
    }
  }
  const known = attributes
    .filter(([, name]) => values.has(name))
    .map(([, name]) =>
      values
        .get(name)!
        .map((value) => `${name}=${escaped(value)}`)
        .join('+'),
    );
  return [...others, ...known].reverse().join(',');
}

function stringOf(value: Node): string {
  // As Latin-1, whatever it should be.
  if (value.tag === tags.t61String) return fromText(value.content.toString('latin1'));
  if (value.tag !== tags.bmpString) return value.content.toString('latin1');
  let text = '';
  for (let at = 0; at + 1 < value.content.length; at += 2) text += encodeRune(value.content.readUInt16BE(at));
  return text;
}

function escaped(value: string): string {
  return value.replace(/[,+"\\<>;]|^[ #]| $/g, '\\$&');
}

/** Runs what reads DER; a fault of the bytes is a GoError. */
export function readingDer<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError || error instanceof RangeError) throw new GoError(`asn1: ${error.message}`);
    throw error;
  }
}
