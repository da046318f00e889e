import { type FunctionTable, func, lazy } from '../func.ts';

/** RE2 is loaded with the first template that uses one of these; quoting needs none. */
const regexps = () => import('./regexps.ts');

const match = lazy(['string', 'string'], false, async () => (await regexps()).regexMatch);
const mustMatch = lazy(['string', 'string'], false, async () => (await regexps()).mustRegexMatch);
const find = lazy(['string', 'string'], false, async () => (await regexps()).regexFind);
const findAll = lazy(['string', 'string', 'int'], false, async () => (await regexps()).regexFindAll);
const replaceAll = lazy(['string', 'string', 'string'], false, async () => (await regexps()).regexReplaceAll);
const replaceLiteral = lazy(
  ['string', 'string', 'string'],
  false,
  async () => (await regexps()).regexReplaceAllLiteral,
);
const split = lazy(['string', 'string', 'int'], false, async () => (await regexps()).regexSplit);

export const regexp: FunctionTable = {
  regexMatch: match,
  mustRegexMatch: mustMatch,
  regexFind: find,
  mustRegexFind: find,
  regexFindAll: findAll,
  mustRegexFindAll: findAll,
  regexReplaceAll: replaceAll,
  mustRegexReplaceAll: replaceAll,
  regexReplaceAllLiteral: replaceLiteral,
  mustRegexReplaceAllLiteral: replaceLiteral,
  regexSplit: split,
  mustRegexSplit: split,
  regexQuoteMeta: func(['string'], (text) => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')),
};
