import { parseFloat64 } from '../template/float.ts';
import { matches } from './gjson-match.ts';
import type { Query } from './gjson-path.ts';
import { exists, nothing, numberOf, type Result } from './gjson-text.ts';
import type { Work } from './gjson-work.ts';

/** Whether what a query's path found in an element answers the query. */
export function answers(query: Query, found: Result, work: Work): boolean {
  const [value, wanted] =
    query.value[0] === '~' ? loosely(query.value.slice(1), found) : [found, query.value];
  if (!exists(value)) return false;
  const { operator } = query;
  if (operator === '') return true;
  switch (value.type) {
    case 'string':
      if (operator === '%') return matches(value.text, wanted, work);
      if (operator === '!%') return !matches(value.text, wanted, work);
      return compare(value.text, operator, wanted);
    case 'number':
      return compare(numberOf(value), operator, parseFloat64(wanted) ?? 0);
    case 'true':
      return (
        operator === '>=' || compareWord('true', operator, wanted) || (operator === '>' && wanted === 'false')
      );
    case 'false':
      return (
        operator === '<=' || compareWord('false', operator, wanted) || (operator === '<' && wanted === 'true')
      );
    default:
      return false;
  }
}

const yes: Result = { ...nothing, type: 'true' };
const no: Result = { ...nothing, type: 'false' };

/** `~true`, `~false`, `~null` and `~*` turn any value, an absent one too, into a boolean to compare with true. */
function loosely(word: string, found: Result): [value: Result, wanted: string] {
  switch (word) {
    case '*':
      return [exists(found) ? yes : no, 'true'];
    case 'null':
      return [found.type === 'null' ? yes : no, 'true'];
    case 'true':
      return [isTruthy(found) ? yes : no, 'true'];
    case 'false':
      return [isFalsy(found) ? yes : no, 'true'];
    default:
      return [nothing, ''];
  }
}

export function isTruthy(result: Result): boolean {
  if (result.type === 'string') return /^(?:1|t|true)$/i.test(result.text);
  return result.type === 'true' || (result.type === 'number' && numberOf(result) !== 0);
}

function isFalsy(result: Result): boolean {
  if (result.type === 'string') return /^(?:0|f|false)$/i.test(result.text);
  if (result.type === 'number') return numberOf(result) === 0;
  return result.type === 'null' || result.type === 'false';
}

/** Strings compare by their bytes. */
function compare<T extends string | number>(value: T, operator: string, wanted: T): boolean {
  switch (operator) {
    case '=':
      return value === wanted;
    case '!=':
      return value !== wanted;
    case '<':
      return value < wanted;
    case '<=':
      return value <= wanted;
    case '>':
      return value > wanted;
    case '>=':
      return value >= wanted;
    default:
      return false;
  }
}

function compareWord(word: string, operator: string, wanted: string): boolean {
  return operator === '=' ? wanted === word : operator === '!=' && wanted !== word;
}
