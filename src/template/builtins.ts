import { callValue, valueType } from './call.ts';
import { equalsAny, isAtMost, isLess } from './compare.ts';
import { escapeHtml, escapeJs, escapeQuery } from './escape.ts';
import { printable, sprint, sprintf, sprintln } from './fmt.ts';
import { type Call, type CallContext, type EagerFunction, type FunctionTable, GoError } from './func.ts';
import type { Maybe } from './state.ts';
import {
  anyType,
  Func,
  GoMap,
  Int,
  integerOf,
  isTrue,
  type MapKey,
  Named,
  plain,
  Slice,
  Struct,
  type TypeName,
  typeName,
  type Value,
  zeroOf,
} from './value.ts';

/** The functions that text/template brings itself; a function table's of the same name comes before them. */
export const builtins: FunctionTable = {
  // Evaluated by the engine, since they look no further than needed.
  and: ofValues(1, true, () => null),
  or: ofValues(1, true, () => null),
  call: ofValues(1, true, call),
  eq: ofValues(1, true, ([first, ...others]) => equalsAny(first, others)),
  ge: ofValues(2, false, ([a, b]) => !isLess(a, b)),
  gt: ofValues(2, false, ([a, b]) => !isAtMost(a, b)),
  html: ofAny((args, context) => escapeHtml(textOf(args, context))),
  index: ofValues(1, true, ([item, ...indexes]) => index(item, indexes)),
  js: ofAny((args, context) => escapeJs(textOf(args, context))),
  le: ofValues(2, false, ([a, b]) => isAtMost(a, b)),
  len: ofValues(1, false, ([item]) => length(item)),
  lt: ofValues(2, false, ([a, b]) => isLess(a, b)),
  ne: ofValues(2, false, ([a, b]) => !equalsAny(a, [b])),
  not: ofValues(1, false, ([value]) => !isTrue(value)),
  print: ofAny(sprint),
  printf: {
    params: ['string', anyType],
    variadic: true,
    call: ([format, ...operands], context) => sprintf(format as string, operands, context),
  },
  println: ofAny(sprintln),
  slice: ofValues(1, true, ([item, ...indexes]) => slice(item, indexes)),
  urlquery: ofAny((args, context) => escapeQuery(textOf(args, context))),
};

/** A function of so many parameters that may each be anything, even no value; `variadic` takes more. */
function ofValues(
  count: number,
  variadic: boolean,
  body: (args: readonly Maybe[], context: CallContext) => Maybe,
): EagerFunction {
  const params: TypeName[] = new Array(count + (variadic ? 1 : 0)).fill(valueType);
  return { params, variadic, call: body as Call };
}

function ofAny(body: Call): EagerFunction {
  return { params: [anyType], variadic: true, call: body };
}

/** What the escapers escape: one string as it is, else as print gives it, nil being "no value". */
function textOf(args: readonly Value[], context: CallContext): string {
  const [only] = args;
  if (args.length === 1 && typeof only === 'string') return only;
  return sprint(
    args.map((arg) => printable(arg ?? undefined)),
    context,
  );
}

function call([fn, ...args]: readonly Maybe[], context: CallContext): Maybe {
  if (fn === undefined || fn === null) throw new GoError('call of nil');
  if (!(fn instanceof Func)) throw new GoError(`call of a non-function of type ${typeName(fn)}`);
  return fn.method.call(undefined as never, callValue(fn.method, args), context);
}

function length(item: Maybe): bigint {
  if (item === null) throw new GoError('len of nil pointer');
  if (item === undefined) throw new GoError('len of what has no value');
  const value = plain(item);
  if (typeof value === 'string') return BigInt(value.length);
  if (value instanceof Slice) return BigInt(value.items.length);
  if (value instanceof GoMap) return BigInt(value.entries.size);
  throw new GoError(`len of type ${typeName(item)}`);
}

function index(item: Maybe, indexes: readonly Maybe[]): Maybe {
  if (item === undefined || item === null) throw new GoError('index of untyped nil');
  let found: Value = item;
  for (const key of indexes) {
    if (found === null || (found instanceof Struct && found.isNil)) throw new GoError('index of nil pointer');
    found = indexOnce(found, key ?? null);
  }
  return found;
}

function indexOnce(item: Value, key: Value): Value {
  const value = plain(item);
  if (value instanceof GoMap) return value.entries.get(mapKey(value, key)) ?? zeroOf(value.elem);
  const isString = typeof value === 'string';
  if (!isString && !(value instanceof Slice)) throw new GoError(`can't index item of type ${typeName(item)}`);
  const size = isString ? value.length : value.items.length;
  const at = position(key, size - 1);
  return isString ? new Int('uint8', BigInt(value.charCodeAt(at))) : value.items[at]!;
}

/** The key as the map's key type takes it: integers of any kind are converted to one another. */
function mapKey(map: GoMap, key: Value): MapKey {
  if (key === null) {
    if (map.key === anyType) throw new GoError('no map here has a nil key');
    throw new GoError(`value is nil; should be of type ${map.key}`);
  }
  const integer = integerOf(key);
  if (integer !== undefined && /^u?int/.test(map.key)) return integer;
  if (map.key !== anyType && map.key !== typeName(key)) {
    throw new GoError(`value has type ${typeName(key)}; should be ${map.key}`);
  }
  return plain(key) as MapKey;
}

/** An index as a number from 0 to `last`. */
function position(key: Value, last: number): number {
  const integer = integerOf(key);
  if (integer === undefined) {
    throw new GoError(`cannot index slice/array with ${key === null ? 'nil' : `type ${typeName(key)}`}`);
  }
  if (integer < 0n || integer > BigInt(last)) throw new GoError('index out of range');
  return Number(integer);
}

/** `slice x 1 2` is x[1:2]; the third index bounds the capacity. */
function slice(item: Maybe, indexes: readonly Maybe[]): Maybe {
  if (item === undefined || item === null) throw new GoError('slice of untyped nil');
  if (indexes.length > 3) throw new GoError(`too many slice indexes: ${indexes.length}`);
  const value = plain(item);
  const isString = typeof value === 'string';
  if (!isString && !(value instanceof Slice)) throw new GoError(`can't slice item of type ${typeName(item)}`);
  if (isString && indexes.length === 3) throw new GoError('cannot 3-index slice a string');
  const size = isString ? value.length : value.items.length;
  const capacity = isString ? size : size + value.spare.length;
  const [low = 0, high = size, max = capacity] = indexes.map((key) => position(key ?? null, capacity));
  if (low > high || high > max) throw new GoError('invalid slice index');
  const cut = isString ? value.slice(low, high) : cutSlice(value, low, high, max);
  return item instanceof Named ? new Named(item.type, cut) : cut;
}

function cutSlice({ elem, items, spare }: Slice, low: number, high: number, max: number): Slice {
  const all = [...items, ...spare];
  return new Slice(elem, all.slice(low, high), { spare: all.slice(high, max) });
}
