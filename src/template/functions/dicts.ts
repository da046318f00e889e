import {
  type Call,
  type CallContext,
  type EagerFunction,
  type FunctionTable,
  func,
  GoError,
  variadic,
} from '../func.ts';
import { anySlice, dict, GoMap, stringSlice, type Value } from '../value.ts';
import { stepsPerItem, strval } from './cast.ts';
import { byBytes } from './lists.ts';
import { MergeRefused, mergeMaps } from './merge.ts';

const any = 'interface {}';
const map = 'map[string]interface {}';

const mustMerge = variadic([map], map, (target, sources, context) =>
  mergeMaps(target, sources, false, context),
);
const mustMergeOverwrite = variadic([map], map, (target, sources, context) =>
  mergeMaps(target, sources, true, context),
);

/** The forms without `must` give an empty text where values do not merge. */
function orNothing(merge: EagerFunction): EagerFunction {
  const call: Call = (args, context) => {
    try {
      return merge.call(args, context);
    } catch (error) {
      if (error instanceof MergeRefused) return '';
      throw error;
    }
  };
  return { ...merge, call };
}

export const dicts: FunctionTable = {
  dict: variadic([], any, (values, context) => {
    const made = dict();
    for (let i = 0; i < values.length; i += 2) {
      made.entries.set(strval(values[i]!, context), i + 1 < values.length ? values[i + 1]! : '');
    }
    return made;
  }),
  get: func([map, 'string'], (from, key) => from.entries.get(key) ?? (from.entries.has(key) ? null : '')),
  set: func([map, 'string', any], (into, key, value) => {
    if (into.isNil) throw new GoError('assignment to entry in nil map');
    into.entries.set(key, value);
    return into;
  }),
  unset: func([map, 'string'], (from, key) => {
    from.entries.delete(key);
    return from;
  }),
  hasKey: func([map, 'string'], (within, key) => within.entries.has(key)),
  pluck: variadic(['string'], map, (key, maps) =>
    anySlice(maps.filter((from) => from.entries.has(key)).map((from) => from.entries.get(key) ?? null)),
  ),
  keys: variadic([], map, (maps, context) => stringSlice(maps.flatMap((from) => sortedKeys(from, context)))),
  values: func([map], (from, context) =>
    anySlice(sortedKeys(from, context).map((key) => from.entries.get(key) ?? null)),
  ),
  pick: variadic([map], 'string', (from, keys) =>
    dict(
      keys.filter((key) => from.entries.has(key)).map((key) => [key, from.entries.get(key) ?? null] as const),
    ),
  ),
  omit: variadic([map], 'string', (from, keys, context) => {
    context.step(from.entries.size * stepsPerItem);
    const left = new Set(keys);
    return dict([...from.entries].filter(([key]) => !left.has(key as string)) as [string, Value][]);
  }),
  merge: orNothing(mustMerge),
  mustMerge,
  mergeOverwrite: orNothing(mustMergeOverwrite),
  mustMergeOverwrite,
  dig: variadic([], any, dig),
};

/** Go gives them in another order each time; a stable one keeps what is rendered stable. */
function sortedKeys(map: GoMap, context: CallContext): string[] {
  context.step(map.entries.size * stepsPerItem);
  return ([...map.entries.keys()] as string[]).sort(byBytes);
}

/** `dig "a" "b" fallback map`: the fallback where a key is missing, an error where a step is no map. */
function dig(params: readonly Value[]): Value {
  if (params.length < 3) throw new GoError('dig needs at least three arguments');
  const path = params.slice(0, -2);
  if (!path.every((key) => typeof key === 'string')) throw new GoError('dig: a key is no string');
  let step: Value = params.at(-1)!;
  for (const key of path) {
    if (!(step instanceof GoMap) || step.key !== 'string' || step.elem !== any) {
      throw new GoError('dig: a step is no map[string]interface {}');
    }
    const next: Value | undefined = step.entries.get(key);
    if (next === undefined) return params.at(-2)!;
    step = next;
  }
  return step;
}
