import { parseFloat64 } from './float.ts';
import { parseInteger } from './number.ts';

/** What go-yaml v2 makes of a scalar: YAML 1.1's types, by its own rules for what is a number. */

type Resolved = null | boolean | bigint | number | string;

const words = new Map<string, null | boolean | number>();
for (const word of ['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'])
  words.set(word, true);
for (const word of ['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'])
  words.set(word, false);
for (const word of ['', '~', 'null', 'Null', 'NULL']) words.set(word, null);
for (const word of ['.nan', '.NaN', '.NAN']) words.set(word, Number.NaN);
for (const word of ['.inf', '.Inf', '.INF']) {
  words.set(word, Number.POSITIVE_INFINITY);
  words.set(`+${word}`, Number.POSITIVE_INFINITY);
  words.set(`-${word}`, Number.NEGATIVE_INFINITY);
}

const yamlTag = 'tag:yaml.org,2002:';

/** Undefined where the text does not fit its tag. Tags of other makers leave the text as it is. */
export function resolveScalar(text: string, tag: string | undefined, isPlain: boolean): Resolved | undefined {
  if (tag === '!') return resolvePlain(text, true);
  if (tag === undefined) return isPlain ? resolvePlain(text, true) : text;
  switch (tag) {
    case `${yamlTag}null`:
      return resolvePlain(text, false) === null ? null : undefined;
    case `${yamlTag}binary`:
      return decodeBinary(text);
    case `${yamlTag}bool`:
      return fit(resolvePlain(text, false), 'boolean');
    case `${yamlTag}int`:
      return fit(resolvePlain(text, false), 'bigint');
    case `${yamlTag}float`: {
      const value = resolvePlain(text, false);
      return typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : fit(value, 'number');
    }
    case `${yamlTag}timestamp`:
      return isTimestamp(text) ? text : undefined;
  }
  return text;
}

function fit(value: Resolved, type: 'boolean' | 'bigint' | 'number'): Resolved | undefined {
  return typeof value === type ? value : undefined;
}

function resolvePlain(text: string, mayBeDate: boolean): Resolved {
  const word = words.get(text);
  if (word !== undefined) return word;
  if (text.startsWith('.')) {
    const float = parseFloat64(text);
    return float !== undefined && Number.isFinite(float) ? float : text;
  }
  if (!/^[-+0-9]/.test(text) || (mayBeDate && isTimestamp(text))) return text;
  return resolveNumber(text.replaceAll('_', '')) ?? text;
}

function resolveNumber(plain: string): bigint | number | undefined {
  const { int, uint } = parseInteger(plain);
  if (int !== undefined || uint !== undefined) return int ?? uint;
  if (!/^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(plain)) return undefined;
  const float = parseFloat64(plain);
  return float !== undefined && Number.isFinite(float) ? float : undefined;
}

/** Dates stay text; what looks like one is only kept from being anything else. */
function isTimestamp(text: string): boolean {
  return /^\d{4}-\d{1,2}-\d{1,2}([Tt ]\d{1,2}:\d{1,2}:\d{1,2}(\.\d*)?(Z|[-+]\d\d:\d\d)?)?$/.test(text);
}

/** Go's StdEncoding, which skips line breaks. */
function decodeBinary(text: string): string | undefined {
  const digits = text.replace(/[\r\n]/g, '');
  if (digits.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(digits)) return undefined;
  return Buffer.from(digits, 'base64').toString('utf8');
}
