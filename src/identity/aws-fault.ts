import { AgentError, type AgentErrorInit, type Code } from '../base/errors.ts';
import type { HttpResponse } from '../base/http.ts';

/**
 * An error answer of an AWS API, before it is told to anyone. `detail` is AWS's own text: it may hold
 * a session token (a signature mismatch echoes the signed headers), so it leaves only through `explain`.
 */
export class AwsFault extends Error {
  override readonly name = 'AwsFault';
  /** AWS's error code without namespace and URL; empty when the answer is not AWS's. */
  readonly code: string;
  readonly status: number;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly #detail: string;

  constructor(init: {
    code: string;
    status: number;
    detail: string;
    requestId?: string | undefined;
    retryAfterMs?: number | undefined;
  }) {
    super(`AWS answers ${init.code || init.status}`);
    this.code = init.code;
    this.status = init.status;
    this.requestId = init.requestId;
    this.retryAfterMs = init.retryAfterMs;
    this.#detail = init.detail;
  }

  says(pattern: RegExp): RegExpExecArray | null {
    return pattern.exec(this.#detail);
  }
}

/** The fault in an answer of status 400 and above, whether it is JSON, XML or a gateway's page. */
export function faultOf(response: HttpResponse): AwsFault {
  const text = response.body.toString('utf8');
  const json = parsed(text);
  const code =
    response.headers['x-amzn-errortype'] ?? json?.['__type'] ?? json?.['code'] ?? xmlText(text, 'Code') ?? '';
  const detail = json?.['message'] ?? json?.['Message'] ?? xmlText(text, 'Message') ?? '';
  return new AwsFault({
    code: bareCode(String(code)),
    status: response.status,
    detail: String(detail),
    requestId: response.headers['x-amzn-requestid'] ?? xmlText(text, 'RequestId'),
    retryAfterMs: retryAfterMs(response.headers['retry-after']),
  });
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

export function xmlText(xml: string, element: string): string | undefined {
  const text = new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1];
  return text?.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => entities[name] ?? '');
}

const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

/** `com.amazonaws.secretsmanager#ResourceNotFoundException:http://…` is `ResourceNotFoundException`. */
function bareCode(code: string): string {
  return (code.split(':')[0] ?? '')
    .replace(/^.*#/, '')
    .replace(/[^\w.-]/g, '')
    .slice(0, 80);
}

function retryAfterMs(header: string | undefined): number | undefined {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

const throttled =
  /^(Throttl|TooManyRequests|RequestLimitExceeded|RequestThrottled|SlowDown|BandwidthLimit|PriorRequestNot|ProvisionedThroughput)/;
const badLogin =
  /^(ExpiredToken|InvalidIdentityToken|IDPRejectedClaim|UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|IncompleteSignature|MissingAuthenticationToken|RequestExpired|RequestTimeTooSkewed|InvalidToken|InvalidAccessKeyId|AuthFailure)/;
const denied =
  /^(AccessDenied|NotAuthorized|UnauthorizedOperation|AuthorizationError|Forbidden|OptInRequired|RegionDisabled)/;
const transient = /^(Internal|ServiceUnavailable|IDPCommunicationError|RequestTimeout)/;

/** What a fault means to the loop. */
export function codeOfFault(fault: AwsFault): Code {
  if (fault.status === 429 || throttled.test(fault.code)) return 'Throttled';
  if (fault.status >= 500 || fault.status === 408 || transient.test(fault.code)) return 'Unavailable';
  if (fault.status === 401 || badLogin.test(fault.code)) return 'AuthFailed';
  if (/^ResourceNotFound/.test(fault.code)) return 'NotFound';
  if (/^(Validation|InvalidParameter)/.test(fault.code)) return 'SpecInvalid';
  if (denied.test(fault.code) || /^DecryptionFailure/.test(fault.code)) return 'Denied';
  // The API answered and will answer the same again.
  return fault.code === '' && fault.status < 400 ? 'Unavailable' : 'Denied';
}

/** True where a new login may help: the credentials, not the request, were refused. */
export function wantsNewLogin(fault: AwsFault): boolean {
  return /^(ExpiredToken|UnrecognizedClient|InvalidClientTokenId|RequestExpired|InvalidToken)/.test(
    fault.code,
  );
}

/** What was asked, for the message and the remedy. */
export interface AwsRequest {
  /** As IAM names it: `secretsmanager:GetSecretValue`. */
  readonly action: string;
  /** What it was asked of: a key, a role ARN; undefined for lists. */
  readonly resource?: string | undefined;
  /** Overrides the remedy for AuthFailed and for a denial that says nothing. */
  readonly remedy?: string | undefined;
  /** A login: to be refused is AuthFailed. */
  readonly login?: boolean;
}

/** The fault as people read it: AWS's code, who, what, and the change that fixes it. No id, no echo. */
export function explain(fault: AwsFault, request: AwsRequest): AgentError {
  const known = codeOfFault(fault);
  // Nothing about a secret is settled by a login that was refused, least of all that it is not there.
  const refused = known === 'Denied' || known === 'NotFound' || known === 'SpecInvalid';
  const code = refused && request.login === true ? 'AuthFailed' : known;
  const init: { -readonly [K in keyof AgentErrorInit]: AgentErrorInit[K] } = {};
  if (fault.requestId !== undefined) init.requestId = fault.requestId;
  if (fault.retryAfterMs !== undefined) init.retryAfterMs = fault.retryAfterMs;
  const told = tell(fault, request, known);
  if (told.remedy !== undefined) init.remedy = told.remedy;
  return new AgentError(code, told.message, init);
}

interface Told {
  readonly message: string;
  readonly remedy?: string | undefined;
}

function tell(fault: AwsFault, request: AwsRequest, code: Code): Told {
  const what = request.resource === undefined ? request.action : `${request.action} of ${request.resource}`;
  const answer = fault.code || `HTTP ${fault.status}`;
  switch (code) {
    case 'Denied':
      return tellDenied(fault, request, what);
    case 'AuthFailed':
      return {
        message: `AWS does not accept the credentials for ${what}: ${answer}`,
        remedy: request.remedy,
      };
    case 'Throttled':
      return {
        message: `AWS throttles ${what}: ${answer}`,
        remedy: 'lengthen refreshInterval, or read fewer keys',
      };
    case 'Unavailable':
      return {
        message: `AWS fails at ${what}: ${answer}`,
        remedy: "wait, or look at the region's service health",
      };
    default:
      return {
        message: `AWS refuses ${what}: ${answer}${quoted(fault, request)}`,
        remedy: request.remedy ?? remedyFor(code),
      };
  }
}

function remedyFor(code: Code): string {
  return code === 'NotFound'
    ? 'check the name and the region of the store'
    : 'check key and version in the spec';
}

function tellDenied(fault: AwsFault, request: AwsRequest, what: string): Told {
  const resource = request.resource === undefined ? 'all resources (*)' : request.resource;
  if (/^DecryptionFailure/.test(fault.code) || fault.says(/\bKMS\b|kms:/i) !== null) {
    return {
      message: `AWS denies ${what}: the KMS key does not let it be decrypted`,
      remedy: `allow kms:Decrypt on the key of ${resource}, in the key's policy too: ${allowing('kms:Decrypt', 'ARN of the key')}`,
    };
  }
  if (/^RegionDisabled/.test(fault.code)) {
    return {
      message: `AWS denies ${what}: the region is not enabled`,
      remedy: 'enable it, or correct the region',
    };
  }
  if (!denied.test(fault.code) && fault.code !== '') {
    return {
      message: `AWS refuses ${what}: ${fault.code}${quoted(fault, request)}`,
      remedy: request.remedy ?? 'look at the secret in the AWS console: its state does not allow this',
    };
  }
  const sentence = fault.says(/(?:User: )?(arn:\S+) is not authorized to perform: (\S+)/);
  const caller = sentence?.[1] && withoutSession(sentence[1]);
  const who = caller ? ` to ${caller}` : '';
  const action = sentence?.[2] ?? request.action;
  const explicit = fault.says(/explicit deny in an? ([a-z -]+policy|[a-z ]*boundary)/i)?.[1];
  const reason = explicit === undefined ? '' : `: an explicit deny in its ${explicit}`;
  const remedy =
    explicit === undefined
      ? `add to the policies of ${caller || 'its role'}: ${statement(action, request.resource, caller)}`
      : `remove the deny of ${action} on ${resource} from that policy`;
  return { message: `AWS denies ${what}${who}${reason}`, remedy: request.remedy ?? remedy };
}

/** The statement that is missing, to be pasted. A secret's ARN ends with six characters that only AWS knows. */
function statement(action: string, resource: string | undefined, caller: string | undefined): string {
  if (resource === undefined || /:(List|BatchGet)/.test(action)) return allowing(action, '*');
  if (resource.startsWith('arn:') || !action.startsWith('secretsmanager:')) return allowing(action, resource);
  const [, partition = 'aws', , , account = '*'] = caller?.split(':') ?? [];
  return allowing(action, `arn:${partition}:secretsmanager:*:${account}:secret:${resource}-??????`);
}

function allowing(action: string, resource: string): string {
  return JSON.stringify({ Effect: 'Allow', Action: action, Resource: resource });
}

/** The session's name differs from pod to pod; the role is what a policy names. */
function withoutSession(arn: string): string {
  return arn.replace(/^(arn:[^:]+:sts::\d*:assumed-role\/[^/]+)\/.*$/, '$1');
}

/** AWS's text where it explains and cannot echo what was signed or stored. */
function quoted(fault: AwsFault, request: AwsRequest): string {
  // A validation error of this one may echo the token.
  if (request.action === 'sts:AssumeRoleWithWebIdentity') return '';
  if (!/^(Validation|InvalidParameter|InvalidRequest|MalformedPolicy|PackedPolicy)/.test(fault.code))
    return '';
  const text = fault.says(/^[^\n]{1,300}/)?.[0];
  return text === undefined ? '' : `: ${text.replace(/\s+/g, ' ').replace(/ ?\(?request ?id:.*$/i, '')}`;
}
