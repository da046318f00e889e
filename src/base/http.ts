import type { Readable } from 'node:stream';
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

/**
 * Nothing is loaded or connected before the first request.
 *
 * Stores are reached by Node's own client: its server is in the process anyway, and a second HTTP stack beside it
 * (undici, whose parser is WebAssembly) costs 18 ms of CPU at the start and 3 MB of private memory. A pod behind
 * a proxy pays for undici, whose ProxyAgent is stable where Node's own (`proxyEnv`) is under development.
 */
export function openHttp(options: HttpOptions = {}): HttpTransport {
  const ways = new Map<string, Promise<Way>>();
  /** The host that was let pass last: a store has one. */
  let passed: string | undefined;
  return {
    request: async (request) => {
      const url = new URL(request.url);
      if (!options.linkLocal && url.hostname !== passed) refuseLinkLocal(url);
      passed = url.hostname;
      const proxy = options.proxy && !bypassesProxy(url, options.noProxy ?? []) ? options.proxy : undefined;
      const name = proxy === undefined ? url.protocol : 'proxied';
      const way = ways.get(name) ?? openWay(options, url, proxy);
      ways.set(name, way);
      return await exchange(await way, url, request);
    },
    close: async () => {
      await Promise.all([...ways.values()].map(async (way) => (await way).close()));
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

/** One way to a server: direct, or through the proxy. */
export interface Way {
  /** The head of the answer; its body is still to be read. Rejects with the error of its library. */
  send(url: URL, request: HttpRequest): Promise<Answer>;
  close(): void;
  /** The proxy's host, for messages. */
  readonly proxy: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
}

async function openWay(options: HttpOptions, url: URL, proxy: string | undefined): Promise<Way> {
  if (proxy !== undefined) return (await import('./http-proxied.ts')).openProxied(options, proxy);
  return (await import('./http-direct.ts')).openDirect(options, url.protocol === 'https:');
}

async function exchange(way: Way, url: URL, request: HttpRequest): Promise<HttpResponse> {
  const timeoutMs = request.timeoutMs ?? limits.requestMs;
  const ending = new AbortController();
  let late = false;
  const expire = (): void => {
    late = true;
    ending.abort(new Error('the exchange took too long'));
  };
  // A socket's time is real time, so this one bound does not go through Clock.
  const deadline = setTimeout(expire, timeoutMs).unref();
  const abort = (): void => ending.abort(request.signal?.reason);
  request.signal?.addEventListener('abort', abort);
  try {
    request.signal?.throwIfAborted();
    const { status, headers, body } = await way.send(url, { ...request, signal: ending.signal });
    const bytes = await collect(body, request.maxBytes ?? limits.responseBytes, url.host);
    return { status, headers: flatten(headers), body: bytes };
  } catch (error) {
    if (request.signal?.aborted) throw request.signal.reason;
    if (late) throw timedOut(url.host, timeoutMs, error);
    throw httpFault(error, url.host, way.proxy);
  } finally {
    clearTimeout(deadline);
    request.signal?.removeEventListener('abort', abort);
  }
}

function timedOut(host: string, timeoutMs: number, cause: unknown): AgentError {
  return new AgentError('Unavailable', `${host} did not answer within ${timeoutMs / 1000} s`, {
    remedy: 'check the load of the server and the network between',
    cause,
  });
}

/** By events, as an iterator over a stream costs the first request half a millisecond. */
function collect(body: Readable, maxBytes: number, host: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    body.on('data', (chunk: Uint8Array) => {
      size += chunk.length;
      if (size > maxBytes) body.destroy(tooLarge(host, maxBytes));
      else chunks.push(chunk);
    });
    body.on('end', () => resolve(Buffer.concat(chunks, size)));
    body.on('error', reject);
    body.on('close', () => reject(Object.assign(new Error('cut'), { code: 'ECONNRESET' })));
  });
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
