import { nearest } from '../base/nearest.ts';
import type { Maybe, State } from './state.ts';
import { GoMap, type Method, namedType, plain, Struct, toText, typeName, zeroOf } from './value.ts';

/** What a missing map key gives, as text/template's option of that name. */
export type MissingKey = 'error' | 'default' | 'zero';

/** The method of that name, if the value has one. */
export function methodOf(receiver: Maybe, name: string): Method | undefined {
  if (receiver === null || typeof receiver !== 'object') return undefined;
  const { methods } = namedType(receiver) ?? {};
  return methods !== undefined && Object.hasOwn(methods, name) ? methods[name] : undefined;
}

/** `.name` of a struct or map; `hasArguments` where the template gave it some, as only a method takes. */
export function fieldOf(
  state: State,
  receiver: Maybe,
  name: string,
  options: { missingKey: MissingKey; hasArguments: boolean },
): Maybe {
  if (receiver === undefined) {
    if (options.missingKey === 'error') state.fail(`${quoted(name)} is asked of what has no value`);
    return undefined;
  }
  if (receiver === null) return state.fail(`${quoted(name)} is asked of nil`);
  const value = plain(receiver);
  if (value instanceof Struct) return structField(state, value, name, options.hasArguments);
  if (value instanceof GoMap && (value.key === 'string' || value.key === 'interface {}')) {
    if (options.hasArguments) state.fail(`${quoted(name)} is no method but has arguments`);
    const found = value.entries.get(name);
    return found === undefined ? missing(state, value, name, options.missingKey) : found;
  }
  return state.fail(`can't take ${quoted(name)} of type ${typeName(receiver)}`);
}

function structField(state: State, struct: Struct, name: string, hasArguments: boolean): Maybe {
  if (struct.isNil) return state.fail(`${quoted(name)} is asked of a nil ${typeName(struct)}`);
  const field = /^\p{Lu}/u.test(name) ? struct.fields.get(name) : undefined;
  if (field === undefined) return state.fail(`can't take ${quoted(name)} of type ${typeName(struct)}`);
  if (hasArguments) return state.fail(`${quoted(name)} has arguments but is no function`);
  return field;
}

/** Keys named in an error. */
const shownKeyCount = 20;

function missing(state: State, map: GoMap, name: string, missingKey: MissingKey): Maybe {
  if (missingKey === 'default') return undefined;
  if (missingKey === 'zero') return zeroOf(map.elem);
  const keys = [...map.entries.keys()].map((key) => toText(String(key))).sort();
  const whose = map === state.root ? 'the fetched keys' : 'its keys';
  const more = keys.length > shownKeyCount ? `, and ${keys.length - shownKeyCount} more` : '';
  const known =
    keys.length === 0 ? 'there are none' : `are ${keys.slice(0, shownKeyCount).join(', ')}${more}`;
  const meant = nearest(toText(name), keys);
  return state.fail(
    `${quoted(name)}: no such key; ${keys.length === 0 ? `of ${whose} ` : `${whose} `}${known}`,
    meant === undefined ? undefined : `Did you mean .${meant}?`,
  );
}

function quoted(name: string): string {
  return `\`.${toText(name)}\``;
}
