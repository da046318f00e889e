import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { assertStoreUrl, type HttpRequest, type HttpResponse, type HttpTransport } from '../base/http.ts';
import { Secret } from '../base/secret.ts';

/** One call of Vault's API. */
export interface VaultCall {
  /** As ESO labels it in its api-call metric. */
  readonly name:
    | 'Login'
    | 'LookupSelf'
    | 'RenewSelf'
    | 'RevokeSelf'
    | 'ReadSecretData'
    | 'ListSecrets'
    | 'ReadMount';
  readonly method: 'GET' | 'POST';
  /** Below `/v1/`, encoded, with the query. */
  readonly path: string;
  readonly body?: Readonly<Record<string, string>> | undefined;
  readonly token?: Secret | undefined;
  readonly namespace: string | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal: AbortSignal;
}

/** Whatever Vault answered, of any status. */
export interface VaultAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body as it came: numbers keep their digits. */
  readonly text: Secret;
  /** The body as JSON; empty when it is no JSON object. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

export interface WireOptions {
  readonly server: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly readYourWrites: boolean;
  readonly forwardInconsistent: boolean;
  readonly storesAllow: readonly string[] | undefined;
  /** The transport of the moment: trust may change under a long-lived client. */
  readonly transport: () => Promise<HttpTransport>;
  readonly clock: Clock;
  readonly observe: (call: string, status: 'success' | 'error', durationMs: number) => void;
}

/** Vault's HTTP API, by node-vault over our own transport. */
export interface Wire {
  /** Throws Unavailable when there is no answer; every status is an answer. */
  call(call: VaultCall): Promise<VaultAnswer>;
}

/**
 * Node-vault reads VAULT_ADDR, VAULT_TOKEN, VAULT_NAMESPACE and VAULT_PREFIX where an option is unset, and its
 * debug channel prints what it sends; so every option is set here, and token and namespace go with each call.
 */
export async function openWire(options: WireOptions): Promise<Wire> {
  const { default: nodeVault } = await import('node-vault');
  const send = sender(options);
  const vault = nodeVault({
    apiVersion: 'v1',
    endpoint: options.server,
    debug: () => {},
    requestOptions: {},
    // It would make 82 functions that nobody calls, and hold every request's path and method, which the types hold
    // already, to a JSON schema: 2 ms at the start and 40 us a read.
    commands: {},
    tv4: Object.assign(() => true, { validate: () => true }),
    'request-promise': { defaults: () => async (request: NodeVaultRequest) => await send(request) },
  });
  Object.assign(vault, { token: '', namespace: '', pathPrefix: '' });
  const ask = (call: VaultCall): Promise<VaultAnswer> => {
    const requestOptions = { headers: headersOf(call), signal: call.signal, timeoutMs: call.timeoutMs };
    if (call.method === 'GET') return vault.read(call.path, requestOptions);
    return vault.write(call.path, call.body ?? {}, requestOptions);
  };
  return {
    call: async (call) => {
      const started = options.clock.monotonic();
      const observe = (status: 'success' | 'error') =>
        options.observe(call.name, status, options.clock.monotonic() - started);
      try {
        const answer = await ask(call).catch(answerOfRejection);
        observe(answer.status < 400 || answer.status === 404 ? 'success' : 'error');
        return answer;
      } catch (error) {
        observe('error');
        throw error;
      }
    },
  };
}

/** What node-vault hands to its transport. */
interface NodeVaultRequest {
  readonly method: string;
  readonly uri: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly signal: AbortSignal;
  readonly timeoutMs: number | undefined;
}

/** Node-vault rejects on every status but 200 and 204, with the body we gave it: our answer. */
function answerOfRejection(thrown: unknown): VaultAnswer {
  const body = (thrown as { response?: { body?: unknown } }).response?.body;
  if (typeof body === 'object' && body !== null && 'status' in body) return body as VaultAnswer;
  throw thrown;
}

function headersOf(call: VaultCall): Record<string, string> {
  const headers: Record<string, string> = {};
  if (call.token !== undefined) headers['X-Vault-Token'] = call.token.text();
  if (call.namespace !== undefined) headers['X-Vault-Namespace'] = call.namespace;
  return headers;
}

function sender(options: WireOptions) {
  /** The replication state last seen: sent back, it asks for an answer at least as new. */
  let index: string | undefined;
  const tracksIndex = options.readYourWrites || options.forwardInconsistent;
  return async (request: NodeVaultRequest) => {
    const headers: Record<string, string> = {
      ...Object.fromEntries(options.headers),
      ...request.headers,
      // Refused by Vault Agent and proxies when absent: a guard against forged cross-site requests.
      'X-Vault-Request': 'true',
    };
    if (tracksIndex && index !== undefined) headers['X-Vault-Index'] = index;
    if (options.readYourWrites && options.forwardInconsistent) {
      headers['X-Vault-Inconsistent'] = 'forward-active-node';
    }
    const body = request.json === undefined ? undefined : JSON.stringify(request.json);
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const response = await exchange(options, {
      method: request.method,
      url: request.uri,
      headers,
      body,
      signal: request.signal,
      timeoutMs: request.timeoutMs,
    });
    index = response.headers['x-vault-index'] ?? index;
    return { statusCode: response.status, body: answerOf(response), request: { path: request.path } };
  };
}

/** A standby sends its client to the active node with 307: followed once, and only where a store may lie. */
async function exchange(options: WireOptions, request: HttpRequest): Promise<HttpResponse> {
  const transport = await options.transport();
  const response = await transport.request(request);
  if (response.status < 300 || response.status >= 400) return response;
  const target = response.headers['location'];
  const host = new URL(request.url).host;
  if (response.status !== 307 || target === undefined) throw redirected(host, response.status, target);
  const again = await transport.request({
    ...request,
    url: allowedTarget(options, new URL(target, request.url)),
  });
  if (again.status < 300 || again.status >= 400) return again;
  throw redirected(host, again.status, again.headers['location']);
}

function allowedTarget(options: WireOptions, target: URL): URL {
  const policy = { allow: options.storesAllow, insecure: options.server.startsWith('http:') };
  try {
    return assertStoreUrl(target.href, policy);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const message = `Vault redirects to a node that is not allowed: ${error.message}`;
    throw new AgentError('Unavailable', message, {
      remedy: "correct the api_addr of Vault's nodes, or allow that host with --stores-allow",
    });
  }
}

function redirected(host: string, status: number, target: string | undefined): AgentError {
  const to = target !== undefined && URL.canParse(target) ? ` to ${new URL(target).origin}` : '';
  return new AgentError(
    'Unavailable',
    `${host} answers ${status}, a redirect${to}, instead of Vault's answer`,
    {
      remedy: 'set spec.provider.vault.server to the address of Vault itself',
    },
  );
}

function answerOf(response: HttpResponse): VaultAnswer {
  const json = jsonObject(response.body);
  return {
    status: response.status,
    headers: response.headers,
    text: Secret.of(response.body),
    json,
    errors: texts(json['errors']),
    warnings: texts(json['warnings']),
  };
}

function jsonObject(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    return isObject ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
