import { createHash, createHmac } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import type { HttpTransport } from '../base/http.ts';
import { Secret } from '../base/secret.ts';
import { attempted, defaultAttempts } from './aws-attempts.ts';
import { faultOf, xmlText } from './aws-fault.ts';

/** One set of credentials. The id is public; the rest cannot be printed. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret | undefined;
  /** Wall ms; undefined when they do not expire. */
  readonly expiresMs: number | undefined;
}

export interface Sts {
  assumeRole(credentials: AwsCredentials, role: AssumeRole, signal: AbortSignal): Promise<AwsCredentials>;
  assumeRoleWithWebIdentity(role: WebIdentity, signal: AbortSignal): Promise<AwsCredentials>;
  /** The ARN of who holds the credentials; needs no permission. */
  callerArn(credentials: AwsCredentials, signal: AbortSignal): Promise<string>;
}

export interface AssumeRole {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly externalId?: string | undefined;
  readonly tags?: readonly AwsTag[];
  readonly transitiveTagKeys?: readonly string[];
}

export interface AwsTag {
  readonly key: string;
  readonly value: string;
}

export interface WebIdentity {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly token: Secret;
}

export interface StsParts {
  readonly http: HttpTransport;
  readonly clock: Clock;
  readonly endpoint: string;
  readonly region: string;
  observe(call: string, status: 'success' | 'error', durationMs: number): void;
}

/**
 * The three calls of STS that a login needs, as Query API posts. Faults are thrown as they came (`AwsFault`);
 * whoever asked knows what to advise.
 */
export function openSts(parts: StsParts): Sts {
  return {
    assumeRole: async (credentials, role, signal) =>
      credentialsOf(await call(parts, { action: 'AssumeRole', form: formOf(role), credentials, signal })),
    assumeRoleWithWebIdentity: async (role, signal) => {
      const form = {
        RoleArn: role.roleArn,
        RoleSessionName: role.sessionName,
        WebIdentityToken: role.token.text().trim(),
      };
      return credentialsOf(await call(parts, { action: 'AssumeRoleWithWebIdentity', form, signal }));
    },
    callerArn: async (credentials, signal) => {
      const xml = await call(parts, { action: 'GetCallerIdentity', form: {}, credentials, signal });
      return xmlText(xml, 'Arn') ?? notSts('GetCallerIdentity');
    },
  };
}

function formOf(role: AssumeRole): Record<string, string> {
  const form: Record<string, string> = { RoleArn: role.roleArn, RoleSessionName: role.sessionName };
  if (role.externalId !== undefined) form['ExternalId'] = role.externalId;
  role.tags?.forEach(({ key, value }, i) => {
    form[`Tags.member.${i + 1}.Key`] = key;
    form[`Tags.member.${i + 1}.Value`] = value;
  });
  role.transitiveTagKeys?.forEach((key, i) => {
    form[`TransitiveTagKeys.member.${i + 1}`] = key;
  });
  return form;
}

interface Call {
  readonly action: string;
  readonly form: Readonly<Record<string, string>>;
  /** Undefined: the call is not signed. */
  readonly credentials?: AwsCredentials;
  readonly signal: AbortSignal;
}

async function call(parts: StsParts, { action, form, credentials, signal }: Call): Promise<string> {
  const body = new URLSearchParams({ Action: action, Version: '2011-06-15', ...form }).toString();
  const url = new URL(parts.endpoint);
  const plain = { host: url.host, 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  const observe = (status: 'success' | 'error', ms: number): void => parts.observe(action, status, ms);
  return await attempted({ clock: parts.clock, signal, attempts: defaultAttempts, observe }, async () => {
    const headers =
      credentials === undefined ? plain : await signed(parts, { url, body, headers: plain, credentials });
    const response = await parts.http.request({ method: 'POST', url, headers, body, signal });
    if (response.status >= 300) throw faultOf(response);
    return response.body.toString('utf8');
  });
}

interface Unsigned {
  readonly url: URL;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: AwsCredentials;
}

async function signed(parts: StsParts, request: Unsigned): Promise<Record<string, string>> {
  const { SignatureV4 } = await import('@smithy/signature-v4');
  const { url, body, headers, credentials } = request;
  const signer = new SignatureV4({
    service: 'sts',
    region: parts.region,
    credentials: plainCredentials(credentials),
    sha256: Sha256,
  });
  const result = await signer.sign(
    {
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: {},
      headers: { ...headers },
      body,
    },
    { signingDate: new Date(parts.clock.now()) },
  );
  return result.headers;
}

/** As signers want them. The object is theirs for one request and is never logged. */
export function plainCredentials(credentials: AwsCredentials): {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
} {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const token = sessionToken === undefined ? {} : { sessionToken: sessionToken.text() };
  return { accessKeyId, secretAccessKey: secretAccessKey.text(), ...token };
}

/** The hash that the signer asks for, on node:crypto. */
class Sha256 {
  readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(key));
  }

  update(part: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(part));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new Error('a hash is used once');
  }
}

function bytesOf(source: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof source === 'string') return Buffer.from(source, 'utf8');
  if (ArrayBuffer.isView(source)) return Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  return Buffer.from(source);
}

function credentialsOf(xml: string): AwsCredentials {
  const accessKeyId = xmlText(xml, 'AccessKeyId');
  const secretAccessKey = xmlText(xml, 'SecretAccessKey');
  const sessionToken = xmlText(xml, 'SessionToken');
  const expiresMs = Date.parse(xmlText(xml, 'Expiration') ?? '');
  if (!accessKeyId || !secretAccessKey || !sessionToken || Number.isNaN(expiresMs)) notSts('the login');
  return {
    accessKeyId,
    secretAccessKey: Secret.of(secretAccessKey),
    sessionToken: Secret.of(sessionToken),
    expiresMs,
  };
}

function notSts(call: string): never {
  throw new AgentError('Unavailable', `STS answers ${call} with something that is not an answer of STS`, {
    remedy: 'check the STS endpoint, and any proxy before it',
  });
}
