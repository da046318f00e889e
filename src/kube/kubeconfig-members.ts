import { AgentError } from '../base/errors.ts';

export type Members = Readonly<Record<string, unknown>>;

/** An entry of one of a kubeconfig's lists. */
export interface Named {
  readonly name: string;
  readonly members: Members;
  /** Of the file it stands in, for relative paths; undefined where files may not be named. */
  readonly folder: string | undefined;
}

export function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

export function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function invalid(message: string, remedy?: string): AgentError {
  return new AgentError('SpecInvalid', message, remedy === undefined ? {} : { remedy });
}
