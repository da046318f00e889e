/**
 * What can go wrong, once and for all providers. A code is a promise: dashboards, runbooks and the
 * `reason` label of `external_secrets_failures` are built on it, so one is never renamed or reused.
 */
export const codes = [
  'SpecInvalid',
  'TemplateFailed',
  'AuthFailed',
  'Denied',
  'NotFound',
  'PropertyMissing',
  'Throttled',
  'Unavailable',
  'DecodeFailed',
  'ValidationRefused',
  'PublishFailed',
  'NotifyFailed',
] as const;

export type Code = (typeof codes)[number];

/** Where in the user's world the fault sits. Only what is known is set; rendered by `placeOf`. */
export interface At {
  /** Path of the file as the user gave it. */
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** `Kind/name`, e.g. `ExternalSecret/db`. */
  readonly object?: string;
  /** Field path as in the YAML, e.g. `spec.data[0].remoteRef.key`. */
  readonly field?: string;
  /** `Kind/name` of the store. */
  readonly store?: string;
  /** The remote key. */
  readonly key?: string;
  readonly property?: string;
}

export interface AgentErrorInit {
  readonly at?: At;
  /** What the reader can do about it, one sentence in the imperative. */
  readonly remedy?: string;
  /** The store asked for this pause (Retry-After), in milliseconds. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
  /** Volatile ids of the provider. Never part of the message: the same fault twice gives the same text. */
  readonly requestId?: string;
  /** ESO's message of the Ready condition, where the code alone does not say it. */
  readonly condition?: string;
}

/**
 * The one error type. It is made where the fact is known, given more of `at` by `within` where context
 * is added, and logged once, in the loop. `message` never holds a secret value nor a volatile id. What specs and
 * stores put into it is made printable here, since it ends on terminals, in logs and in `kubectl describe`.
 */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: Code;
  readonly at: At;
  readonly remedy: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly requestId: string | undefined;
  readonly condition: string | undefined;

  constructor(code: Code, message: string, init: AgentErrorInit = {}) {
    super(printable(message), init.cause === undefined ? undefined : { cause: init.cause });
    this.code = code;
    this.at = printableAt(init.at ?? {});
    this.remedy = init.remedy === undefined ? undefined : printable(init.remedy);
    this.retryAfterMs = init.retryAfterMs;
    this.requestId = init.requestId;
    this.condition = init.condition;
  }

  /** The same fault, with more context; what was known nearer to the fault wins. The place in one object is never
   * completed by a place in another: a store's fault is not at a field of the ExternalSecret that reads it. */
  within(outer: At): AgentError {
    const { file: _file, line: _line, column: _column, object, field: _field, ...context } = outer;
    const isElsewhere = object !== undefined && this.at.object !== undefined && object !== this.at.object;
    const at = { ...(isElsewhere ? context : outer), ...this.at };
    const init: { -readonly [K in keyof AgentErrorInit]: AgentErrorInit[K] } = { at };
    if (this.remedy !== undefined) init.remedy = this.remedy;
    if (this.retryAfterMs !== undefined) init.retryAfterMs = this.retryAfterMs;
    if (this.requestId !== undefined) init.requestId = this.requestId;
    if (this.condition !== undefined) init.condition = this.condition;
    if (this.cause !== undefined) init.cause = this.cause;
    return new AgentError(this.code, this.message, init);
  }
}

/** C0 and C1 controls but the line feed, and what separates lines or turns text around. */
const unprintable = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** Controls as `\uXXXX`; the line feeds of a text of several lines stay. */
export function printable(text: string): string {
  return text.replace(unprintable, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function printableAt(at: At): At {
  const entries = Object.entries(at).map(([name, value]: [string, unknown]) => {
    return [name, typeof value === 'string' ? printable(value).replaceAll('\n', escaped) : value];
  });
  return Object.fromEntries(entries) as At;
}

/**
 * How the loop treats a code.
 * - `transient`: back off and retry, counts towards the store's breaker.
 * - `settled`: the store answered and will answer the same again; few retries, then the interval only.
 * - `spec`: another spec helps, or what the spec refers to (a certificate in a mounted Secret, the number of keys that
 *   `find` meets); no retry, the interval only.
 */
export type Verdict = 'transient' | 'settled' | 'spec';

export function verdictOf(code: Code): Verdict {
  switch (code) {
    case 'Throttled':
    case 'Unavailable':
    case 'AuthFailed':
    case 'PublishFailed':
    case 'NotifyFailed':
      return 'transient';
    case 'Denied':
    case 'NotFound':
    case 'PropertyMissing':
    case 'DecodeFailed':
    case 'TemplateFailed':
    case 'ValidationRefused':
      return 'settled';
    case 'SpecInvalid':
      return 'spec';
  }
}

/** `file:line:column` as far as known, or the empty string. */
export function positionOf(at: At): string {
  if (at.file === undefined) return '';
  return [at.file, at.line, at.column].filter((part) => part !== undefined).join(':');
}

/** One line for a person: place, message, remedy. */
export function describe(error: AgentError): string {
  const { at } = error;
  const where = [positionOf(at), at.object, at.field].filter(Boolean).join(': ');
  const remedy = error.remedy === undefined ? '' : ` (${error.remedy})`;
  return `${where === '' ? '' : `${where}: `}${error.code}: ${error.message}${remedy}`;
}

/** Any thrown value as an AgentError; a stranger is given `code`. Its message is kept, so callers only
 * use it where a foreign message cannot hold a value. */
export function asAgentError(thrown: unknown, code: Code, at: At = {}): AgentError {
  if (thrown instanceof AgentError) return thrown.within(at);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new AgentError(code, message, { at, cause: thrown });
}
