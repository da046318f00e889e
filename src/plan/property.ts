import { AgentError } from '../base/errors.ts';
import { goMarshal, isObject, type Json, JsonNumber, parseJson } from '../base/json.ts';
import { Secret } from '../base/secret.ts';
import { byteValue } from './byte-value.ts';
import type { FetchedText, FetchedTree, Traits } from './fetched.ts';
import { gjson } from './gjson.ts';
import { objectComponent } from './gjson-path.ts';
import { clipped, listed } from './listed.ts';

/**
 * The value under `property`, by the provider's order of look-up; the whole when `property` is empty. Undefined
 * when it is absent and the provider counts that as "no secret". Throws PropertyMissing, naming the keys that are
 * there instead and no value.
 */
export function lookup(
  fetched: FetchedText | FetchedTree,
  property: string,
  traits: Traits,
): Secret | undefined {
  const whole = wholeOf(fetched);
  if (property === '') return whole;
  const found = find(whole.reveal(), property, traits.lookup);
  if (found !== undefined) return Secret.of(found);
  if (traits.absentProperty === 'absent') return undefined;
  throw missing(whole.reveal(), property);
}

/** A tree is seen, whole or by a path, as Go writes it: keys sorted, no space, HTML escaped. */
function wholeOf(fetched: FetchedText | FetchedTree): Secret {
  if (fetched.kind === 'text') return fetched.value;
  return Secret.of(goMarshal(parseJson(fetched.json.reveal()), { escapeHtml: true }));
}

function find(bytes: Buffer, property: string, order: Traits['lookup']): Buffer | undefined {
  switch (order) {
    case 'path':
      return gjson(bytes, property);
    case 'literal-then-path':
      // Only dots are escaped: `*`, `?`, `#`, `@` and `|` keep their meaning, as in ESO.
      return (
        (property.includes('.') ? gjson(bytes, property.replaceAll('.', '\\.')) : undefined) ??
        gjson(bytes, property)
      );
    case 'key-then-path': {
      const members = parseJson(bytes);
      const member = isObject(members) ? members.get(property) : undefined;
      return member === undefined ? gjson(bytes, property) : byteValue(member);
    }
  }
}

/** That it is absent, and what is there instead, for a provider that counts that as "no secret". */
export function absence(fetched: FetchedText | FetchedTree, property: string): string {
  return missing(wholeOf(fetched).reveal(), property).message;
}

function missing(bytes: Buffer, property: string): AgentError {
  const json = attemptJson(bytes);
  const known = json === undefined ? 'the value is not JSON' : knownInstead(json, property);
  return new AgentError('PropertyMissing', `there is no property ${clipped(property)}: ${known}`, {
    at: { property: clipped(property) },
    remedy:
      json === undefined
        ? 'leave out property to take the value as a whole'
        : 'correct remoteRef.property, or add the key in the store',
  });
}

function attemptJson(bytes: Buffer): Json | undefined {
  try {
    return parseJson(bytes);
  } catch {
    return undefined;
  }
}

/** What there is at the deepest place that the path reaches by plain names and indexes. */
function knownInstead(json: Json, property: string): string {
  const reached: string[] = [];
  let here = json;
  for (let rest: string | undefined = property; rest !== undefined; ) {
    const { part, path, more } = objectComponent(rest);
    const next = step(here, part);
    if (next === undefined || !more) break;
    reached.push(clipped(part));
    here = next;
    rest = path;
  }
  const place = reached.join('.');
  if (isObject(here)) {
    const where = place === '' ? '' : ` under ${place}`;
    return here.size === 0 ? `there are no keys${where}` : `the keys${where} are ${listed(here.keys())}`;
  }
  const what = Array.isArray(here) ? `a list of ${here.length}` : `${kindOf(here)} and not an object`;
  return `${place === '' ? 'the value' : place} is ${what}`;
}

function step(here: Json, part: string): Json | undefined {
  if (isObject(here)) return here.get(part);
  return Array.isArray(here) && /^[0-9]{1,9}$/.test(part) ? here[Number(part)] : undefined;
}

function kindOf(value: Json): string {
  if (value === null) return 'null';
  if (value instanceof JsonNumber) return 'a number';
  return typeof value === 'string' ? 'a text' : 'a boolean';
}
