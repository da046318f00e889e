import { AgentError } from '../base/errors.ts';
import type { HttpResponse } from '../base/http.ts';
import { limits } from '../base/limits.ts';
import { tell } from './refusal.ts';
import type { Resource } from './resource.ts';

/** What the API server answered: the cause of an AgentError of this room. It holds names, never values. */
export class KubeFault extends Error {
  override readonly name = 'KubeFault';
  readonly status: number;
  /** `Status.reason`, e.g. `AlreadyExists`; empty when the answer is no Status. */
  readonly reason: string;
  /** What is wrong with which field, e.g. `.data.password`: of 409 to an apply and of 422. */
  readonly causes: readonly { readonly reason: string; readonly field: string; readonly manager: string }[];

  constructor(status: number, reason: string, causes: KubeFault['causes']) {
    super(`${status} ${reason}`.trim());
    this.status = status;
    this.reason = reason;
    this.causes = causes;
  }
}

/** The API server's refusal behind an error, if it is one. */
export function kubeFaultOf(error: unknown): KubeFault | undefined {
  return error instanceof AgentError && error.cause instanceof KubeFault ? error.cause : undefined;
}

/** The object is not as the write took it to be: another resourceVersion or uid, or it exists already. */
export function isConflict(error: unknown): boolean {
  return kubeFaultOf(error)?.status === 409;
}

export interface Status {
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly causes?: readonly {
      readonly reason?: string;
      readonly field?: string;
      readonly message?: string;
    }[];
  };
}

/** The `Status` object of an answer; empty when it is none. */
export function statusOf(response: HttpResponse): Status {
  try {
    const value: unknown = JSON.parse(response.body.toString('utf8'));
    const isStatus =
      typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status';
    return isStatus ? (value as Status) : {};
  } catch {
    return {};
  }
}

/** The named object itself is absent, and not the resource, the namespace's API or the whole server. */
export function provesAbsence(response: HttpResponse, resource: Resource): boolean {
  const { reason, details } = statusOf(response);
  return response.status === 404 && reason === 'NotFound' && details?.name === resource.name;
}

/** An answer that is a refusal, as AgentError. */
export function faultOf(response: HttpResponse, resource: Resource, verb: string): AgentError {
  const status = statusOf(response);
  const causes = (status.details?.causes ?? []).map(({ reason = '', field = '', message = '' }) => ({
    reason,
    field,
    manager: /^conflict with "([^"]*)"/.exec(message)?.[1] ?? '',
  }));
  const cause = new KubeFault(response.status, status.reason ?? '', causes);
  const { code, message, remedy } = tell(response, { resource, verb, status, cause });
  const retryAfterMs = retryAfterOf(response);
  return new AgentError(code, message, {
    cause,
    ...(remedy !== undefined && { remedy }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** Of 429 and 503: seconds, as the API server has it. */
function retryAfterOf({ headers }: HttpResponse): number | undefined {
  const seconds = headers['retry-after'];
  if (seconds === undefined || !/^\d{1,6}$/.test(seconds)) return undefined;
  return Math.min(Number(seconds) * 1000, limits.retryAfterCapMs);
}
