import { AgentError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest.ts';
import { invalid } from './option-text.ts';
import { bytesQuantity, parseQuantity, type Quantity } from './quantity.ts';
import type { Members } from './raw.ts';

/** As a container has them. */
export interface Resources {
  readonly requests: Readonly<Record<string, Quantity>>;
  readonly limits: Readonly<Record<string, Quantity>>;
}

const names = ['cpu', 'memory', 'ephemeral-storage'];
const known = names.flatMap((name) => [name, `${name}.limit`]);

/** What the agent needs beside what it keeps on the tmpfs, whose pages count as its own. */
const ownBytes = 64n * 1024n * 1024n;

/** `cpu=10m,memory=64Mi,memory.limit=128Mi`. Throws AgentError SpecInvalid. */
export function parseResources(text: string): Resources {
  const requests: Record<string, Quantity> = {};
  const limits: Record<string, Quantity> = {};
  for (const part of text.split(',')) {
    const [name = '', ...rest] = part.trim().split('=');
    if (!known.includes(name) || rest.length !== 1) {
      throw invalid(
        part,
        `is no resource${didYouMean(name, known)}`,
        'write it as cpu=10m,memory=64Mi,memory.limit=128Mi',
      );
    }
    const [resource = '', limit] = name.split('.');
    (limit === undefined ? requests : limits)[resource] = parseQuantity(rest[0] ?? '');
  }
  return { requests, limits };
}

/** With the memory limit that nothing else gave: room for the agent and for the secrets. Throws AgentError. */
export function withMemoryLimit({ requests, limits }: Resources, sizeBytes: bigint): Resources {
  const least = bytesQuantity(ownBytes + sizeBytes);
  const request = requests['memory'];
  const roomy = request !== undefined && request.millis > least.millis ? request : least;
  const all = { ...limits, memory: limits['memory'] ?? roomy };
  for (const [name, { millis, text }] of Object.entries(all)) {
    const asked = requests[name];
    if (asked === undefined || asked.millis <= millis) continue;
    throw new AgentError('SpecInvalid', `the request ${name}=${asked.text} is above its limit ${text}`, {
      remedy: `raise ${name}.limit`,
    });
  }
  return { requests, limits: all };
}

/** What to say of a memory limit that the secrets alone could fill; undefined when it is roomy. */
export function memoryWarning({ limits }: Resources, sizeBytes: bigint): string | undefined {
  const least = bytesQuantity(ownBytes + sizeBytes);
  const limit = limits['memory'];
  if (limit === undefined || limit.millis >= least.millis) return undefined;
  return `the memory limit ${limit.text} of the agent is below 64Mi and the size of the tmpfs (${least.text}): it may be killed when the tmpfs fills`;
}

export function resourcesJson({ requests, limits }: Resources): Members {
  const texts = (quantities: Readonly<Record<string, Quantity>>): Members =>
    Object.fromEntries(Object.entries(quantities).map(([name, { text }]) => [name, text]));
  return { limits: texts(limits), requests: texts(requests) };
}
