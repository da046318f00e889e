import { type FunctionTable, func, GoError } from '../func.ts';

export const flow: FunctionTable = {
  /** The message is the template's own words; they may hold a value, so only that it failed is told. */
  fail: func(['string'], () => {
    throw new GoError('the template gave up by `fail`');
  }),
};
