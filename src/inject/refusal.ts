import { AgentError } from '../base/errors.ts';

/** Why a pod is not admitted: the `reason` label of `review_total`, and the first word of the message. */
export const refusalReasons = [
  'UnknownAnnotation',
  'InvalidAnnotation',
  'NotSupported',
  'InvalidPod',
  'NameClash',
  'PathClash',
  'PortClash',
  'Unreadable',
  'Windows',
  'InvalidSpec',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

export interface Refusal {
  readonly reason: RefusalReason;
  readonly error: AgentError;
}

/** `field` is an annotation's whole name, or a path in the pod. */
export function refusal(
  reason: RefusalReason,
  field: string,
  { message, remedy }: { readonly message: string; readonly remedy: string },
): Refusal {
  return { reason, error: new AgentError('SpecInvalid', message, { at: { field }, remedy }) };
}

/** For whoever runs kubectl: every refusal, in one line. */
export function refusalText(refusals: readonly Refusal[]): string {
  return refusals
    .map(({ reason, error }) => {
      const remedy = error.remedy === undefined ? '' : ` (${error.remedy})`;
      return `${reason}: ${error.at.field}: ${error.message}${remedy}`;
    })
    .join('; ');
}
