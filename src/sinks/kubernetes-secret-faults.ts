import { AgentError, asAgentError } from '../base/errors.ts';
import { kubeFaultOf } from '../kube/fault.ts';
import type { Payload } from '../plan/payload.ts';
import type { ExternalSecret } from '../spec/spec.ts';
import { changedKeys, type LiveSecret } from './kubernetes-secret-object.ts';

/** ESO's messages of the condition. */
export const updateFailed = 'could not update secret';
export const deleteFailed = 'could not delete secret';

/** Throws Denied for what the API server would refuse: an immutable Secret's values, any Secret's type. */
export function refuseFixed(externalSecret: ExternalSecret, payload: Payload, secret: LiveSecret): void {
  const { name } = externalSecret.target;
  const keys = changedKeys(secret, externalSecret, payload);
  if (secret.immutable === true && keys.length > 0) {
    throw new AgentError('Denied', `Secret ${name} is immutable, and ${keys.join(', ')} would change`, {
      remedy: 'delete the Secret, and it is written anew',
      condition: 'could not update secret, target is immutable',
    });
  }
  if (payload.type === '' || secret.type === undefined || payload.type === secret.type) return;
  throw new AgentError(
    'Denied',
    `Secret ${name} is of type ${secret.type}, which cannot become ${payload.type}`,
    {
      remedy: `delete the Secret, or set spec.target.template.type to ${secret.type}`,
      condition: updateFailed,
    },
  );
}

export function alwaysLost(name: string): AgentError {
  return new AgentError('PublishFailed', `Secret ${name} changes faster than it can be written`, {
    remedy: 'look in its managedFields for who else writes it',
    condition: updateFailed,
  });
}

export function notOwner(name: string, creationPolicy: string): AgentError {
  return new AgentError(
    'Denied',
    `unable to delete secret ${name}: creationPolicy=${creationPolicy} is not Owner`,
    {
      remedy: 'use creationPolicy Owner, or deletionPolicy Retain',
      condition: deleteFailed,
    },
  );
}

export function notWrittenHere(name: string): AgentError {
  return new AgentError('Denied', `Secret ${name} was not written by this ExternalSecret, and stays`, {
    remedy: 'delete it by hand if nobody needs it',
    condition: deleteFailed,
  });
}

const correctTemplate =
  'correct spec.target.template, or the keys, labels and annotations of the ExternalSecret, which the Secret is made of';

/** A failure with its place and ESO's message. A namespace that is absent proves nothing about a store. */
export function told(thrown: unknown, condition: string, { at }: ExternalSecret): AgentError {
  const error = asAgentError(thrown, 'PublishFailed', at);
  const code = error.code === 'NotFound' ? 'PublishFailed' : error.code;
  const isInvalid = kubeFaultOf(error)?.status === 422 && code === 'PublishFailed';
  const remedy = isInvalid ? correctTemplate : error.remedy;
  return new AgentError(code, error.message, {
    at: error.at,
    ...(remedy !== undefined && { remedy }),
    ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
    condition: condition === deleteFailed ? condition : (error.condition ?? condition),
    cause: error.cause,
  });
}
