import type { Secret, SecretMap } from '../base/secret.ts';

/** One remote key, whole, as asked of a store. */
export interface GetRead {
  readonly key: string;
  readonly version: string;
  readonly metadataPolicy: 'None' | 'Fetch';
}

/** What a store gave for one read, in the shape in which it gave it. */
export type Fetched = FetchedText | FetchedTree | FetchedMap | FetchedAbsent;

/** Opaque bytes: AWS, fake, GCP. Property lookup reads them as JSON. */
export interface FetchedText {
  readonly kind: 'text';
  readonly value: Secret;
  readonly version?: string;
}

/** A JSON object, as the text that the store sent for it (number literals intact): Vault. */
export interface FetchedTree {
  readonly kind: 'tree';
  readonly json: Secret;
  readonly version?: string;
}

/** Named values: what `find` gives, and a Kubernetes Secret's data. */
export interface FetchedMap {
  readonly kind: 'map';
  readonly entries: SecretMap;
  /** `json`: each value is a JSON object of texts, or null (a Secret's labels and annotations); else plain bytes. */
  readonly content?: 'json';
  readonly version?: string;
}

/** Proven not to be there. `reason` is for the message and never a value. */
export interface FetchedAbsent {
  readonly kind: 'absent';
  readonly reason: string;
}

/** ESO's differences between providers, as data (eso-compatibility §5). */
export interface Traits {
  /** How `property` finds its value:
   * - `literal-then-path`: when it holds a dot, the whole as a literal key first, then as a gjson path (AWS).
   * - `key-then-path`: an exact top-level key first, then gjson (Vault).
   * - `path`: gjson only (fake).
   * Of a FetchedMap it is found by name, as `named.ts` has it (Kubernetes).
   */
  readonly lookup: 'literal-then-path' | 'key-then-path' | 'path';
  /** What an absent property is: an error, or "no secret", which deletionPolicy understands (fake). */
  readonly absentProperty: 'error' | 'absent';
  /** Of `data`, a key that is not there is an error whatever the deletionPolicy (Kubernetes); else "no secret". */
  readonly absentKeyOfData?: 'error';
  /** How `extract` turns a JSON member into bytes: raw text of non-strings, or through Go's float64 and GetByteValue. */
  readonly extract: 'raw' | 'byte-value';
  /** Fake, Kubernetes and GCP convert the keys of `find` before rewrite; the others do not. */
  readonly findConvertsFirst: boolean;
}
