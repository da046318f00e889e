import { AgentError } from '../base/errors.ts';
import { goMarshal, isObject, type Json, parseJson, parseJsonWithFloats } from '../base/json.ts';
import { Secret, type SecretMap } from '../base/secret.ts';
import { decodeRune, isValidUtf8, runeError } from '../template/utf8.ts';
import type { FetchedMap } from './fetched.ts';
import { gjson } from './gjson.ts';
import { clipped, listed } from './listed.ts';

const asGo = { escapeHtml: false } as const;

/**
 * What `data` takes of named values, as ESO's Kubernetes provider has it: without a property all of them as JSON;
 * else the value of exactly that name; else what stands before the first dot is a name, and after it a gjson path
 * into its value. Throws PropertyMissing, which names the keys that are there.
 */
export function namedValue(map: FetchedMap, property: string): Secret {
  if (property === '') return whole(map);
  const found = map.content === 'json' ? memberOf(map.entries, property) : valueAt(map.entries, property);
  return found ?? fail(missing(map, property));
}

/**
 * What `extract` takes of them: all as they are; with a property the members of the JSON object that the value of
 * that name (or at that gjson path over the names) is, each as JSON, so that texts keep their quotes, as in ESO.
 */
export function namedValues(map: FetchedMap, property: string): SecretMap {
  if (property === '') return map.entries;
  const value = map.entries.get(property)?.reveal() ?? selected(map.entries, property);
  if (value === undefined) throw missing(map, property);
  const members = parseJsonWithFloats(value);
  if (members === null) return new Map();
  if (!isObject(members)) {
    throw new AgentError('DecodeFailed', `${clipped(property)} is JSON, and not an object`, {
      remedy: 'take it as one key with data, or name a key that holds an object',
    });
  }
  return new Map([...members].map(([key, member]) => [key, Secret.of(goMarshal(member, asGo))]));
}

function valueAt(entries: SecretMap, property: string): Secret | undefined {
  const exact = entries.get(property);
  if (exact !== undefined) return exact;
  const dot = property.indexOf('.');
  if (dot <= 0 || dot === property.length - 1) return undefined;
  const found = gjsonIn(entries.get(property.slice(0, dot)), property.slice(dot + 1));
  return found && Secret.of(found);
}

function gjsonIn(value: Secret | undefined, path: string): Buffer | undefined {
  return value === undefined ? undefined : gjson(value.reveal(), path);
}

/** Of values that are JSON objects of texts: `labels`, `labels.app`; what follows is a path without its dots, as in ESO. */
function memberOf(entries: SecretMap, property: string): Secret | undefined {
  const [name = '', key, ...rest] = property.split('.');
  const entry = entries.get(name);
  if (entry === undefined || key === undefined) return entry;
  const members = parseJson(entry.reveal());
  const member = isObject(members) ? members.get(key) : undefined;
  if (typeof member !== 'string') return undefined;
  if (rest.length === 0) return Secret.of(member);
  const found = gjson(Buffer.from(member), rest.join(''));
  return found && Secret.of(found);
}

function whole({ content, entries }: FetchedMap): Secret {
  if (content === 'json') {
    const json = new Map(
      [...entries].map(([key, value]): [string, Json] => [key, parseJson(value.reveal())]),
    );
    return Secret.of(goMarshal(json, asGo));
  }
  const members = [...entries]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${goMarshal(key, asGo)}:${quoted(value.reveal())}`);
  return Secret.of(`{${members.join(',')}}`);
}

/** Go writes each byte that is not UTF-8 as the escape of U+FFFD. */
function quoted(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  if (isValidUtf8(text)) return goMarshal(bytes.toString('utf8'), asGo);
  let written = '';
  let start = 0;
  for (let i = 0; i < text.length; ) {
    const packed = decodeRune(text, i);
    const width = packed & 7;
    if (packed >> 3 === runeError && width === 1) {
      written += `${inner(text.slice(start, i))}\\ufffd`;
      start = i + 1;
    }
    i += width;
  }
  return `"${written}${inner(text.slice(start))}"`;
}

/** A binary string as the inside of a JSON string. */
function inner(binary: string): string {
  return goMarshal(Buffer.from(binary, 'latin1').toString('utf8'), asGo).slice(1, -1);
}

/** ESO asks for the path in the JSON of the names, whose values are base64. */
function selected(entries: SecretMap, property: string): Buffer | undefined {
  const members = [...entries].map(
    ([key, value]) => `${goMarshal(key, asGo)}:"${value.reveal().toString('base64')}"`,
  );
  const json = Buffer.from(`{${members.sort().join(',')}}`);
  const found =
    (property.includes('.') ? gjson(json, property.replaceAll('.', '\\.')) : undefined) ??
    gjson(json, property);
  return found && Buffer.from(found.toString('latin1'), 'base64');
}

function missing({ entries }: FetchedMap, property: string): AgentError {
  const known = entries.size === 0 ? 'there are no keys' : `the keys are ${listed(entries.keys())}`;
  const name = property.split('.')[0] ?? '';
  const beneath =
    entries.has(name) && name !== property ? `, and ${clipped(name)} holds nothing at that path` : '';
  return new AgentError('PropertyMissing', `there is no property ${clipped(property)}: ${known}${beneath}`, {
    at: { property: clipped(property) },
    remedy: 'correct remoteRef.property, or add the key in the store',
  });
}

function fail(error: AgentError): never {
  throw error;
}
