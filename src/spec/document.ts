import { AgentError, type At } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Path } from './path.ts';

/** One file as it was loaded. */
export interface SpecFile {
  readonly path: string;
  readonly text: string;
}

/** One YAML document as plain values, with a way to ask where a part of it stands. */
export interface SpecDocument {
  readonly value: unknown;
  /** Where a member's name or a list's element stands; of what is not there, its nearest parent. */
  at(path: Path): At;
  /** Where the text of a string starts: the first line of a block (all its lines start in that column), the
   * first letter within quotes. */
  textAt(path: Path): At;
}

/** What a file holds. */
export interface YamlFile {
  readonly documents: readonly SpecDocument[];
  readonly problems: readonly AgentError[];
}

export function tooManyDocuments(file?: string): AgentError {
  return new AgentError('SpecInvalid', `there are more than ${limits.specDocumentCount} documents`, {
    at: file === undefined ? {} : { file },
    remedy: 'keep only the specs of this pod here',
  });
}

/**
 * More brackets, or dashes before one value, than any spec nests. The library finds that out too, when it has made
 * hundreds of megabytes of them. A bracket within a text counts as well: there they come in pairs, but for a few.
 */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (letter === '[' || letter === '{') depth++;
    else if ((letter === ']' || letter === '}') && depth > 0) depth--;
    if (depth > limits.yamlDepth) return true;
  }
  return manyDashes.test(text);
}

const manyDashes = new RegExp(`^[ \\t]*(?:[-?:][ \\t]+){${limits.yamlDepth}}`, 'm');
