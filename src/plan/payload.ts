import type { Secret } from '../base/secret.ts';

/** What one ExternalSecret delivers: hop 6's result, hop 7's input. */
export interface Payload {
  /** Key to value. */
  readonly data: ReadonlyMap<string, Secret>;
  readonly type: string;
  /** Undefined: no template, so ESO copies the ExternalSecret's own. */
  readonly labels: ReadonlyMap<string, string> | undefined;
  readonly annotations: ReadonlyMap<string, string> | undefined;
  /** Hex of inputs and template: unchanged means nothing is rendered, written or notified. */
  readonly hash: string;
}
