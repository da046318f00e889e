import { AgentError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest.ts';
import { annotationPrefix, options } from './contract.ts';
import { parseDuration } from './duration.ts';
import { keyComplaint, shown } from './schema/rules.ts';
import type { ExternalSecretOptions } from './spec.ts';
import type { Subject } from './subject.ts';

const formats = options.format.values;
/** In the contract, not in this version. */
export const unbuiltAnnotations: readonly string[] = ['on-change', 'validate'];

export const externalSecretAnnotations: readonly string[] = [
  'format',
  'file-mode',
  'optional',
  'max-staleness',
  'refresh',
  'adopt',
  ...unbuiltAnnotations,
];

export const storeAnnotations: readonly string[] = ['audience', 'role-arn'];

/** Tells every annotation under our prefix that is not one of these: the set is closed. */
export function checkAnnotations(subject: Subject, known: readonly string[]): void {
  for (const key of subject.metadata.annotations.keys()) {
    if (!key.startsWith(annotationPrefix)) continue;
    const name = key.slice(annotationPrefix.length);
    const path = pathOf(name);
    const built = known.filter((each) => !unbuiltAnnotations.includes(each)).join(', ');
    const accepted = known.length === 0 ? 'none is known on this kind' : `known here: ${built}`;
    if (unbuiltAnnotations.includes(name) && known.includes(name)) {
      subject.problem(path, `not supported by this version: the annotation ${key}`);
    } else if (!known.includes(name)) {
      subject.problem(path, `unknown annotation ${shown(key)}${didYouMean(name, known)}`, accepted);
    }
  }
}

/** What the process was told for every ExternalSecret that does not say it itself. */
export type OptionDefaults = Partial<Pick<ExternalSecretOptions, 'format' | 'refreshMs'>>;

/** The options of one ExternalSecret; what is wrong is told to the subject. */
export function readOptions(subject: Subject, defaults: OptionDefaults): ExternalSecretOptions {
  checkAnnotations(subject, externalSecretAnnotations);
  return {
    format: read(subject, 'format', formatOf) ?? defaults.format ?? 'files',
    fileMode: read(subject, 'file-mode', fileModeOf),
    optional: read(subject, 'optional', optionalOf) ?? new Set(),
    maxStaleness: read(subject, 'max-staleness', maxStalenessOf),
    refreshMs: read(subject, 'refresh', refreshOf) ?? defaults.refreshMs,
    adopt: read(subject, 'adopt', adoptOf),
  };
}

function pathOf(name: string): readonly string[] {
  return ['metadata', 'annotations', annotationPrefix + name];
}

function read<T>(subject: Subject, name: string, parse: (text: string) => T): T | undefined {
  const text = subject.metadata.annotations.get(annotationPrefix + name);
  if (text === undefined) return undefined;
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    subject.problem(pathOf(name), error.message, error.remedy);
    return undefined;
  }
}

function formatOf(text: string): ExternalSecretOptions['format'] {
  const format = formats.find((known) => known === text);
  if (format !== undefined) return format;
  throw invalid(
    `unknown format ${shown(text)}${didYouMean(text, formats)}`,
    `use one of ${formats.join(', ')}`,
  );
}

function fileModeOf(text: string): number | undefined {
  if (text === 'auto') return undefined;
  if (/^0?[4-7][0-7]{2}$/.test(text)) return Number.parseInt(text, 8);
  throw invalid(
    `${shown(text)} is not a file mode`,
    'use auto, or octal digits from 0400 to 0777 such as "0440"',
  );
}

function optionalOf(text: string): true | ReadonlySet<string> {
  if (text.trim() === 'true') return true;
  const keys = text.split(',').map((key) => key.trim());
  const wrong = keys.find((key) => keyComplaint(key) !== undefined);
  if (text.trim() === 'false') return new Set();
  if (wrong === undefined) return new Set(keys);
  throw invalid(`${shown(wrong)} is not a secretKey`, 'use "true", or secretKeys with commas between them');
}

function maxStalenessOf(text: string): { ms: number; unready: boolean } {
  const [duration = '', flag, ...more] = text.split(',').map((part) => part.trim());
  if (more.length > 0 || (flag !== undefined && flag !== 'unready')) {
    throw invalid(`${shown(text)} is not a staleness`, 'write a duration, or a duration and ",unready"');
  }
  const ms = parseDuration(duration);
  if (ms <= 0) throw invalid(`the duration ${shown(duration)} must be positive`);
  return { ms, unready: flag === 'unready' };
}

function adoptOf(text: string): ExternalSecretOptions['adopt'] {
  if (text === 'eso') return text;
  throw invalid(`${shown(text)} is nobody whose Secret could be taken over`, 'use "eso", or remove it');
}

function refreshOf(text: string): number {
  const ms = parseDuration(text);
  if (ms < 0) throw invalid(`the duration ${shown(text)} must not be negative`);
  return ms;
}

function invalid(message: string, remedy?: string): AgentError {
  return new AgentError('SpecInvalid', message, remedy === undefined ? {} : { remedy });
}
