import { AgentError } from '../base/errors.ts';
import { goMarshal, parseJson } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import { Secret } from '../base/secret.ts';
import type { Fetched } from '../plan/fetched.ts';
import { nameMatcher } from '../plan/regexp.ts';
import type { Find } from '../spec/spec.ts';
import type { VaultConfig } from './vault-config.ts';
import { type SearchRoot, searchRoot } from './vault-path.ts';

/** The three reads that a search is made of. Paths are raw. */
export interface Searchable {
  list(path: string, signal: AbortSignal): Promise<readonly string[] | undefined>;
  metadataAt(path: string, signal: AbortSignal): Promise<Readonly<Record<string, string>> | undefined>;
  read(
    path: string,
    options: { version: string; at: { key: string }; signal: AbortSignal },
  ): Promise<Fetched>;
}

interface Search {
  readonly find: Find;
  readonly config: VaultConfig;
  readonly signal: AbortSignal;
}

/** Every secret below find.path whose name matches, or whose custom metadata holds the tags; a name wins over tags, as in ESO. */
export async function findSecrets(vault: Searchable, search: Search): Promise<Fetched> {
  const { find, config, signal } = search;
  if (find.tags !== undefined && config.version === 'v1') {
    throw new AgentError('SpecInvalid', 'KV v1 has no metadata to find tags in', {
      remedy: 'use find.name, or a KV v2 mount',
    });
  }
  const root = searchRoot(config, find.path);
  const names = await namesBelow(vault, root, signal);
  if (names === undefined)
    return { kind: 'absent', reason: `there are no secrets below ${root.listed}${root.prefix}` };
  const matches = await matcher(vault, root, search);
  const found = await mapInFlight(names, async (name) => {
    if (!(await matches(name))) return undefined;
    const fetched = await vault.read(root.data + name, { version: '', at: { key: name }, signal });
    if (fetched.kind !== 'tree') return undefined;
    // As ESO hands out a whole secret.
    const whole = goMarshal(parseJson(fetched.json.text()), { escapeHtml: true });
    return [name, Secret.of(whole)] as const;
  });
  return { kind: 'map', entries: new Map(found.filter((entry) => entry !== undefined)) };
}

async function matcher(
  vault: Searchable,
  root: SearchRoot,
  { find, signal }: Search,
): Promise<(name: string) => boolean | Promise<boolean>> {
  if (find.nameRegexp !== undefined) return await nameMatcher(find.nameRegexp);
  const tags = [...(find.tags ?? [])];
  if (tags.length === 0) return () => true;
  return async (name) => {
    const metadata = await vault.metadataAt(root.listed + name, signal);
    return metadata !== undefined && tags.every(([tag, value]) => metadata[tag] === value);
  };
}

/** Depth first, in Vault's order. Undefined when the root itself holds nothing. */
async function namesBelow(
  vault: Searchable,
  root: SearchRoot,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const names: string[] = [];
  const visit = async (folder: string, depth: number): Promise<boolean> => {
    if (depth > limits.findDepth) throw tooMuch(`folders deeper than ${limits.findDepth}`);
    const entries = await vault.list(root.listed + folder, signal);
    for (const entry of entries ?? []) {
      if (entry.endsWith('/')) await visit(folder + entry, depth + 1);
      else if (names.push(folder + entry) > limits.findCount)
        throw tooMuch(`more than ${limits.findCount} secrets`);
    }
    return entries !== undefined;
  };
  return (await visit(root.prefix, 0)) ? names : undefined;
}

function tooMuch(what: string): AgentError {
  return new AgentError('SpecInvalid', `find meets ${what}`, { remedy: 'narrow find.path' });
}

/** Results in the order of `items`; the first failure ends it. */
async function mapInFlight<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) {
      results[i] = await work(items[i] as T).catch((error: unknown) => {
        next = items.length;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: limits.requestsInFlight }, worker));
  return results;
}
