import { limits } from '../base/limits.ts';
import { isMembers, type Members, membersOf, textOf } from './raw.ts';

/** A request of the API server, as far as it matters. */
export interface Review {
  readonly uid: string;
  readonly kind: string;
  readonly operation: string;
  /** Empty for the object itself. */
  readonly subResource: string;
  readonly namespace: string | undefined;
  /** Empty when the API server has not named it yet. */
  readonly name: string;
  readonly dryRun: boolean;
  /** Null at a deletion. */
  readonly object: Members | null;
  /** What an UPDATE finds; null otherwise. */
  readonly oldObject: Members | null;
}

/** What was sent is no AdmissionReview. Answered with 400, which the failurePolicy then decides about. */
export class BadReview extends Error {
  override readonly name = 'BadReview';
}

/** Throws BadReview. */
export function readReview(body: Buffer): Review {
  const parsed = parse(body);
  const apiVersion = textOf(parsed['apiVersion']);
  if (parsed['kind'] !== 'AdmissionReview') throw new BadReview('the body is no AdmissionReview');
  if (apiVersion !== 'admission.k8s.io/v1') {
    throw new BadReview(`${String(apiVersion).slice(0, 80)} is not admission.k8s.io/v1`);
  }
  const request = membersOf(parsed['request']);
  const uid = textOf(request['uid']);
  if (uid === undefined || uid === '') throw new BadReview('the request has no uid');
  const { object = null, oldObject = null } = request;
  return {
    uid,
    kind: textOf(membersOf(request['kind'])['kind']) ?? '',
    operation: textOf(request['operation']) ?? '',
    subResource: textOf(request['subResource']) ?? '',
    namespace: textOf(request['namespace']) || undefined,
    name: textOf(request['name']) ?? '',
    dryRun: request['dryRun'] === true,
    object: isMembers(object) ? object : null,
    oldObject: isMembers(oldObject) ? oldObject : null,
  };
}

function parse(body: Buffer): Members {
  if (isTooMuch(body)) throw new BadReview('the body has more values, or nests deeper, than any object');
  try {
    return membersOf(JSON.parse(body.toString('utf8')));
  } catch {
    throw new BadReview('the body is not JSON');
  }
}

/** Whether reading it as JSON would take much more memory than there is. What is usual cannot, and is not kept waiting. */
function isTooMuch(body: Buffer): boolean {
  if (body.length <= limits.reviewUsualBytes) return false;
  let [values, depth, inText] = [0, 0, false];
  for (let i = 0; i < body.length; i++) {
    const byte = body[i];
    if (byte === quote) inText = !inText;
    else if (inText) i += byte === backslash ? 1 : 0;
    else if (byte === bracket || byte === brace) depth++;
    else if (byte === bracketEnd || byte === braceEnd) depth--;
    if (!inText && (byte === comma || byte === bracket || byte === brace)) values++;
    if (values > limits.reviewValueCount || depth > limits.reviewDepth) return true;
  }
  return false;
}

const [quote, backslash, comma, bracket, bracketEnd, brace, braceEnd] = Buffer.from('"\\,[]{}');

/** What was decided. The labels of `review_total`, and the answer. */
export interface Verdict {
  /** `failed`: what was sent is no review, or the fault is ours; then the failurePolicy decides. */
  readonly result: 'patched' | 'allowed' | 'denied' | 'failed';
  /** Why, in one word that dashboards can count: empty when nothing is to be said. */
  readonly reason: string;
  /** Of an injected pod: `sidecar`, `init` or `pair`. */
  readonly mode: string;
  /** For whoever runs kubectl, when it is denied. */
  readonly message?: string;
  readonly warnings?: readonly string[];
  readonly patch?: readonly object[];
}

export function allowed(reason: string, warnings: readonly string[] = []): Verdict {
  return { result: 'allowed', reason, mode: '', warnings };
}

/** The AdmissionReview that says so. */
export function answerTo(uid: string, verdict: Verdict): string {
  const { result, warnings = [], patch = [] } = verdict;
  const status = { code: 403, reason: 'Forbidden', message: denialOf(verdict) };
  const response = {
    uid,
    allowed: result !== 'denied',
    ...(result === 'denied' && { status }),
    ...(warnings.length > 0 && { warnings: shownWarnings(warnings) }),
    ...(patch.length > 0 && {
      patchType: 'JSONPatch',
      patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
    }),
  };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response });
}

/** Why it is denied, in as many letters as anybody reads. */
export function denialOf({ message = '' }: Verdict): string {
  return cut(message, limits.reviewMessageLength);
}

function shownWarnings(warnings: readonly string[]): readonly string[] {
  const shown = warnings.slice(0, limits.reviewWarningCount);
  const more = warnings.length - shown.length;
  const all = more > 0 ? [...shown.slice(0, -1), `and ${more + 1} more`] : shown;
  return all.map((warning) => cut(warning.replace(/\s+/g, ' '), limits.reviewWarningLength));
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
