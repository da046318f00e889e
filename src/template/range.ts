import type { Maybe, State } from './state.ts';
import { GoMap, Int, integerOf, type MapKey, makeInt, plain, Slice, typeName, type Value } from './value.ts';

/** One iteration; true ends the range. */
type Iteration = (index: Maybe, element: Maybe) => boolean;

/**
 * Ranges over a list, a map in the order of its keys, or the integers below a number. Returns whether there
 * was anything to range over.
 */
export function forEach(state: State, collection: Maybe, variableCount: number, each: Iteration): boolean {
  if (collection === undefined || collection === null) return false;
  const value = plain(collection);
  if (value instanceof Slice) return forEachItem(value, each);
  if (value instanceof GoMap) return forEachEntry(value, each);
  const limit = integerOf(value);
  if (limit === undefined) return state.fail(`range can't iterate over ${typeName(collection)}`);
  if (variableCount > 1) return state.fail("can't use an integer to iterate over more than one variable");
  return forEachBelow(value, limit, each);
}

function forEachItem({ items }: Slice, each: Iteration): boolean {
  const { length } = items;
  for (let i = 0; i < length; i++) if (each(BigInt(i), items[i])) break;
  return length > 0;
}

function forEachEntry(map: GoMap, each: Iteration): boolean {
  const keys = sortedKeys(map);
  for (const [key, value] of keys.map((key) => [key, map.entries.get(key)] as const)) {
    if (each(key, value)) break;
  }
  return keys.length > 0;
}

function forEachBelow(type: Value, limit: bigint, each: Iteration): boolean {
  const kind = type instanceof Int ? type.kind : 'int';
  for (let i = 0n; i < limit; i++) if (each(makeInt(kind, i), makeInt(kind, i))) break;
  return limit > 0n;
}

/** As fmtsort: strings by bytes, numbers by size, false before true. */
export function sortedKeys(map: GoMap): MapKey[] {
  return [...map.entries.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
