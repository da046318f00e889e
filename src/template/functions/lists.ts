import { type CallContext, type FunctionTable, func, GoError, variadic } from '../func.ts';
import { anySlice, anyType, kindOf, Named, Slice, stringSlice, type Value } from '../value.ts';
import { stepsPerItem, stringsOf, strval, toInteger } from './cast.ts';
import { isEmpty } from './defaults.ts';
import { deepEqual } from './equal.ts';

const any = 'interface {}';

const list = variadic([], any, (values) => anySlice([...values]));
const append = func([any, any], (value, added, context) =>
  anySlice([...copied(value, 'push on', context), added]),
);
const prepend = func([any, any], (value, added, context) =>
  anySlice([added, ...copied(value, 'prepend on', context)]),
);
const first = func([any], (value) => items(value, 'find first on')[0] ?? null);
const last = func([any], (value) => items(value, 'find last on').at(-1) ?? null);
const rest = func([any], (value, context) =>
  nilIfNone(copied(value, 'find rest on', context), (found) => found.slice(1)),
);
const initial = func([any], (value, context) =>
  nilIfNone(copied(value, 'find initial on', context), (found) => found.slice(0, -1)),
);
const reverse = func([any], (value, context) =>
  anySlice([...copied(value, 'find reverse on', context)].reverse()),
);
const compact = func([any], (value, context) =>
  anySlice(copied(value, 'compact on', context).filter((item) => !isEmpty(item))),
);
const uniq = func([any], (value, context) => {
  const kept: Value[] = [];
  for (const item of items(value, 'find uniq on')) if (!includes(kept, item, context)) kept.push(item);
  return anySlice(kept);
});
const without = variadic([any], any, (value, omitted, context) =>
  anySlice(items(value, 'find without on').filter((item) => !includes(omitted, item, context))),
);
const has = func([any, any], (needle, haystack, context) =>
  haystack === null ? false : includes(items(haystack, 'find has on'), needle, context),
);
const slice = variadic([any], any, (value, bounds, context) => subslice(value, bounds, context));
const chunk = func(['int', any], (size, value, context) => chunks(Number(size), value, context));

export const lists: FunctionTable = {
  tuple: list,
  list,
  append,
  push: append,
  mustAppend: append,
  mustPush: append,
  prepend,
  mustPrepend: prepend,
  first,
  mustFirst: first,
  rest,
  mustRest: rest,
  last,
  mustLast: last,
  initial,
  mustInitial: initial,
  reverse,
  mustReverse: reverse,
  compact,
  mustCompact: compact,
  uniq,
  mustUniq: uniq,
  without,
  mustWithout: without,
  has,
  mustHas: has,
  slice,
  mustSlice: slice,
  chunk,
  mustChunk: chunk,
  concat: variadic([], any, (values, context) => {
    const all = values.flatMap((value) => {
      const found = items(value, 'concat', ' as list');
      context.step(found.length * stepsPerItem);
      return found;
    });
    return values.length === 0 || all.length === 0 ? new Slice(anyType, [], { isNil: true }) : anySlice(all);
  }),
  sortAlpha: func([any], (value, context) => {
    const bare = value instanceof Named ? value.value : value;
    if (!(bare instanceof Slice)) return stringSlice([strval(value, context)]);
    return stringSlice(stringsOf(bare, context).sort(byBytes));
  }),
};

/** Binary strings compare as their bytes do. */
export function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The elements of a slice; of something else, Go's error with its kind. */
function items(value: Value, action: string, suffix = ''): readonly Value[] {
  const bare = value instanceof Named ? value.value : value;
  if (bare instanceof Slice) return bare.items;
  if (value === null) throw new GoError('runtime error: invalid memory address or nil pointer dereference');
  throw new GoError(`Cannot ${action} type ${kindOf(value)}${suffix}`);
}

/** The same, when a list of about that length is made of them. */
function copied(value: Value, action: string, context: CallContext): readonly Value[] {
  const found = items(value, action);
  context.step(1 + (found.length >> 3));
  return found;
}

function nilIfNone(found: readonly Value[], pick: (found: readonly Value[]) => Value[]): Slice {
  return found.length === 0 ? new Slice(anyType, [], { isNil: true }) : anySlice(pick(found));
}

function includes(haystack: readonly Value[], needle: Value, context: CallContext): boolean {
  return haystack.some((item) => deepEqual(needle, item, context));
}

function subslice(value: Value, bounds: readonly Value[], context: CallContext): Value {
  const found = copied(value, 'slice', context);
  if (found.length === 0) return null;
  const source = (value instanceof Named ? value.value : value) as Slice;
  const reachable = [...source.items, ...source.spare];
  const start = bounds.length > 0 ? toInteger(bounds[0]!) : 0n;
  const end = bounds.length > 1 ? toInteger(bounds[1]!) : BigInt(found.length);
  if (start < 0n || end < start || end > BigInt(reachable.length)) {
    throw new GoError('reflect.Value.Slice: slice index out of bounds');
  }
  const spare = reachable.slice(Number(end));
  return new Slice(source.elem, reachable.slice(Number(start), Number(end)), { spare });
}

/** Go computes the count in floats, so that sizes of 0 and below have results of their own. */
function chunks(size: number, value: Value, context: CallContext): Slice {
  const found = items(value, 'chunk');
  const count = Math.floor((found.length - 1) / size) + 1;
  if (!(count >= 0) || count > found.length + 1)
    throw new GoError('runtime error: makeslice: len out of range');
  context.step(found.length * stepsPerItem);
  const parts: Value[] = [];
  for (let i = 0; i < count; i++) {
    const width = i < count - 1 ? size : Math.trunc(found.length % size) || size;
    if (width < 0 || i * size + width > found.length) throw new GoError('runtime error: index out of range');
    parts.push(anySlice(found.slice(i * size, i * size + width)));
  }
  return new Slice(`[]${anyType}`, parts);
}
