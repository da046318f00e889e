import type { AgentError, At } from '../src/base/errors.ts';
import type { SecretMap } from '../src/base/secret.ts';
import type { SpecSet, Template, TemplateFrom, TemplateSource } from '../src/spec/spec.ts';
import { TemplateError } from '../src/template/failure.ts';
import { functions } from '../src/template/functions/functions.ts';
import { parseTemplate } from '../src/template/template.ts';
import { fromText } from '../src/template/value.ts';

/** What is wrong with the templates of the specs, those in mounted ConfigMap and Secret documents included, unknown
 * functions among it; each fault at its place in the user's file, as far as that is known. */
export function templateFaults(specs: SpecSet): readonly AgentError[] {
  return specs.externalSecrets.flatMap(({ target, dataFrom }) => [
    ...(target.template === undefined ? [] : textsOf(target.template, specs)).flatMap(faultsOf),
    ...dataFrom.flatMap(({ rewrite }) =>
      rewrite.flatMap((one) =>
        one.kind === 'transform' ? faultsOf({ name: 'transform', text: one.template, at: one.at }) : [],
      ),
    ),
  ]);
}

type Specs = Pick<SpecSet, 'configMaps' | 'secrets'>;

interface Text {
  readonly name: string;
  readonly text: string;
  readonly at: At;
  /** Whether `at` is where the text itself starts. */
  readonly standsAt?: boolean;
  readonly hidden?: boolean;
}

function textsOf(template: Template, specs: Specs): readonly Text[] {
  const { data, labels, annotations, templateFrom } = template;
  return [
    ...[...data, ...labels, ...annotations].map(([name, text]) => ({ name, ...text, standsAt: true })),
    ...templateFrom.flatMap((from) => textsFrom(from, specs)),
  ];
}

function textsFrom({ at, configMap, secret, literal }: TemplateFrom, specs: Specs): readonly Text[] {
  return [
    ...itemsOf(configMap, specs.configMaps).map((item) => ({ ...item, name: `ConfigMap/${item.name}`, at })),
    ...itemsOf(secret, specs.secrets).map((item) => ({
      ...item,
      name: `Secret/${item.name}`,
      at,
      hidden: true,
    })),
    ...(literal === undefined ? [] : [{ name: 'literal', ...literal, standsAt: true }]),
  ];
}

/** Those that are there: a reference may resolve elsewhere. */
function itemsOf(
  source: TemplateSource | undefined,
  objects: ReadonlyMap<string, SecretMap>,
): readonly { readonly name: string; readonly text: string }[] {
  const members = source && objects.get(source.name);
  return (source?.items ?? []).flatMap(({ key }) => {
    const text = members?.get(key)?.text();
    return text === undefined ? [] : [{ name: `${source!.name}.${key}`, text }];
  });
}

function faultsOf({ name, text, at, standsAt = false, hidden = false }: Text): readonly AgentError[] {
  try {
    parseTemplate(name, fromText(text), { functions, hidden });
    return [];
  } catch (error) {
    if (error instanceof TemplateError) return [standsAt ? error.in(at) : error.within(at)];
    throw error;
  }
}
