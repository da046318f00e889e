import { AgentError, type At } from '../src/base/errors.ts';
import type { ExternalSecret, SpecSet, TemplateText } from '../src/spec/spec.ts';
import { TemplateError } from '../src/template/failure.ts';
import { functions } from '../src/template/functions/functions.ts';
import { parseTemplate } from '../src/template/template.ts';
import { fromText } from '../src/template/value.ts';

/** What is wrong with the templates that stand in the specs themselves, unknown functions among it; each fault at
 * its place in the user's file. */
export function templateFaults(specs: SpecSet): readonly AgentError[] {
  return specs.externalSecrets.flatMap((externalSecret) =>
    templatesOf(externalSecret, specs).flatMap(([name, template]) => faultsOf(name, template)),
  );
}

type Named = readonly [name: string, template: TemplateText];

function templatesOf({ name, at, target, dataFrom }: ExternalSecret, specs: SpecSet): readonly Named[] {
  const rewrites = dataFrom.flatMap(({ rewrite }) => rewrite);
  const transforms = rewrites.flatMap((rewrite): Named[] =>
    rewrite.kind === 'transform' ? [[name, { text: rewrite.template, at: rewrite.at }]] : [],
  );
  const { template } = target;
  if (template === undefined) return transforms;
  const from = template.templateFrom.flatMap(({ literal, configMap }): Named[] => {
    if (literal !== undefined) return [['literal', literal]];
    const members = configMap === undefined ? undefined : specs.configMaps.get(configMap.name);
    return (configMap?.items ?? []).flatMap(({ key }): Named[] => {
      const text = members?.get(key)?.text();
      return text === undefined
        ? []
        : [[key, { text, at: { ...at, field: `ConfigMap/${configMap?.name}.${key}` } }]];
    });
  });
  return [...template.data, ...from, ...transforms];
}

function faultsOf(name: string, { text, at }: TemplateText): readonly AgentError[] {
  try {
    parseTemplate(name, fromText(text), { functions });
    return [];
  } catch (error) {
    if (error instanceof TemplateError) return [placed(error, at)];
    if (error instanceof AgentError) return [error.within(at)];
    throw error;
  }
}

/** The place within the template, as one in the file: `at` is where the template's first line starts, and a block's
 * lines all start in one column. */
function placed(error: TemplateError, at: At): AgentError {
  if (at.line === undefined || at.column === undefined) return error.within(at);
  const [line, column] = [at.line + error.line - 1, at.column + error.column - 1];
  return error.within({ ...at, line, column });
}
