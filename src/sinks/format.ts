import { isUtf8 } from 'node:buffer';
import { AgentError } from '../base/errors.ts';
import type { SecretMap } from '../base/secret.ts';
import type { ExternalSecretOptions } from '../spec/spec.ts';
import { envNames } from './env-names.ts';

export type Format = Exclude<ExternalSecretOptions['format'], 'files'>;

/**
 * All keys in one file, sorted by key, so that the same payload gives the same bytes. What a format cannot
 * hold is DecodeFailed and names the key; the bytes themselves are in the key's own file in any case.
 */
export function formatted(format: Format, data: SecretMap): Buffer {
  const entries = [...data].sort(([a], [b]) => (a < b ? -1 : 1));
  const values = new Map(entries.map(([key, value]) => [key, value.reveal()] as const));
  switch (format) {
    case 'env':
      return envFile(values);
    case 'json':
      return Buffer.from(jsonFile(textsOf(values, format)));
    case 'yaml':
      return Buffer.from(yamlFile(textsOf(values, format)));
    case 'properties':
      return Buffer.from(propertiesFile(textsOf(values, format)), 'latin1');
  }
}

type Values = ReadonlyMap<string, Buffer>;
type Texts = ReadonlyMap<string, string>;

function textsOf(values: Values, format: Format): Texts {
  for (const [key, value] of values) {
    if (!isUtf8(value)) throw unfit(key, 'is not UTF-8 text', format);
  }
  return new Map([...values].map(([key, value]) => [key, value.toString('utf8')]));
}

/**
 * `NAME='value'` lines that a POSIX shell reads back with `. file` (`set -a` exports them), byte for byte. A
 * value without a single quote stands in single quotes, where nothing is special: readers of dotenv files agree
 * on that form too. One with a single quote stands in double quotes, escaped as the shell wants it.
 */
function envFile(values: Values): Buffer {
  const names = envNames([...values.keys()]);
  const lines = [...values].flatMap(([key, value]) => {
    if (value.includes(0)) throw unfit(key, 'holds a NUL byte, which no environment can carry', 'env');
    return [Buffer.from(`${names.get(key)}=`), quoted(value), Buffer.from('\n')];
  });
  return Buffer.concat(lines);
}

/** One character for each byte, so that bytes that are no text pass as they are. */
function quoted(value: Buffer): Buffer {
  const bytes = value.toString('latin1');
  const text = bytes.includes("'") ? `"${bytes.replace(/[\\"$`]/g, '\\$&')}"` : `'${bytes}'`;
  return Buffer.from(text, 'latin1');
}

function jsonFile(texts: Texts): string {
  const members = [...texts].map(([key, text]) => `  ${JSON.stringify(key)}: ${JSON.stringify(text)}`);
  return members.length === 0 ? '{}\n' : `{\n${members.join(',\n')}\n}\n`;
}

/** What JSON leaves as it is, but YAML calls unprintable or a line break. */
const yamlUnprintable = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** Keys and values in double quotes, where JSON's escapes are YAML's: no `no`, `1e3` or `~` is ever anything
 * but a string, in YAML 1.1 and 1.2. */
function yamlFile(texts: Texts): string {
  const scalar = (text: string): string => JSON.stringify(text).replace(yamlUnprintable, escapedUnit);
  const lines = [...texts].map(([key, text]) => `${scalar(key)}: ${scalar(text)}\n`);
  return lines.length === 0 ? '{}\n' : lines.join('');
}

const propertiesShort: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\f': '\\f',
};

/** As `java.util.Properties.load(InputStream)` reads it: ISO-8859-1, the rest as `\uXXXX`. Keys are those of a
 * Secret and need no escape; of a value only the first space does. */
function propertiesFile(texts: Texts): string {
  const value = (text: string): string =>
    text
      .replace(/[\\\t\n\r\f]|[^\x20-\x7e]/g, (unit) => propertiesShort[unit] ?? escapedUnit(unit))
      .replace(/^ /, '\\ ');
  return [...texts].map(([key, text]) => `${key}=${value(text)}\n`).join('');
}

/** Without the `u` flag a pattern meets UTF-16 units, which is what both escapes are made of. */
function escapedUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function unfit(key: string, why: string, format: Format): AgentError {
  return new AgentError('DecodeFailed', `key ${JSON.stringify(key)} ${why}, so ${format} cannot hold it`, {
    remedy:
      'Read that key from its own file, or set the annotation agent.external-secrets.io/format to files.',
  });
}
