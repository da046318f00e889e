import { applyPatch } from '../../src/inject/json-patch.ts';
import type { InjectSettings } from '../../src/inject/options.ts';
import { type Outcome, type Patched, patchPod } from '../../src/inject/patch.ts';
import type { Json } from '../../src/inject/raw.ts';
import { refusalText } from '../../src/inject/refusal.ts';

export const settings: InjectSettings = {
  version: '1.2.3',
  image: 'registry.example/agent:1.2.3',
  imagePullPolicy: undefined,
  imagesAllow: [],
  native: 'on',
  size: '16Mi',
  resources: 'cpu=10m,memory=64Mi',
  audiences: [],
  tokenTtlMs: 3_600_000,
  storesAllow: [],
  proxy: undefined,
};

export const prefix = 'agent.external-secrets.io/';

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it knows to be there.
export type Loose = any;

export interface PodParts {
  /** Without the prefix. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly metadata?: object;
  readonly spec?: object;
  readonly container?: object;
}

/** A pod of one container that asks for an agent. */
export function pod(parts: PodParts = {}): Loose {
  const { annotations = { config: 'specs' }, labels = {}, metadata = {}, spec = {}, container = {} } = parts;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'app',
      labels: { [`${prefix}inject`]: 'true', ...labels },
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([name, text]) => [prefix + name, text]),
      ),
      ...metadata,
    },
    spec: { containers: [{ name: 'app', image: 'app:1', ...container }], ...spec },
  };
}

export function patchOf(value: Json, more: Partial<InjectSettings> = {}): Patched {
  const outcome = patchPod(value, { ...settings, ...more });
  if (outcome.kind === 'patched') return outcome;
  throw new Error(outcome.kind === 'refused' ? refusalText(outcome.refusals) : outcome.why);
}

/** The pod as the webhook makes it. */
export function injected(value: Json, more: Partial<InjectSettings> = {}): Loose {
  return applyPatch(value, patchOf(value, more).operations);
}

export function refusalOf(value: Json, more: Partial<InjectSettings> = {}): string {
  const outcome: Outcome = patchPod(value, { ...settings, ...more });
  return outcome.kind === 'refused' ? refusalText(outcome.refusals) : `not refused: ${outcome.kind}`;
}

export function agentOf(value: Loose): Loose {
  const { containers, initContainers = [] } = value.spec;
  return [...initContainers, ...containers].find(({ name }) => name === 'external-secrets-agent');
}

export function names(list: readonly { readonly name: string }[] | undefined): string[] {
  return (list ?? []).map(({ name }) => name);
}
