import { limits } from '../../base/limits.ts';
import { type CallContext, GoError } from '../func.ts';
import { GoMap, Named, Slice, Struct, type Value } from '../value.ts';
import { zeroVersion } from './versions.ts';

/** copystructure.Copy, which cannot copy nil. */
export function copyOf(value: Value, context: CallContext): Value {
  if (value === null) throw new GoError('runtime error: invalid memory address or nil pointer dereference');
  return deepCopy(value, context);
}

/** A copy that shares nothing with its source; types are kept. */
function deepCopy(value: Value, context: CallContext, depth = 0): Value {
  if (depth > limits.templateValueDepthCount) throw new GoError('a value nested too deep');
  context.step();
  const inner = (part: Value): Value => deepCopy(part, context, depth + 1);
  if (value instanceof Slice) return new Slice(value.elem, value.items.map(inner), { isNil: value.isNil });
  if (value instanceof GoMap) {
    const entries = [...value.entries].map(([key, part]) => [key, inner(part)] as const);
    return new GoMap(value.key, value.elem, entries, value.isNil);
  }
  if (value instanceof Named) return new Named(value.type, inner(value.value) as Named['value']);
  if (value instanceof Struct) return copyStruct(value, inner);
  return value;
}

function copyStruct(value: Struct, inner: (part: Value) => Value): Struct {
  const version = zeroVersion(value);
  if (version !== undefined) return version;
  const fields = new Map([...value.fields].map(([name, part]) => [name, inner(part)] as const));
  return new Struct(value.type, value.inner, { fields, pointer: value.pointer, isNil: value.isNil });
}
