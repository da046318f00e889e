import type { Filter } from '@aws-sdk/client-secrets-manager';
import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Secret } from '../base/secret.ts';
import type { Fetched } from '../plan/fetched.ts';
import { nameMatcher } from '../plan/regexp.ts';
import type { Find } from '../spec/spec.ts';
import { explained, fetchedOf, isAbsent } from './aws-answers.ts';
import type { SecretsManagerApi } from './aws-api.ts';
import { type BatchError, type BatchPermission, batchFault, isBatchRefusal } from './aws-batch.ts';
import { inPool } from './pool.ts';

export interface FindContext {
  readonly api: SecretsManagerApi;
  readonly storeId: string;
  readonly permission: BatchPermission;
  /** One secret by its full name. */
  readonly getOne: (name: string) => Promise<Fetched>;
  readonly signal: AbortSignal;
}

/**
 * Every secret that matches, by name. As ESO: a name alone is looked for in the whole list; a path (a prefix of
 * names) and tags are filters that AWS applies, values included in the answer. Tag keys and values are filtered
 * apart from each other, so `a: 1` also finds a secret with tags `a: 2` and `b: 1`.
 */
export async function findSecrets(find: Find, context: FindContext): Promise<Fetched> {
  if (find.nameRegexp === undefined && !find.tags?.size) {
    throw new AgentError('SpecInvalid', 'find has neither name nor tags', {
      at: { store: context.storeId },
      remedy: 'set find.name.regexp or find.tags; a path only narrows them',
    });
  }
  const matches = find.nameRegexp === undefined ? () => true : await nameMatcher(find.nameRegexp);
  const filters = filtersOf(find);
  const search = { filters, matches, storeId: context.storeId };
  const found = new Map<string, Secret>();
  // ESO lists where a name comes without a path, even with tags.
  const mayBatch = find.nameRegexp === undefined || find.path !== undefined;
  const isBatched = mayBatch && context.permission.isLikely() && (await byBatch(search, context, found));
  if (!isBatched) await byList(search, context, found);
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  return { kind: 'map', entries: new Map(sorted) };
}

interface Search {
  readonly filters: Filter[];
  readonly matches: (name: string) => boolean;
  readonly storeId: string;
}

function filtersOf(find: Find): Filter[] {
  const filters: Filter[] = [];
  for (const [key, value] of find.tags ?? []) {
    filters.push({ Key: 'tag-key', Values: [key] }, { Key: 'tag-value', Values: [value] });
  }
  if (find.path !== undefined) filters.push({ Key: 'name', Values: [find.path] });
  return filters;
}

/** False when the batch call is refused: then nothing was found by it. */
async function byBatch(search: Search, context: FindContext, found: Map<string, Secret>): Promise<boolean> {
  const { api, permission, signal } = context;
  try {
    await paged(search.storeId, async (NextToken) => {
      const answer = await api.batchGetSecretValue({ Filters: search.filters, ...token(NextToken) }, signal);
      for (const error of answer.Errors ?? []) assertHarmless(error, search);
      for (const entry of answer.SecretValues ?? []) {
        if (entry.Name !== undefined && search.matches(entry.Name)) {
          keep(found, entry.Name, fetchedOf(entry.Name, entry));
          if (found.size > limits.findCount) throw tooMany(search.storeId);
        }
      }
      return answer.NextToken;
    });
    return true;
  } catch (thrown) {
    if (!isBatchRefusal(thrown)) {
      throw explained(thrown, { call: 'BatchGetSecretValue', storeId: search.storeId });
    }
    permission.rememberDenial();
    return false;
  }
}

async function byList(search: Search, context: FindContext, found: Map<string, Secret>): Promise<void> {
  const { api, getOne, signal } = context;
  const names: string[] = [];
  try {
    await paged(search.storeId, async (NextToken) => {
      const answer = await api.listSecrets(
        { Filters: search.filters, MaxResults: 100, ...token(NextToken) },
        signal,
      );
      for (const { Name: name } of answer.SecretList ?? []) {
        if (name !== undefined && search.matches(name)) names.push(name);
      }
      if (names.length > limits.findCount) throw tooMany(search.storeId);
      return answer.NextToken;
    });
  } catch (thrown) {
    throw explained(thrown, { call: 'ListSecrets', storeId: search.storeId });
  }
  await inPool(names, async (name) => keep(found, name, await getOne(name)));
}

function token(next: string | undefined): { NextToken?: string } {
  return next === undefined ? {} : { NextToken: next };
}

async function paged(
  storeId: string,
  ask: (next: string | undefined) => Promise<string | undefined>,
): Promise<void> {
  let next: string | undefined;
  for (let page = 0; page < limits.awsPageCount; page++) {
    next = await ask(next);
    if (!next) return;
  }
  throw tooMany(storeId);
}

/** Deleted between list and read: it was not found, then. */
function keep(found: Map<string, Secret>, name: string, fetched: Fetched): void {
  if (fetched.kind === 'text') found.set(name, fetched.value);
}

/** Unlike in ESO, a secret that matches and may not be read is an error: left out, its key would vanish
 * from what was delivered. */
function assertHarmless(error: BatchError, search: Search): void {
  const fault = batchFault(error);
  const name = nameOf(error.SecretId ?? '');
  if (isAbsent(fault) || !search.matches(name)) return;
  throw explained(fault, { call: 'GetSecretValue', key: name, storeId: search.storeId });
}

/** Of an ARN, which ends in the name, a hyphen and six random characters. */
function nameOf(id: string): string {
  return id.startsWith('arn:')
    ? id
        .split(':')
        .slice(6)
        .join(':')
        .replace(/-[A-Za-z0-9]{6}$/, '')
    : id;
}

function tooMany(storeId: string): AgentError {
  return new AgentError('SpecInvalid', `find matches more than ${limits.findCount} secrets`, {
    at: { store: storeId },
    remedy: 'narrow find.name.regexp, find.path or find.tags',
  });
}
