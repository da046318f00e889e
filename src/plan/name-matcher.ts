import { AgentError } from '../base/errors.ts';

/** `find.name.regexp` as a test of names: RE2 syntax, unanchored, as ESO matches. SpecInvalid when it is not RE2. */
export async function nameMatcher(regexp: string): Promise<(name: string) => boolean> {
  const { RE2JS } = await import('re2js');
  try {
    const pattern = RE2JS.compile(regexp);
    return (name) => pattern.matcher(name).find();
  } catch (cause) {
    throw new AgentError(
      'SpecInvalid',
      `find.name.regexp ${JSON.stringify(regexp)} is not a regular expression`,
      {
        remedy: 'write it in RE2 syntax, which has no look-around and no back-references',
        cause,
      },
    );
  }
}
