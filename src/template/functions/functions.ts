import type { FunctionTable } from '../func.ts';
import { crypto } from './crypto.ts';
import { dates } from './dates.ts';
import { defaults } from './defaults.ts';
import { dicts } from './dicts.ts';
import { encoding } from './encoding.ts';
import { eso } from './eso.ts';
import { flow } from './flow.ts';
import { json } from './json.ts';
import { lists } from './lists.ts';
import { numbers } from './numbers.ts';
import { paths } from './paths.ts';
import { random } from './random.ts';
import { reflect } from './reflect.ts';
import { regexp } from './regexp.ts';
import { strings } from './strings.ts';
import { urls } from './urls.ts';
import { versions } from './versions.ts';

/**
 * Everything that a template may call besides the language's own functions: what ESO leaves of sprig, and
 * what it adds. It is a list of what is allowed; none of it does I/O, none waits, and what takes time or
 * makes text counts against the render's budget.
 */
export const functions: FunctionTable = {
  ...strings,
  ...numbers,
  ...dates,
  ...defaults,
  ...json,
  ...reflect,
  ...paths,
  ...encoding,
  ...lists,
  ...dicts,
  ...crypto,
  ...random,
  ...versions,
  ...regexp,
  ...urls,
  ...flow,
  ...eso,
};
