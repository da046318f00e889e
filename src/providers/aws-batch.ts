import { type Clock, uniform } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { AwsFault, codeOfFault } from '../identity/aws-fault.ts';
import type { Fetched } from '../plan/fetched.ts';
import { explained, fetchedOf, type ValueAnswer } from './aws-answers.ts';
import type { SecretsManagerApi } from './aws-api.ts';
import { inPool } from './pool.ts';
import type { Memory } from './provider.ts';

export type Outcome = Fetched | AgentError;

/** Whether BatchGetSecretValue, which needs a permission of its own, is worth a try. */
export interface BatchPermission {
  isLikely(): boolean;
  /** Believed for a day, or until the store's spec changes; other lives of the pod believe it too. */
  rememberDenial(): void;
}

export function batchPermission(parts: {
  readonly store: { readonly id: string; readonly hash: string };
  readonly mode: 'auto' | 'never';
  readonly memory: Memory;
  readonly clock: Clock;
  readonly log: Log;
}): BatchPermission {
  const { store, mode, memory, clock, log } = parts;
  const key = `aws-batch-denied/${store.id}`;
  return {
    isLikely: () => {
      if (mode === 'never') return false;
      const [hash, sinceMs] = memory.get(key)?.split(' ') ?? [];
      return hash !== store.hash || clock.now() - Number(sinceMs) > limits.awsBatchDenialMs;
    },
    rememberDenial: () => {
      memory.set(key, `${store.hash} ${clock.now()}`);
      const text = 'keys are read one by one: allow secretsmanager:BatchGetSecretValue for fewer calls';
      log.info({ store: store.id }, text);
    },
  };
}

/** Denied, or unknown to what stands in for AWS. */
export function isBatchRefusal(thrown: unknown): boolean {
  if (!(thrown instanceof AwsFault)) return false;
  return /^(AccessDenied|UnknownOperation|NotImplemented)/.test(thrown.code) || thrown.status === 501;
}

export interface BatchContext {
  readonly api: SecretsManagerApi;
  readonly storeId: string;
  readonly permission: BatchPermission;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * The current values of many secrets, twenty a call. An id without an outcome is to be got by itself: the batch
 * was not allowed, or did not say for certain what became of it.
 */
export async function readBatches(
  ids: readonly string[],
  context: BatchContext,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  await inPool(chunked(ids, limits.awsBatchCount), async (chunk) => {
    // A single key is as cheap by itself, and needs one permission less.
    if (chunk.length < 2 || !context.permission.isLikely()) return;
    for (const [id, outcome] of await readBatch(chunk, context)) outcomes.set(id, outcome);
  });
  return outcomes;
}

async function readBatch(
  ids: readonly string[],
  context: BatchContext,
): Promise<ReadonlyMap<string, Outcome>> {
  try {
    return await askBatch(ids, context);
  } catch (thrown) {
    context.signal.throwIfAborted();
    if (thrown instanceof AwsFault) return await fallBack(ids, thrown, context);
    if (thrown instanceof AgentError) return failedAlike(ids, thrown, context);
    throw thrown;
  }
}

async function fallBack(
  ids: readonly string[],
  fault: AwsFault,
  context: BatchContext,
): Promise<ReadonlyMap<string, Outcome>> {
  const { permission, clock, signal } = context;
  if (isBatchRefusal(fault)) {
    permission.rememberDenial();
    return new Map();
  }
  switch (codeOfFault(fault)) {
    case 'Throttled':
      // The quota of the batch call is a small part of GetSecretValue's: go there, but not all agents at once.
      await clock.sleep(uniform(clock, 0, limits.awsBatchThrottleMs), signal);
      return new Map();
    case 'Unavailable':
    case 'AuthFailed':
      return failedAlike(ids, fault, context);
    default:
      // One malformed id fails the whole call; by itself it fails alone.
      return new Map();
  }
}

function failedAlike(
  ids: readonly string[],
  thrown: AwsFault | AgentError,
  { storeId }: BatchContext,
): ReadonlyMap<string, Outcome> {
  const error = explained(thrown, { call: 'BatchGetSecretValue', storeId });
  return new Map(ids.map((id) => [id, error]));
}

async function askBatch(
  ids: readonly string[],
  context: BatchContext,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  let next: string | undefined;
  for (let page = 0; page < limits.awsBatchCount; page++) {
    const input = { SecretIdList: [...ids], ...(next !== undefined && { NextToken: next }) };
    const answer = await context.api.batchGetSecretValue(input, context.signal);
    for (const entry of answer.SecretValues ?? []) {
      for (const id of ids) if (isNamed(id, entry)) outcomes.set(id, outcomeOf(id, entry));
    }
    for (const error of answer.Errors ?? []) {
      const id = ids.find((each) => each === error.SecretId);
      if (id !== undefined && isDenial(error)) outcomes.set(id, denial(id, error, context.storeId));
    }
    next = answer.NextToken;
    if (!next) break;
  }
  return outcomes;
}

interface Named {
  readonly ARN?: string | undefined;
  readonly Name?: string | undefined;
}

/** Answers tell name and ARN, whichever was asked. An ARN may be asked without its six random characters. */
function isNamed(id: string, { ARN: arn = '', Name: name }: Named): boolean {
  if (id === name || id === arn) return true;
  return id.startsWith('arn:') && arn.startsWith(`${id}-`) && arn.length === id.length + 7;
}

function outcomeOf(id: string, entry: ValueAnswer): Outcome {
  try {
    return fetchedOf(id, entry);
  } catch (thrown) {
    if (thrown instanceof AgentError) return thrown;
    throw thrown;
  }
}

export interface BatchError {
  readonly SecretId?: string | undefined;
  readonly ErrorCode?: string | undefined;
  readonly Message?: string | undefined;
}

/** Only a denial is taken from a batch: absence is too grave, and other faults too passing, not to ask again. */
function isDenial(error: BatchError): boolean {
  return (
    codeOfFault(batchFault(error)) === 'Denied' &&
    /^(AccessDenied|DecryptionFailure)/.test(error.ErrorCode ?? '')
  );
}

function denial(id: string, error: BatchError, storeId: string): AgentError {
  return explained(batchFault(error), { call: 'GetSecretValue', key: id, storeId });
}

export function batchFault(error: BatchError): AwsFault {
  return new AwsFault({ code: error.ErrorCode ?? '', status: 400, detail: error.Message ?? '' });
}

function chunked<T>(items: readonly T[], size: number): readonly T[][] {
  const chunks: T[][] = [];
  for (let i = 0; i < items.length; i += size) chunks.push(items.slice(i, i + size));
  return chunks;
}
