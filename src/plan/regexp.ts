import type { RE2JS } from 're2js';
import { AgentError } from '../base/errors.ts';

/** A regular expression of the spec, in RE2 syntax as ESO has it; the library loads with the first. `field` names it
 * in the error, SpecInvalid. */
export async function compileRegexp(source: string, field: string): Promise<RE2JS> {
  const { RE2JS } = await import('re2js');
  try {
    return RE2JS.compile(source);
  } catch (cause) {
    throw new AgentError('SpecInvalid', `${field} ${JSON.stringify(source)} is not a regular expression`, {
      remedy: 'write it in RE2 syntax, which has no look-around and no back-references',
      cause,
    });
  }
}

/** `find.name.regexp` as a test of names: unanchored. */
export async function nameMatcher(regexp: string): Promise<(name: string) => boolean> {
  const pattern = await compileRegexp(regexp, 'find.name.regexp');
  return (name) => pattern.matcher(name).find();
}
