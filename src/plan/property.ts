import { AgentError } from '../base/errors.ts';
import { isObject, type Json, parseJson } from '../base/json.ts';
import { Secret } from '../base/secret.ts';
import { byteValue } from './byte-value.ts';
import type { FetchedText, FetchedTree, Traits } from './fetched.ts';
import { gjson } from './gjson.ts';

/** As many siblings' names as fit a message. */
const siblingsShown = 20;

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
  const whole = fetched.kind === 'text' ? fetched.value : fetched.json;
  if (property === '') return whole;
  const found = find(whole.reveal(), property, traits.lookup);
  if (found !== undefined) return Secret.of(found);
  if (traits.absentProperty === 'absent') return undefined;
  throw missing(whole.reveal(), property);
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

function missing(bytes: Buffer, property: string): AgentError {
  const json = attemptJson(bytes);
  const at = { property };
  if (json === undefined) {
    return new AgentError('PropertyMissing', `there is no property ${property}: the value is not JSON`, {
      at,
      remedy: 'leave out property to take the value as a whole',
    });
  }
  const [parent, siblings] = siblingsOf(json, property);
  const where = parent === '' ? '' : ` under ${parent}`;
  const shown = siblings
    .slice(0, siblingsShown)
    .map((key) => JSON.stringify(key))
    .join(', ');
  const more = siblings.length > siblingsShown ? ` and ${siblings.length - siblingsShown} more` : '';
  const known = siblings.length === 0 ? `there are no keys${where}` : `the keys${where} are ${shown}${more}`;
  return new AgentError('PropertyMissing', `there is no property ${property}: ${known}`, {
    at,
    remedy: 'correct remoteRef.property, or add the key in the store',
  });
}

function attemptJson(bytes: Buffer): Json | undefined {
  try {
    return parseJson(bytes);
  } catch {
    return undefined;
  }
}

/** The keys at the deepest object that the path reaches by plain names, sorted, and the path to it. */
function siblingsOf(json: Json, property: string): [parent: string, siblings: readonly string[]] {
  let parent = '';
  let here = json;
  for (const part of property.split('.')) {
    const next = isObject(here) ? here.get(part) : undefined;
    if (next === undefined || !isObject(next)) break;
    parent = parent === '' ? part : `${parent}.${part}`;
    here = next;
  }
  return [parent, isObject(here) ? [...here.keys()].sort() : []];
}
