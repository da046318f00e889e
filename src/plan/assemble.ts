import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { AgentError, type At } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { Secret, type SecretMap } from '../base/secret.ts';
import type { DecodingStrategy, Template, TemplateFrom, TemplateText } from '../spec/spec.ts';
import { TemplateError } from '../template/failure.ts';
import { functions } from '../template/functions/functions.ts';
import { execute, load, parseTemplate, type World } from '../template/template.ts';
import { isValidUtf8 } from '../template/utf8.ts';
import { fromText, GoMap, toText } from '../template/value.ts';
import { YamlFault } from '../template/yaml-fault.ts';
import { decode } from './decode.ts';
import type { Payload } from './payload.ts';
import type { SourceText } from './render.ts';

export interface Inputs {
  readonly entries: SecretMap;
  /** For each `templateFrom`, the texts it names. */
  readonly texts: readonly (readonly SourceText[])[];
  readonly clock: Clock;
}

/**
 * Renders `target.template`, in the order whose later parts win:
 * 1. The fetched keys, with mergePolicy Merge or where there is no template for data.
 * 2. templateFrom, one after the other.
 * 3. template.data.
 * 4. template.metadata: labels, then annotations.
 */
export async function assemble(template: Template, inputs: Inputs): Promise<Omit<Payload, 'hash'>> {
  const target = new Assembly(template, inputs);
  for (const [i, from] of template.templateFrom.entries()) await target.add(from, inputs.texts[i] ?? []);
  await target.addAll('Data', template.data);
  await target.addAll('Labels', template.labels);
  await target.addAll('Annotations', template.annotations);
  return target.payload();
}

/** A template's text, where it stands, and whether it is secret itself. */
interface Text {
  readonly name: string;
  /** A binary string. */
  readonly text: string;
  readonly at: At;
  /** Whether `at` is where the text itself starts, so that a fault's place can be told in the file. */
  readonly standsAt?: boolean;
  readonly hidden?: boolean;
}

type Into = TemplateFrom['target'];

class Assembly {
  readonly #type: string;
  readonly #data: Map<string, Secret>;
  readonly #labels: Map<string, string>;
  readonly #annotations: Map<string, string>;
  readonly #dot: GoMap;
  readonly #world: World;
  #byteCount = 0;

  constructor(template: Template, { entries, clock }: Inputs) {
    const hasTemplates = template.data.size > 0 || template.templateFrom.length > 0;
    this.#type = template.type;
    this.#data = new Map(template.mergePolicy === 'Merge' || !hasTemplates ? entries : []);
    this.#labels = new Map();
    this.#annotations = new Map();
    this.#dot = new GoMap(
      'string',
      'string',
      [...entries].map(([key, value]) => [fromText(key), value.reveal().toString('latin1')] as const),
    );
    this.#world = { now: () => clock.now(), zone: 'UTC', randomBytes };
  }

  payload(): Omit<Payload, 'hash'> {
    return { data: this.#data, type: this.#type, labels: this.#labels, annotations: this.#annotations };
  }

  async add(
    { at, target, valuesDecodingStrategy, literal }: TemplateFrom,
    texts: readonly SourceText[],
  ): Promise<void> {
    for (const { kind, name, key, templateAs, text } of texts) {
      const source = {
        name: `${kind}/${name}.${key}`,
        text: text.reveal().toString('latin1'),
        at,
        hidden: kind === 'Secret',
      };
      if (templateAs === 'Values') await this.#value(target, key, source, valuesDecodingStrategy);
      else await this.#keysAndValues(target, source, valuesDecodingStrategy);
    }
    if (literal === undefined) return;
    const source = { name: 'literal', text: fromText(literal.text), at: literal.at, standsAt: true };
    await this.#keysAndValues(target, source, valuesDecodingStrategy);
  }

  async addAll(into: Into, texts: ReadonlyMap<string, TemplateText>): Promise<void> {
    for (const [key, { text, at }] of texts) {
      await this.#value(into, key, { name: key, text: fromText(text), at, standsAt: true });
    }
  }

  /** The rendered text is the value of `key`. */
  async #value(into: Into, key: string, text: Text, strategy: DecodingStrategy = 'None'): Promise<void> {
    const rendered = Buffer.from(await this.#render(text), 'latin1');
    this.#set(into, key, decoded(Secret.of(rendered), strategy, key, text.at));
  }

  /** The rendered text is YAML, whose members are keys and values. */
  async #keysAndValues(into: Into, text: Text, strategy: DecodingStrategy): Promise<void> {
    const rendered = await this.#render(text);
    for (const [key, value] of await readKeysAndValues(rendered, text)) {
      this.#set(into, key, decoded(Secret.of(value), strategy, key, text.at));
    }
  }

  async #render({ name, text, at, standsAt = false, hidden = false }: Text): Promise<string> {
    try {
      const parsed = parseTemplate(name, text, { functions, hidden });
      await load(parsed);
      return execute(parsed, this.#dot, this.#world);
    } catch (thrown) {
      if (!(thrown instanceof TemplateError)) throw thrown;
      throw standsAt ? thrown.in(at) : thrown.within(at);
    }
  }

  #set(into: Into, key: string, value: Secret): void {
    this.#byteCount += key.length + value.byteLength;
    if (this.#byteCount > limits.payloadBytes) {
      throw new AgentError('TemplateFailed', `the templates give more than ${limits.payloadBytes} bytes`);
    }
    if (into === 'Data') this.#data.set(key, value);
    else (into === 'Labels' ? this.#labels : this.#annotations).set(key, value.text());
  }
}

function decoded(value: Secret, strategy: DecodingStrategy, key: string, at: At): Secret {
  try {
    return decode(value, strategy);
  } catch (thrown) {
    throw thrown instanceof AgentError ? thrown.within({ ...at, key }) : thrown;
  }
}

/** As sigs.k8s.io/yaml reads it, YAML 1.1 with all its conversions. */
async function readKeysAndValues(rendered: string, { name, at }: Text): Promise<ReadonlyMap<string, string>> {
  const { readFlatYaml } = await import('../template/go-yaml.ts');
  try {
    if (!isValidUtf8(rendered)) throw new YamlFault('bytes that are no UTF-8');
    return readFlatYaml(toText(rendered));
  } catch (thrown) {
    if (!(thrown instanceof YamlFault)) throw thrown;
    const message = `template ${JSON.stringify(name)}: what it renders is read as YAML of keys and values: ${thrown.message}`;
    throw new AgentError('TemplateFailed', message, {
      at,
      remedy: 'render one `key: value` a line, each value through `| quote`',
    });
  }
}
