import { AgentError, type Code } from '../base/errors.ts';
import type { HttpResponse } from '../base/http.ts';
import { limits } from '../base/limits.ts';
import { type Resource, textOf } from './resource.ts';
import { missingRule } from './rule.ts';

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

interface Status {
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

/**
 * An answer that is a refusal, as AgentError. The API server's own text is quoted nowhere: those of
 * validation and of admission webhooks may hold parts of the object, which may be a Secret.
 */
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

interface Told {
  readonly code: Code;
  readonly message: string;
  readonly remedy?: string | undefined;
}

interface Refused {
  readonly resource: Resource;
  readonly verb: string;
  readonly status: Status;
  readonly cause: KubeFault;
}

function tell(response: HttpResponse, refused: Refused): Told {
  const { resource, verb, cause } = refused;
  const what = textOf(resource);
  switch (response.status) {
    case 401:
      return {
        code: 'AuthFailed',
        message: 'the API server does not accept the credentials',
        remedy: "check that the token is this cluster's, for the API server's own audience, and not expired",
      };
    case 403:
      return tellForbidden(refused);
    case 404:
      return tellAbsent(refused);
    case 409:
      return tellConflict(refused);
    case 413:
      return { code: 'PublishFailed', message: `the API server refuses ${what}: it is too large` };
    case 429:
      return { code: 'Throttled', message: 'the API server asks for fewer requests' };
    default:
      if (response.status >= 500)
        return {
          code: 'Unavailable',
          message: `the API server answers ${response.status}`,
          remedy: 'check the load and the health of the API server',
        };
      return {
        code: verb === 'get' || verb === 'list' ? 'SpecInvalid' : 'PublishFailed',
        message:
          `the API server refuses to ${verb} ${what}: ${response.status} ${cause.reason}${fieldsOf(cause)}`.trim(),
      };
  }
}

function fieldsOf({ causes }: KubeFault): string {
  const fields = causes.map(({ field, reason }) => `${field} (${reason})`);
  return fields.length === 0 ? '' : `: ${fields.slice(0, 10).join(', ')}`;
}

/** RBAC says so in words of a fixed form; anything else is admission: a webhook, a policy, a quota. */
function tellForbidden({ resource, verb, status, cause }: Refused): Told {
  const what = textOf(resource);
  const text = status.message ?? '';
  const rule = missingRule(text, resource);
  if (rule !== undefined) return { code: 'Denied', ...rule };
  if (cause.causes.some(({ reason }) => reason === 'NamespaceTerminating'))
    return { code: 'Denied', message: `the namespace of ${what} is being deleted` };
  const [, kind, name] =
    /(admission webhook|ValidatingAdmissionPolicy) ["']([^"']+)["']/.exec(text) ??
    /(exceeded quota): ([-.a-z0-9]+)/.exec(text) ??
    [];
  const by =
    kind === undefined
      ? 'its admission control'
      : kind === 'exceeded quota'
        ? `the quota ${name}`
        : `the ${kind} ${name}`;
  return {
    code: 'Denied',
    message: `${by} refuses to ${verb} ${what}`,
    remedy: 'ask whoever runs the cluster for an exception',
  };
}

function tellAbsent({ resource, status }: Refused): Told {
  const known = status.details?.name !== undefined;
  if (known) return { code: 'NotFound', message: `there is no ${textOf(resource)}` };
  const { group, version, resource: plural } = resource;
  const api = group === '' ? version : `${group}/${version}`;
  return {
    code: 'Unavailable',
    message: `the API server does not know ${plural} of ${api}`,
    remedy: group === '' ? 'check that the address is that of a Kubernetes API server' : 'install its CRD',
  };
}

function tellConflict({ resource, cause }: Refused): Told {
  const what = textOf(resource);
  if (cause.reason === 'AlreadyExists') return { code: 'PublishFailed', message: `${what} exists already` };
  const managers = [...new Set(cause.causes.map(({ manager }) => manager).filter((name) => name !== ''))];
  if (managers.length === 0) return { code: 'PublishFailed', message: `${what} was changed meanwhile` };
  const fields = cause.causes.map(({ field }) => field);
  return {
    code: 'PublishFailed',
    message: `${fields.slice(0, 10).join(', ')} of ${what} belong to ${managers.sort().join(', ')}`,
    remedy: 'let one of the two give these fields up',
  };
}

/** Of 429 and 503: seconds, as the API server has it. */
function retryAfterOf({ headers }: HttpResponse): number | undefined {
  const seconds = headers['retry-after'];
  if (seconds === undefined || !/^\d{1,6}$/.test(seconds)) return undefined;
  return Math.min(Number(seconds) * 1000, limits.retryAfterCapMs);
}
