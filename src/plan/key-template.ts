import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { functions } from '../template/functions/functions.ts';
import { execute, load, parseTemplate } from '../template/template.ts';
import { fromText, GoMap, toText } from '../template/value.ts';

/**
 * `rewrite.transform`: renders a new key for each old one, which the template sees as `.value`. As in ESO a key
 * of dot that is not there is no error here, but prints `<no value>`. Throws TemplateFailed.
 */
export async function keyTemplate(
  template: string,
  clock: Pick<Clock, 'now'>,
): Promise<(key: string) => string> {
  const parsed = parseTemplate('transform', fromText(template), { functions, missingKey: 'default' });
  await load(parsed);
  const world = { now: () => clock.now(), zone: 'UTC', randomBytes };
  return (key) => toText(execute(parsed, new GoMap('string', 'string', [['value', fromText(key)]]), world));
}
