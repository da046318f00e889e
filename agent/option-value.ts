import { AgentError } from '../src/base/errors.ts';
import { nearest } from '../src/base/nearest.ts';
import type {
  DurationOption,
  EnumOption,
  ListOption,
  ModeOption,
  Option,
  TextOption,
} from '../src/spec/contract.ts';
import { formatDuration, parseDuration } from '../src/spec/duration.ts';
import { exitCodes, UsageError } from './host.ts';

/** One raw value and where it came from: the flag or the environment variable, as messages name it. */
export interface Given {
  readonly text: string;
  readonly source: string;
  readonly fromEnv: boolean;
}

/** The typed value of an option out of what was given for it, in order; the last wins where one is wanted.
 * Throws UsageError, exit code 78. */
export function optionValue(option: Option, given: readonly Given[]): unknown {
  if (option.type === 'list') return given.length === 0 ? option.default : listOf(option, given);
  const last = given.at(-1);
  if (last === undefined) return defaultOf(option);
  const refused = option.refused?.[last.text];
  if (refused !== undefined) throw invalid(last, `${last.text} is refused`, refused);
  switch (option.type) {
    case 'boolean':
      return booleanOf(last);
    case 'duration':
      return durationOf(option, last);
    case 'enum':
      return enumOf(option, last);
    case 'mode':
      return modeOf(option, last);
    case 'path':
    case 'string':
      return textOf(option, last);
  }
}

function defaultOf(option: Exclude<Option, ListOption>): unknown {
  return option.type === 'duration' ? parseDuration(option.default) : option.default;
}

/** A path may hold a comma where the flag can be repeated, so only the environment splits paths. */
function listOf(option: ListOption, given: readonly Given[]): readonly string[] {
  const parts = given.flatMap(({ text, fromEnv }) =>
    option.of === 'path' && !fromEnv ? [text] : text.split(',').map((part) => part.trim()),
  );
  const values = [...new Set(parts.filter((part) => part !== ''))];
  if (values.length === 0) throw invalid(given[0]!, 'is empty', `give ${option.placeholder}`);
  return Object.freeze(values);
}

function booleanOf(given: Given): boolean {
  const known: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };
  const value = Object.hasOwn(known, given.text) ? known[given.text] : undefined;
  if (value === undefined) throw invalid(given, `is ${quoted(given)}`, 'write true or false');
  return value;
}

function durationOf(option: DurationOption, given: Given): number {
  const { minMs, maxMs } = option.range;
  const ms = parsedDuration(given);
  if (ms >= minMs && ms <= maxMs) return ms;
  throw invalid(
    given,
    `is ${quoted(given)}`,
    `give between ${formatDuration(minMs)} and ${formatDuration(maxMs)}`,
  );
}

function parsedDuration(given: Given): number {
  try {
    return parseDuration(given.text);
  } catch (error) {
    if (error instanceof AgentError) throw invalid(given, `is refused: ${error.message}`, error.remedy);
    throw error;
  }
}

function enumOf(option: EnumOption, given: Given): string {
  if (option.values.includes(given.text)) return given.text;
  const near = nearest(given.text, option.values);
  const values = option.values.join(', ');
  throw invalid(
    given,
    `is ${quoted(given)}`,
    near === undefined ? `choose from ${values}` : `did you mean ${near}?`,
  );
}

function modeOf(option: ModeOption, given: Given): 'auto' | number {
  if (given.text === 'auto') return 'auto';
  const mode = /^0?[0-7]{3,4}$/.test(given.text) ? Number.parseInt(given.text, 8) : -1;
  const { min, max } = option.range;
  if (mode >= min && mode <= max) return mode;
  throw invalid(given, `is ${quoted(given)}`, `write auto, or octal between ${octal(min)} and ${octal(max)}`);
}

function octal(mode: number): string {
  return `0${mode.toString(8)}`;
}

function textOf(option: TextOption, given: Given): string {
  if (given.text === '') throw invalid(given, 'is empty', `give ${option.placeholder}`);
  if (option.pattern !== undefined && !option.pattern.test(given.text)) {
    throw invalid(given, `is ${quoted(given)}`, `write ${option.accepts ?? option.placeholder}`);
  }
  return given.text;
}

function quoted(given: Given): string {
  return JSON.stringify(given.text.length > 80 ? `${given.text.slice(0, 80)}…` : given.text);
}

function invalid(given: Given, what: string, remedy?: string): UsageError {
  return new UsageError(exitCodes.invalid, `${given.source} ${what}`, remedy);
}
