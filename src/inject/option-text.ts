import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { didYouMean } from '../base/nearest.ts';
import type { DurationOption, ListOption, ModeOption, Option, TextOption } from '../spec/contract.ts';
import { formatDuration, parseDuration } from '../spec/duration.ts';

/** Throws AgentError SpecInvalid unless an annotation's text is what the option takes. */
export function checkOptionText(option: Option, text: string): void {
  const refused = option.refused?.[text];
  if (refused !== undefined) throw invalid(text, `is refused: ${refused}`, 'leave it out');
  switch (option.type) {
    case 'boolean':
      checkOneOf(text, ['true', 'false']);
      break;
    case 'enum':
      checkOneOf(text, option.values);
      break;
    case 'duration':
      checkDuration(option, text);
      break;
    case 'mode':
      checkMode(option, text);
      break;
    case 'list':
      checkList(option, text);
      break;
    case 'path':
      checkPath(text);
      break;
    case 'string':
      checkText(option, text);
      break;
  }
}

export function checkOneOf(text: string, values: readonly string[]): void {
  if (values.includes(text)) return;
  throw invalid(text, `is not known here${didYouMean(text, values)}`, `choose from ${values.join(', ')}`);
}

/** Its comma-separated parts. Throws AgentError SpecInvalid when there are more than any pod needs. */
export function partsOfList(text: string): readonly string[] {
  const parts = text.split(',').map((part) => part.trim());
  const distinct = [...new Set(parts.filter((part) => part !== ''))];
  if (distinct.length <= limits.podListCount) return distinct;
  throw invalid(text, 'names too many', `name ${limits.podListCount} at most`);
}

/** A folder that can be mounted: absolute, and written in one way only. */
export function checkPath(text: string): void {
  const clean =
    /^(?:\/[^/:]+)+$/.test(text) && !text.split('/').some((part) => part === '.' || part === '..');
  if (clean && text.length <= 1_024) return;
  throw invalid(
    text,
    'is not the path of a folder',
    'write an absolute path without ., .., : and a slash at its end',
  );
}

function checkMode({ range }: ModeOption, text: string): void {
  const mode = /^0?[0-7]{3,4}$/.test(text) ? Number.parseInt(text, 8) : -1;
  if (text === 'auto' || (mode >= range.min && mode <= range.max)) return;
  throw invalid(text, 'is not a mode', 'write auto, or octal digits such as "0440"');
}

function checkDuration({ range }: DurationOption, text: string): void {
  const ms = parseDuration(text);
  if (ms >= range.minMs && ms <= range.maxMs) return;
  const remedy = `give between ${formatDuration(range.minMs)} and ${formatDuration(range.maxMs)}`;
  throw invalid(text, 'is out of range', remedy);
}

function checkList(option: ListOption, text: string): void {
  if (partsOfList(text).length === 0) throw invalid(text, 'names nothing', `give ${option.placeholder}`);
}

function checkText(option: TextOption, text: string): void {
  if (text !== '' && (option.pattern ?? /^/).test(text)) return;
  throw invalid(text, 'is not what is taken here', `write ${option.accepts ?? option.placeholder}`);
}

export function invalid(text: string, why: string, remedy: string): AgentError {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return new AgentError('SpecInvalid', `${JSON.stringify(shown)} ${why}`, { remedy });
}
