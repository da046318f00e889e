import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { SecretMap } from '../base/secret.ts';
import type { ExternalSecret } from '../spec/spec.ts';
import type { Payload } from './payload.ts';

/** Where `templateFrom` finds its objects. */
export interface TemplateSources {
  wholeConfigMap(name: string, signal: AbortSignal): Promise<SecretMap>;
  wholeSecret(name: string, signal: AbortSignal): Promise<SecretMap>;
}

export interface RenderContext {
  readonly sources: TemplateSources;
  readonly hash: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export async function inputHash(
  spec: ExternalSecret,
  entries: SecretMap,
  _s: TemplateSources,
  _signal: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256').update(spec.target.name);
  for (const key of [...entries.keys()].sort()) hash.update(`\0${key}\0${entries.get(key)!.digest()}`);
  return hash.digest('hex');
}

export async function render(
  _spec: ExternalSecret,
  entries: SecretMap,
  context: RenderContext,
): Promise<Payload> {
  return { data: entries, type: '', labels: undefined, annotations: undefined, hash: context.hash };
}
