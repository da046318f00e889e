import { readFile } from 'node:fs/promises';
import { systemClock } from '../src/base/clock.ts';
import { AgentError } from '../src/base/errors.ts';
import { limits } from '../src/base/limits.ts';
import { Secret, type SecretMap } from '../src/base/secret.ts';
import { openReferences } from '../src/identity/references.ts';
import type { Payload } from '../src/plan/payload.ts';
import { render } from '../src/plan/render.ts';
import type { ExternalSecret, SpecSet } from '../src/spec/spec.ts';
import type { Config } from './config.ts';
import { exitCodes, UsageError } from './host.ts';
import { type Paint, paintFor } from './paint.ts';

/** What the templates made of the given values, and what failed. */
export interface Rendered {
  readonly payloads: ReadonlyMap<string, Payload>;
  readonly faults: readonly AgentError[];
}

/** `check --render`: each ExternalSecret as it would be delivered, had the stores given the values of `--values`. */
export async function renderAll(
  externalSecrets: readonly ExternalSecret[],
  specs: SpecSet,
  config: Pick<Config, 'values' | 'secrets' | 'configMaps'>,
): Promise<Rendered> {
  const values = await readValues(config.values);
  const sources = openReferences({
    documents: () => specs,
    secretsDir: config.secrets,
    configMapsDir: config.configMaps,
  });
  const payloads = new Map<string, Payload>();
  const faults: AgentError[] = [];
  for (const spec of externalSecrets) {
    const context = { sources, hash: '', clock: systemClock, signal: AbortSignal.timeout(limits.syncMs) };
    try {
      payloads.set(spec.target.name, await render(spec, values, context));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      faults.push(error.within(spec.at));
    }
  }
  return { payloads, faults };
}

/** The file's keys stand for what `data` and `dataFrom` would have fetched; a value that is no string is its JSON. */
async function readValues(file: string | undefined): Promise<SecretMap> {
  if (file === undefined) throw new UsageError(exitCodes.usage, '--render needs --values FILE');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(exitCodes.invalid, `--values ${file} cannot be read: ${error.code}`);
  });
  const values = parseObject(text);
  if (values === undefined) {
    throw new UsageError(
      exitCodes.invalid,
      `--values ${file} is not a JSON object`,
      'write {"key": "value", …}',
    );
  }
  const asText = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  return new Map(Object.entries(values).map(([key, value]) => [key, Secret.of(asText(value))]));
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Every key, label and annotation with its value beneath. The values are the user's own, made for trying. */
export function renderedText(rendered: Rendered, output: { readonly colour: boolean }): string {
  const paint = paintFor(output);
  const blocks = [...rendered.payloads].flatMap(([target, { data, labels, annotations }]) => [
    ...[...data].map(([key, value]) => [`${target}/${key}`, value] as const),
    ...[...(labels ?? [])].map(([key, text]) => [`${target} label ${key}`, Secret.of(text)] as const),
    ...[...(annotations ?? [])].map(
      ([key, text]) => [`${target} annotation ${key}`, Secret.of(text)] as const,
    ),
  ]);
  return blocks.map(([title, value]) => `${paint('cyan', title)}\n${valueText(value, paint)}\n\n`).join('');
}

function valueText(value: Secret, paint: Paint): string {
  const text = value.text();
  const isText = Buffer.from(text, 'utf8').equals(value.reveal()) && !text.includes('\u0000');
  if (!isText) return `  ${paint('gray', `${value.byteLength} bytes that are no text`)}`;
  return text.replace(/\n$/, '').replace(/^/gm, '  ');
}
