import { isDeepStrictEqual } from 'node:util';
import { limits } from '../../base/limits.ts';
import { type CallContext, GoError } from '../func.ts';
import { Float32, Func, GoMap, Int, Named, Slice, Struct, typeName, type Value } from '../value.ts';

/** reflect.DeepEqual: types count too, `1` is not `int64 1`, and an empty slice is not a nil one. */
export function deepEqual(a: Value, b: Value, context: CallContext, depth = 0): boolean {
  context.step();
  if (depth > limits.templateValueDepthCount) throw new GoError('a value nested too deep');
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (typeName(a) !== typeName(b)) return false;
  if (a instanceof Int && b instanceof Int) return a.value === b.value;
  if (a instanceof Float32 && b instanceof Float32) return a.value === b.value;
  if (a instanceof Named && b instanceof Named) return deepEqual(a.value, b.value, context, depth + 1);
  if (a instanceof Slice && b instanceof Slice) return slicesEqual(a, b, context, depth);
  if (a instanceof GoMap && b instanceof GoMap) return mapsEqual(a, b, context, depth);
  if (a instanceof Struct && b instanceof Struct) return structsEqual(a, b, context, depth);
  // Functions are equal only when both are nil.
  return !(a instanceof Func) && a === b;
}

function slicesEqual(a: Slice, b: Slice, context: CallContext, depth: number): boolean {
  if (a.isNil !== b.isNil || a.items.length !== b.items.length) return false;
  return a.items === b.items || a.items.every((item, i) => deepEqual(item, b.items[i]!, context, depth + 1));
}

function mapsEqual(a: GoMap, b: GoMap, context: CallContext, depth: number): boolean {
  if (a.isNil !== b.isNil || a.entries.size !== b.entries.size) return false;
  if (a.entries === b.entries) return true;
  for (const [key, value] of a.entries) {
    const other = b.entries.get(key);
    if (other === undefined || !deepEqual(value, other, context, depth + 1)) return false;
  }
  return true;
}

function structsEqual(a: Struct, b: Struct, context: CallContext, depth: number): boolean {
  if (a.isNil || b.isNil) return a.isNil === b.isNil;
  for (const [name, value] of a.fields) {
    if (!deepEqual(value, b.fields.get(name) ?? null, context, depth + 1)) return false;
  }
  return isDeepStrictEqual(a.inner, b.inner);
}
