import { AgentError } from '../base/errors.ts';
import { isObject, type Json, parseJsonWithFloats, parseMembers } from '../base/json.ts';
import { Secret, type SecretMap } from '../base/secret.ts';
import { byteValueOfFloats } from './byte-value.ts';
import type { Traits } from './fetched.ts';

/** The members of a JSON object, each as the bytes of a secret; null has none. Throws DecodeFailed for another value. */
export function membersOf(value: Secret, how: Traits['extract']): SecretMap {
  return how === 'raw' ? rawValues(value.reveal()) : byteValues(value.reveal());
}

function rawValues(text: Buffer): SecretMap {
  const members = parseMembers(text);
  if (members === undefined) throw noObject();
  return new Map([...(members ?? [])].map(([key, { value, raw }]) => [key, rawValue(value, raw)]));
}

/** Strings unquoted, null as nothing, anything else as the bytes that the store holds. */
function rawValue(value: Json, raw: Buffer): Secret {
  if (typeof value === 'string') return Secret.of(value);
  return Secret.of(value === null ? '' : raw);
}

/** Through Go's `any`, as ESO's Vault provider does. */
function byteValues(text: Buffer): SecretMap {
  const members = parseJsonWithFloats(text);
  if (members === null) return new Map();
  if (!isObject(members)) throw noObject();
  return new Map([...members].map(([key, member]) => [key, Secret.of(byteValueOfFloats(member))]));
}

function noObject(): AgentError {
  return new AgentError('DecodeFailed', 'extract needs a JSON object, and the value is another JSON value', {
    remedy: 'take it as one key with data, or name an object with property',
  });
}
