import { GoError } from './func.ts';
import type { Maybe } from './state.ts';
import {
  Func,
  floatOf,
  GoMap,
  Int,
  integerOf,
  isUnsignedKind,
  Named,
  plain,
  Slice,
  Struct,
  typeName,
  type Value,
} from './value.ts';

/** eq, ne, lt, le, gt and ge, by Go's rules: only alike kinds compare, but integers of any sign. */

type Basic = 'bool' | 'int' | 'uint' | 'float' | 'string';

function basicKind(value: Value): Basic | undefined {
  const base = plain(value);
  switch (typeof base) {
    case 'string':
      return 'string';
    case 'bigint':
      return 'int';
    case 'number':
      return 'float';
    case 'boolean':
      return 'bool';
  }
  if (base instanceof Int) return isUnsignedKind(base.kind) ? 'uint' : 'int';
  return floatOf(base) === undefined ? undefined : 'float';
}

/** The comparable content of a value of a basic kind. */
function content(value: Value): string | bigint | number | boolean {
  const base = plain(value);
  return integerOf(base) ?? floatOf(base) ?? (base as string | boolean);
}

const isInteger = (kind: Basic | undefined): boolean => kind === 'int' || kind === 'uint';

/** Whether the first equals any of the others. */
export function equalsAny(first: Maybe, others: readonly Maybe[]): boolean {
  if (others.length === 0) throw new GoError('missing argument for comparison');
  return others.some((other) => equals(first ?? null, other ?? null));
}

function equals(a: Value, b: Value): boolean {
  const kindA = basicKind(a);
  const kindB = basicKind(b);
  if (kindA !== kindB && !(isInteger(kindA) && isInteger(kindB))) {
    if (a === null || b === null) return false;
    throw new GoError(`incompatible types for comparison: ${typeName(a)} and ${typeName(b)}`);
  }
  return kindA === undefined ? sameReference(a, b) : content(a) === content(b);
}

/** Of two values that have no basic kind: nil equals nil; structs and pointers compare, lists and maps do not. */
function sameReference(a: Value, b: Value): boolean {
  if (a !== null && b !== null && classOf(a) !== classOf(b)) {
    throw new GoError(`non-comparable types ${typeName(a)}, ${typeName(b)}`);
  }
  if (isNil(a) || isNil(b)) return isNil(a) && isNil(b);
  if (!(b instanceof Struct)) throw new GoError(`non-comparable type ${typeName(b as Value)}`);
  const other = a as Struct;
  if (other.pointer || b.pointer) return other === b;
  return (
    typeName(other) === typeName(b) &&
    [...b.fields].every(([name, value]) => same(other.fields.get(name), value))
  );
}

function same(a: Value | undefined, b: Value): boolean {
  if (a === b) return true;
  return a !== undefined && a !== null && b !== null && typeName(a) === typeName(b) && equals(a, b);
}

function classOf(value: Value): string {
  const base = plain(value);
  if (base instanceof Slice) return 'slice';
  if (base instanceof GoMap) return 'map';
  if (base instanceof Func) return 'func';
  return base instanceof Struct && base.pointer ? 'ptr' : 'struct';
}

function isNil(value: Value): boolean {
  const base = value instanceof Named ? value.value : value;
  if (base === null) return true;
  return (base instanceof Slice || base instanceof GoMap || base instanceof Struct) && base.isNil;
}

/** a < b; of booleans and what has no basic kind there is no order. */
export function isLess(a: Maybe, b: Maybe): boolean {
  const kindA = a === undefined || a === null ? undefined : basicKind(a);
  const kindB = b === undefined || b === null ? undefined : basicKind(b);
  if (kindA === undefined || kindB === undefined) throw new GoError('invalid type for comparison');
  if (kindA !== kindB && !(isInteger(kindA) && isInteger(kindB))) {
    throw new GoError(`incompatible types for comparison: ${typeName(a!)} and ${typeName(b!)}`);
  }
  if (kindA === 'bool') throw new GoError('invalid type for comparison');
  return content(a!) < content(b!);
}

/** a <= b, as Go has it: less, or equal. */
export function isAtMost(a: Maybe, b: Maybe): boolean {
  return isLess(a, b) || equals(a!, b!);
}
