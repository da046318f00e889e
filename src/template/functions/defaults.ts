import { type FunctionTable, func, variadic } from '../func.ts';
import { isTrue, Struct, type Value } from '../value.ts';
import { copyOf } from './copy.ts';

const any = 'interface {}';
const copy = func([any], (value, context) => copyOf(value, context));

export const defaults: FunctionTable = {
  default: variadic([any], any, (fallback, given) =>
    given.length === 0 || isEmpty(given[0]!) ? fallback : given[0]!,
  ),
  empty: func([any], isEmpty),
  coalesce: variadic([], any, (values) => values.find((value) => !isEmpty(value)) ?? null),
  all: variadic([], any, (values) => values.every((value) => !isEmpty(value))),
  any: variadic([], any, (values) => values.some((value) => !isEmpty(value))),
  ternary: func([any, any, 'bool'], (whenTrue, whenFalse, condition) => (condition ? whenTrue : whenFalse)),
  deepCopy: copy,
  mustDeepCopy: copy,
};

/** Zero, false, nil or of no length; a struct never is. */
export function isEmpty(value: Value): boolean {
  if (value instanceof Struct && !value.pointer) return false;
  return !isTrue(value);
}
