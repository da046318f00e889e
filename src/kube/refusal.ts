import type { Code } from '../base/errors.ts';
import type { HttpResponse } from '../base/http.ts';
import { admissionOf } from './admission.ts';
import type { KubeFault, Status } from './fault.ts';
import { type Resource, textOf } from './resource.ts';
import { missingRule } from './rule.ts';

export interface Told {
  readonly code: Code;
  readonly message: string;
  readonly remedy?: string | undefined;
}

export interface Refused {
  readonly resource: Resource;
  readonly verb: string;
  readonly status: Status;
  readonly cause: KubeFault;
}

/** A refusal in words. The API server's own text is quoted nowhere: those of validation and of admission webhooks may
 * hold parts of the object, which may be a Secret. */
export function tell(response: HttpResponse, refused: Refused): Told {
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
      return {
        code: 'PublishFailed',
        message: `the API server refuses ${what}: it is too large`,
        remedy: 'split it, or make its labels and annotations smaller',
      };
    case 429:
      return {
        code: 'Throttled',
        message: 'the API server asks for fewer requests',
        remedy: 'nothing is to be done at once: it is asked again when it wants to be',
      };
    default:
      if (response.status >= 500 || response.status === 408)
        return {
          code: 'Unavailable',
          message: `the API server answers ${response.status}`,
          remedy: 'check the load and the health of the API server',
        };
      return (
        tellAdmission(refused) ?? {
          // Not SpecInvalid, which nobody would try again: it may be a proxy that speaks.
          code: verb === 'get' || verb === 'list' ? 'Denied' : 'PublishFailed',
          message:
            `the API server refuses to ${verb} ${what}: ${response.status} ${cause.reason}${fieldsOf(cause)}`.trim(),
          remedy:
            cause.reason === 'Invalid'
              ? 'correct what is written to these fields'
              : 'check that nothing between changes requests, and that the server is one of Kubernetes',
        }
      );
  }
}

function fieldsOf({ causes }: KubeFault): string {
  const fields = causes.flatMap(({ field, reason }) => (field === '' ? [] : [`${field} (${reason})`]));
  return fields.length === 0 ? '' : `: ${fields.slice(0, 10).join(', ')}`;
}

/** RBAC says so in words of a fixed form; anything else is admission: a webhook, a policy, a quota. */
function tellForbidden(refused: Refused): Told {
  const { resource, verb, status } = refused;
  const rule = missingRule(status.message ?? '', resource);
  if (rule !== undefined) return { code: 'Denied', ...rule };
  return (
    tellAdmission(refused) ?? {
      code: 'Denied',
      message: `its admission control refuses to ${verb} ${textOf(resource)}`,
      remedy: askForException,
    }
  );
}

function tellAdmission({ resource, verb, status, cause }: Refused): Told | undefined {
  const reasons = cause.causes.map(({ reason }) => reason);
  const refusal = admissionOf(status.message ?? '', reasons, resource);
  if (refusal === undefined) return undefined;
  const { by, remedy = askForException } = refusal;
  return { code: 'Denied', message: `${by} refuses to ${verb} ${textOf(resource)}`, remedy };
}

const askForException = 'ask whoever runs the cluster for an exception';

function tellAbsent({ resource, status }: Refused): Told {
  const { name, kind } = status.details ?? {};
  if (kind === 'namespaces' && name === resource.namespace)
    return {
      code: 'NotFound',
      message: `there is no namespace ${name}`,
      remedy: 'make it, or name another one',
    };
  if (name !== undefined)
    return {
      code: 'NotFound',
      message: `there is no ${textOf(resource)}`,
      remedy: 'make it, or check its name',
    };
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
