import type { Agent, Dispatcher } from 'undici';
import { AgentError, type At } from './errors.ts';
import { bareHost, bypassesProxy, hostMatches, isLinkLocal, isLoopback } from './hosts.ts';
import { httpFault } from './http-fault.ts';
import { limits } from './limits.ts';

export interface HttpOptions {
  /** PEM, trusted besides the runtime's roots (`--ca-file`). */
  readonly ca?: string | undefined;
  /** PEM, trusted instead of the runtime's roots (a store's caBundle). */
  readonly onlyCa?: string | undefined;
  /** PEM of a client certificate and its private key. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** URL, with credentials where it wants some. Loopback and link-local targets never use it. */
  readonly proxy?: string | undefined;
  readonly noProxy?: readonly string[] | undefined;
  readonly connectMs?: number | undefined;
  /** How long an idle connection is kept. */
  readonly keepAliveMs?: number | undefined;
  /** Connections to one host. */
  readonly connections?: number | undefined;
  /** Lets link-local targets pass: for the Pod Identity endpoint and nothing else. */
  readonly linkLocal?: boolean | undefined;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: string | URL;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Uint8Array | undefined;
  /** For the whole exchange, from connecting to the last byte; `limits.requestMs` when unset. */
  readonly timeoutMs?: number | undefined;
  /** A longer answer is DecodeFailed; `limits.responseBytes` when unset. */
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; a repeated header's values joined by a comma and a space. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** One store's way to the network. Redirects are returned, never followed; every status is an answer. */
export interface HttpTransport {
  /** Throws Unavailable naming host and cause; the signal's reason when the caller aborts. */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Ends every connection, those in use too. */
  close(): Promise<void>;
}

/** Nothing is loaded or connected before the first request. */
export function openHttp(options: HttpOptions = {}): HttpTransport {
  let direct: Promise<Dispatcher> | undefined;
  let proxied: Promise<Dispatcher> | undefined;
  return {
    request: async (request) => {
      const url = new URL(request.url);
      if (!options.linkLocal) refuseLinkLocal(url);
      const proxy = options.proxy && !bypassesProxy(url, options.noProxy ?? []) ? options.proxy : undefined;
      if (proxy === undefined) direct ??= openDirect(options);
      else proxied ??= openProxied(options, proxy);
      const dispatcher = await (proxy === undefined ? direct : proxied)!;
      return await exchange(dispatcher, url, request, proxy && new URL(proxy).host);
    },
    close: async () => {
      const opened = await Promise.all([direct, proxied]);
      await Promise.all(opened.map((dispatcher) => dispatcher?.destroy()));
    },
  };
}

/** Where stores and their logins may point: https unless loopback or `insecure`, on the allow-list if there
 * is one, never link-local. Throws SpecInvalid. */
export function assertStoreUrl(
  text: string,
  policy: { readonly allow: readonly string[] | undefined; readonly insecure: boolean },
  at: At = {},
): URL {
  const refuse = (message: string, remedy: string) => new AgentError('SpecInvalid', message, { at, remedy });
  if (!URL.canParse(text)) throw refuse('this is not a URL', 'write it as https://host:port');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw refuse(`${url.protocol}// is not a way to reach a store`, 'write it as https://host:port');
  }
  if (url.username !== '' || url.password !== '') {
    throw refuse('a store URL must not hold credentials', "move them to the store's auth");
  }
  if (isLinkLocal(url.hostname)) {
    throw refuse(`${url.host} is a link-local or metadata address`, 'name the store by its own address');
  }
  if (url.protocol === 'http:' && !policy.insecure && !isLoopback(url.hostname)) {
    throw refuse(
      `${url.host} would be reached over plain http`,
      'use https, or start with --insecure-stores',
    );
  }
  if (policy.allow !== undefined && !policy.allow.some((entry) => hostMatches(entry, url))) {
    throw refuse(
      `${url.host} is not among the hosts of --stores-allow`,
      `add ${bareHost(url.hostname)} to --stores-allow`,
    );
  }
  return url;
}

function refuseLinkLocal(url: URL): void {
  if (!isLinkLocal(url.hostname)) return;
  throw httpFault(Object.assign(new Error('link-local'), { code: 'LINK_LOCAL' }), url.host, undefined);
}

async function openDirect(options: HttpOptions): Promise<Dispatcher> {
  const { Agent } = await import('undici');
  const lookup = options.linkLocal ? undefined : await guardedLookup();
  return new Agent({
    ...poolOptions(options),
    connect: { ...(await tlsOptions(options)), ...(lookup && { lookup }) },
  });
}

async function openProxied(options: HttpOptions, proxy: string): Promise<Dispatcher> {
  const { ProxyAgent } = await import('undici');
  const tls = await tlsOptions(options);
  const { cert: _cert, key: _key, ...proxyTls } = tls;
  return new ProxyAgent({ uri: proxy, ...poolOptions(options), requestTls: tls, proxyTls });
}

function poolOptions(options: HttpOptions): Agent.Options {
  return {
    connections: options.connections ?? limits.requestsInFlight,
    pipelining: 1,
    allowH2: false,
    connectTimeout: options.connectMs ?? limits.connectMs,
    keepAliveTimeout: options.keepAliveMs ?? limits.keepAliveMs,
    keepAliveMaxTimeout: options.keepAliveMs ?? limits.keepAliveMs,
    /** One deadline governs the whole exchange; undici's own per-phase timers would only blur it. */
    headersTimeout: 0,
    bodyTimeout: 0,
  };
}

interface TlsOptions {
  readonly ca?: string[];
  readonly cert?: string;
  readonly key?: string;
  /** Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment cannot turn verification off. */
  readonly rejectUnauthorized: true;
}

async function tlsOptions(options: HttpOptions): Promise<TlsOptions> {
  const own = options.ca === undefined ? [] : [options.ca];
  return {
    rejectUnauthorized: true,
    ...(await trusted(options.onlyCa, own)),
    ...(options.cert !== undefined && { cert: options.cert }),
    ...(options.key !== undefined && { key: options.key }),
  };
}

/** Nothing at all when the runtime's roots do: naming them costs a parse of every one. */
async function trusted(onlyCa: string | undefined, added: string[]): Promise<{ ca?: string[] }> {
  if (onlyCa !== undefined) return { ca: [onlyCa, ...added] };
  if (added.length === 0) return {};
  const { getCACertificates } = await import('node:tls');
  return { ca: [...getCACertificates('default'), ...added] };
}

type Lookup = NonNullable<import('node:net').TcpSocketConnectOpts['lookup']>;

/** Resolves as Node does, but never to a link-local address: a name must not lead where an address may not. */
async function guardedLookup(): Promise<Lookup> {
  const { lookup } = await import('node:dns');
  return (hostname, lookupOptions, callback) => {
    lookup(hostname, { ...lookupOptions, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      if (addresses.some(({ address }) => isLinkLocal(address))) {
        return callback(Object.assign(new Error('link-local'), { code: 'LINK_LOCAL' }), '', 0);
      }
      if (lookupOptions.all) return callback(null, addresses);
      callback(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 0);
    });
  };
}

async function exchange(
  dispatcher: Dispatcher,
  url: URL,
  request: HttpRequest,
  proxy: string | undefined,
): Promise<HttpResponse> {
  const timeoutMs = request.timeoutMs ?? limits.requestMs;
  // A socket's time is real time, so this one bound does not go through Clock.
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = request.signal === undefined ? deadline : AbortSignal.any([request.signal, deadline]);
  try {
    const response = await dispatcher.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: request.method as Dispatcher.HttpMethod,
      headers: { ...request.headers },
      body: request.body ?? null,
      signal,
    });
    const body = await collect(response.body, request.maxBytes ?? limits.responseBytes, url.host);
    return { status: response.statusCode, headers: flatten(response.headers), body };
  } catch (error) {
    if (request.signal?.aborted) throw request.signal.reason;
    if (deadline.aborted) throw timedOut(url.host, timeoutMs, error);
    throw httpFault(error, url.host, proxy);
  }
}

function timedOut(host: string, timeoutMs: number, cause: unknown): AgentError {
  return new AgentError('Unavailable', `${host} did not answer within ${timeoutMs / 1000} s`, {
    remedy: 'check the load of the server and the network between',
    cause,
  });
}

async function collect(body: AsyncIterable<Uint8Array>, maxBytes: number, host: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(host, maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function tooLarge(host: string, maxBytes: number): AgentError {
  return new AgentError('DecodeFailed', `${host} sent more than ${maxBytes} bytes`, {
    remedy: 'split the secret: an answer of this size is refused unread',
  });
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}
