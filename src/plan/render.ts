import { hash as digestOf } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { AgentError, type At } from '../base/errors.ts';
import type { Secret, SecretMap } from '../base/secret.ts';
import type { ExternalSecret, Template, TemplateSource, TemplateText } from '../spec/spec.ts';
import type { Payload } from './payload.ts';

/** Where `templateFrom` finds its objects. */
export interface TemplateSources {
  wholeConfigMap(name: string, signal: AbortSignal): Promise<SecretMap>;
  wholeSecret(name: string, signal: AbortSignal): Promise<SecretMap>;
}

export interface RenderContext {
  readonly sources: TemplateSources;
  /** What `inputHash` gave for the same inputs. */
  readonly hash: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The text of one item of a `templateFrom`. */
export interface SourceText {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string;
  readonly key: string;
  readonly templateAs: 'Values' | 'KeysAndValues';
  readonly text: Secret;
}

/** What a rendering needs of an ExternalSecret. */
export type Rendered = Pick<ExternalSecret, 'target' | 'labels' | 'annotations'>;

/** Hop 6: what an ExternalSecret delivers, its templates rendered. Throws TemplateFailed, at the template's place
 * in the user's file where it stands in one. */
export async function render(spec: Rendered, entries: SecretMap, context: RenderContext): Promise<Payload> {
  const { template } = spec.target;
  const { hash } = context;
  if (template === undefined) {
    return { data: entries, type: '', labels: undefined, annotations: undefined, hash };
  }
  const texts = await sourceTexts(template, context.sources, context.signal);
  // The engine is loaded by the first template: most pods have none.
  const { assemble } = await import('./assemble.ts');
  return { ...(await assemble(template, { entries, texts, clock: context.clock })), hash };
}

/**
 * Hex SHA-256 of everything that a rendering depends on, but for time and chance: with it unchanged nothing is
 * rendered again, so a template with random parts keeps what it gave.
 */
export async function inputHash(
  spec: Rendered,
  entries: SecretMap,
  sources: TemplateSources,
  signal: AbortSignal,
): Promise<string> {
  const { template, name } = spec.target;
  const own = template === undefined ? [...pairs(spec.labels), null, ...pairs(spec.annotations)] : [];
  const values = [...entries].sort(byKey).map(([key, value]) => [key, value.digest()]);
  const rendered = template === undefined ? null : await templateInputs(template, sources, signal);
  return digestOf('sha256', JSON.stringify([formatVersion, name, own, values, rendered]));
}

/** Changes when the same inputs would render differently. */
const formatVersion = 1;

async function templateInputs(
  template: Template,
  sources: TemplateSources,
  signal: AbortSignal,
): Promise<unknown> {
  const texts = await sourceTexts(template, sources, signal);
  return [
    template.type,
    template.mergePolicy,
    textsOf(template.labels),
    textsOf(template.annotations),
    template.finalizers,
    textsOf(template.data),
    template.templateFrom.map(({ target, valuesDecodingStrategy, literal }, i) => [
      target,
      valuesDecodingStrategy,
      literal?.text ?? null,
      texts[i]!.map(({ kind, key, templateAs, text }) => [kind, key, templateAs, text.digest()]),
    ]),
  ];
}

function textsOf(templates: ReadonlyMap<string, TemplateText>): [string, string][] {
  return pairs(new Map([...templates].map(([key, { text }]) => [key, text])));
}

function pairs(map: ReadonlyMap<string, string>): [string, string][] {
  return [...map].sort(byKey);
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** The texts of every `templateFrom`, in ESO's order: of the ConfigMap, then of the Secret. */
async function sourceTexts(
  template: Template,
  sources: TemplateSources,
  signal: AbortSignal,
): Promise<readonly (readonly SourceText[])[]> {
  const texts: SourceText[][] = [];
  for (const { configMap, secret, at } of template.templateFrom) {
    const found: SourceText[] = [];
    if (configMap !== undefined) {
      const object = await sources.wholeConfigMap(configMap.name, signal);
      found.push(...itemsOf('ConfigMap', configMap, object, at));
    }
    if (secret !== undefined) {
      found.push(...itemsOf('Secret', secret, await sources.wholeSecret(secret.name, signal), at));
    }
    texts.push(found);
  }
  return texts;
}

function itemsOf(
  kind: SourceText['kind'],
  { name, items }: TemplateSource,
  object: SecretMap,
  at: At,
): SourceText[] {
  return items.map(({ key, templateAs }) => {
    const text = object.get(key);
    if (text !== undefined) return { kind, name, key, templateAs, text };
    const known = [...object.keys()].sort().join(', ');
    throw new AgentError('TemplateFailed', `the ${kind} ${name} has no key ${JSON.stringify(key)}`, {
      at,
      remedy: known === '' ? `the ${kind} is empty` : `use one of its keys: ${known}`,
    });
  });
}
