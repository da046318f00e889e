import { AgentError, type At } from '../src/base/errors.ts';
import type { ExternalSecret } from '../src/spec/spec.ts';

/** A regular expression of a spec; `field` names it as a sync would. */
interface Expression {
  readonly source: string;
  readonly field: string;
  readonly at: At;
}

/** What a sync would not compile: `find.name.regexp` and `rewrite.regexp.source`. RE2 loads when there is one. */
export async function regexpFaults(
  externalSecrets: readonly ExternalSecret[],
): Promise<readonly AgentError[]> {
  const expressions = externalSecrets.flatMap(expressionsOf);
  if (expressions.length === 0) return [];
  const { compileRegexp } = await import('../src/plan/regexp.ts');
  const faults: AgentError[] = [];
  for (const { source, field, at } of expressions) {
    try {
      await compileRegexp(source, field);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      faults.push(error.within(at));
    }
  }
  return faults;
}

function expressionsOf({ name, dataFrom }: ExternalSecret): readonly Expression[] {
  const object = `ExternalSecret/${name}`;
  return dataFrom.flatMap((entry) => [
    ...(entry.kind === 'find' && entry.find.nameRegexp !== undefined
      ? [{ source: entry.find.nameRegexp, field: 'find.name.regexp', at: { ...entry.at, object } }]
      : []),
    ...entry.rewrite.flatMap((one) =>
      one.kind === 'regexp'
        ? [{ source: one.source, field: 'rewrite.regexp.source', at: { ...one.at, object } }]
        : [],
    ),
  ]);
}
