import type {
  BatchGetSecretValueCommandInput,
  BatchGetSecretValueCommandOutput,
  DescribeSecretCommandOutput,
  GetSecretValueCommandInput,
  GetSecretValueCommandOutput,
  ListSecretsCommandInput,
  ListSecretsCommandOutput,
} from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import type { HttpTransport } from '../base/http.ts';
import { limits } from '../base/limits.ts';
import type { AwsIdentity } from '../identity/aws.ts';
import { type Attempts, attempted, defaultAttempts } from '../identity/aws-attempts.ts';
import { AwsFault, wantsNewLogin } from '../identity/aws-fault.ts';
import { sdkTransport } from '../identity/aws-http.ts';
import { plainCredentials } from '../identity/aws-sts.ts';
import type { Store } from '../spec/spec.ts';
import type { AwsPlace } from './aws-config.ts';

/** The four calls of Secrets Manager that reading needs. An error answer is thrown as AwsFault. */
export interface SecretsManagerApi {
  getSecretValue(
    input: GetSecretValueCommandInput,
    signal: AbortSignal,
  ): Promise<GetSecretValueCommandOutput>;
  batchGetSecretValue(
    input: BatchGetSecretValueCommandInput,
    signal: AbortSignal,
  ): Promise<BatchGetSecretValueCommandOutput>;
  listSecrets(input: ListSecretsCommandInput, signal: AbortSignal): Promise<ListSecretsCommandOutput>;
  describeSecret(secretId: string, signal: AbortSignal): Promise<DescribeSecretCommandOutput>;
}

export interface ApiParts {
  readonly clock: Clock;
  readonly place: AwsPlace;
  readonly identity: AwsIdentity;
  readonly http: HttpTransport;
  readonly retry: Store['retry'];
  /** For one request; `limits.requestMs` when unset. */
  readonly requestMs?: number | undefined;
  observe(call: string, status: 'success' | 'error', durationMs: number): void;
}

/**
 * The SDK's client with every option given, so that it looks into neither the environment nor the shared config
 * files, nor asks the instance metadata service.
 */
export async function openApi(parts: ApiParts): Promise<SecretsManagerApi> {
  const sdk = await import('@aws-sdk/client-secrets-manager');
  const { place, identity, http } = parts;
  const ours = new AbortController().signal;
  const client = new sdk.SecretsManagerClient({
    region: place.region,
    endpoint: place.endpoint,
    // The identity keeps and renews them; an end in the past keeps the SDK from doing so too.
    credentials: async () => ({
      ...plainCredentials(await identity.credentials(ours)),
      expiration: new Date(0),
    }),
    requestHandler: sdkTransport(http, parts.requestMs ?? limits.requestMs),
    maxAttempts: 1,
    retryMode: 'standard',
    defaultsMode: 'standard',
    authSchemePreference: ['sigv4'],
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    userAgentAppId: 'external-secrets-agent',
  });
  const send = <T>(call: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> =>
    withLogin(parts, { call, signal }, work);
  return {
    getSecretValue: (input, abortSignal) =>
      send('GetSecretValue', abortSignal, () =>
        client.send(new sdk.GetSecretValueCommand(input), { abortSignal }),
      ),
    batchGetSecretValue: (input, abortSignal) =>
      send('BatchGetSecretValue', abortSignal, () =>
        client.send(new sdk.BatchGetSecretValueCommand(input), { abortSignal }),
      ),
    listSecrets: (input, abortSignal) =>
      send('ListSecrets', abortSignal, () => client.send(new sdk.ListSecretsCommand(input), { abortSignal })),
    describeSecret: (SecretId, abortSignal) =>
      send('DescribeSecret', abortSignal, () =>
        client.send(new sdk.DescribeSecretCommand({ SecretId }), { abortSignal }),
      ),
  };
}

/** Logs in before the call, and once more when the store no longer takes what the login gave. */
async function withLogin<T>(
  parts: ApiParts,
  { call, signal }: { readonly call: string; readonly signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  const { clock, identity } = parts;
  const observe = (status: 'success' | 'error', ms: number): void => parts.observe(call, status, ms);
  const attempts = attemptsOf(parts.retry);
  for (let relogged = false; ; relogged = true) {
    const credentials = await identity.credentials(signal);
    try {
      return await attempted({ clock, signal, attempts, observe }, () => inTerms(call, signal, work));
    } catch (thrown) {
      if (relogged || !(thrown instanceof AwsFault) || !wantsNewLogin(thrown)) throw thrown;
      identity.forget(credentials);
    }
  }
}

/** Lets our own errors and aborts through. Any other is of the SDK, about an answer that it could not read:
 * its text may quote the answer and goes no further. */
async function inTerms<T>(call: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    if (thrown instanceof AwsFault || thrown instanceof AgentError) throw thrown;
    throw new AgentError('Unavailable', `what answers secretsmanager:${call} is not Secrets Manager`, {
      remedy: 'check the endpoint, and any proxy before it',
    });
  }
}

/** As ESO reads retrySettings: maxRetries is the number of tries, three when only an interval is given. */
function attemptsOf(retry: Store['retry']): Attempts {
  const { maxRetries, retryIntervalMs } = retry;
  if (maxRetries === undefined && retryIntervalMs === undefined) return defaultAttempts;
  const count = Math.min(Math.max(maxRetries ?? 3, 1), limits.awsAttempts);
  return { count, pauseMs: retryIntervalMs === 0 ? undefined : retryIntervalMs };
}
