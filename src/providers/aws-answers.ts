import { AgentError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { AwsFault, type AwsRequest, codeOfFault, explain } from '../identity/aws-fault.ts';
import type { Fetched } from '../plan/fetched.ts';

/** A secret's value as GetSecretValue and BatchGetSecretValue give it. */
export interface ValueAnswer {
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: Uint8Array | undefined;
  readonly VersionId?: string | undefined;
}

export function fetchedOf(id: string, answer: ValueAnswer): Fetched {
  const bytes = answer.SecretString ?? answer.SecretBinary;
  if (bytes === undefined) {
    throw new AgentError('DecodeFailed', `${id} holds neither SecretString nor SecretBinary`, {
      at: { key: id },
      remedy: 'put a value into the secret',
    });
  }
  const version = answer.VersionId === undefined ? {} : { version: answer.VersionId };
  return { kind: 'text', value: Secret.of(bytes), ...version };
}

/** Not there, or deleted with a recovery window: the only faults that mean absence. */
export function isAbsent(fault: AwsFault): boolean {
  if (/^ResourceNotFound/.test(fault.code)) return true;
  return (
    /^Invalid(Request|Parameter)/.test(fault.code) &&
    fault.says(/(marked|scheduled) for deletion|marked deleted/i) !== null
  );
}

/** The region is said, since the commonest cause is another one. */
export function absent(id: string, version: string, region: string): Fetched {
  const at = version === '' ? '' : ` at version ${version}`;
  return { kind: 'absent', reason: `Secrets Manager has no ${id}${at} in ${region}` };
}

interface Asked {
  readonly call: string;
  readonly key?: string;
  readonly storeId: string;
}

/** What was thrown, with its place: a fault as an error, our own errors and the caller's abort as they are. */
export function explained(thrown: AwsFault | AgentError, asked: Asked): AgentError;
export function explained(thrown: unknown, asked: Asked): unknown;
export function explained(thrown: unknown, asked: Asked): unknown {
  const { call, key, storeId } = asked;
  const at = { store: storeId, ...(key !== undefined && { key }) };
  if (thrown instanceof AwsFault) return explain(thrown, requestOf(thrown, call, key)).within(at);
  return thrown instanceof AgentError ? thrown.within(at) : thrown;
}

function requestOf(fault: AwsFault, call: string, key: string | undefined): AwsRequest {
  const request = { action: `secretsmanager:${call}`, resource: key };
  if (codeOfFault(fault) !== 'AuthFailed') return request;
  return {
    ...request,
    remedy: 'check that the credentials of the store are still valid, and the clock of the node',
  };
}

interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** Tags as a JSON object as Go writes it: keys sorted by their bytes, `<`, `>`, `&` and the line separators
 * escaped. */
export function tagsJson(tags: readonly Tag[]): Secret {
  const members = tags
    .map(({ Key = '', Value = '' }) => ({ key: Buffer.from(Key), text: `${quote(Key)}:${quote(Value)}` }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ text }) => text);
  return Secret.of(`{${members.join(',')}}`);
}

function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
