import { type FunctionTable, func } from '../func.ts';
import { kindOf, typeName } from '../value.ts';
import { deepEqual } from './equal.ts';

const any = 'interface {}';

export const reflect: FunctionTable = {
  typeOf: func([any], (value) => typeName(value)),
  typeIs: func(['string', any], (target, value) => target === typeName(value)),
  typeIsLike: func(['string', any], (target, value) => {
    const type = typeName(value);
    return target === type || `*${target}` === type;
  }),
  kindOf: func([any], (value) => kindOf(value)),
  kindIs: func(['string', any], (target, value) => target === kindOf(value)),
  deepEqual: func([any, any], (a, b, context) => deepEqual(a, b, context)),
};
