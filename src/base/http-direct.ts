import type { IncomingMessage, RequestOptions } from 'node:http';
import { isLinkLocal } from './hosts.ts';
import type { HttpOptions, HttpRequest, Way } from './http.ts';
import { tlsOptions } from './http-tls.ts';
import { limits } from './limits.ts';

/** Node's own client, over one protocol. */
export async function openDirect(options: HttpOptions, secure: boolean): Promise<Way> {
  const { Agent, request } = secure ? await import('node:https') : await import('node:http');
  const agent = new Agent({
    keepAlive: true,
    maxSockets: options.connections ?? limits.requestsInFlight,
    // Of a connection nobody uses: that one is closed. One in use has the deadline of its exchange.
    timeout: options.keepAliveMs ?? limits.keepAliveMs,
    ...(secure && (await tlsOptions(options))),
  });
  const connectMs = options.connectMs ?? limits.connectMs;
  return {
    proxy: undefined,
    close: () => agent.destroy(),
    send: async (url, asked) => {
      const lookup = options.linkLocal ? {} : { lookup: guardedLookup };
      const settings: RequestOptions = { ...placeOf(url), ...settingsOf(asked), agent, ...lookup };
      const start: Start = (resolve) => request(settings, resolve);
      const answer = await answered(start, asked, connectMs);
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: answer };
    },
  };
}

/** Of a URL, as Node itself takes it apart, which copies more of it for each request. */
function placeOf({ protocol, hostname, port, pathname, search }: URL): RequestOptions {
  return {
    protocol,
    hostname: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    port,
    path: pathname + search,
  };
}

function settingsOf({ method, headers, body }: HttpRequest): RequestOptions {
  return { method, headers: { ...headers, ...lengthOf(body) } };
}

/** Told, since Node frames no body of a DELETE of itself. */
function lengthOf(body: HttpRequest['body']): Record<string, number> {
  return body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
}

type Start = (resolve: (answer: IncomingMessage) => void) => import('node:http').ClientRequest;

/** The signal ends the exchange for good, also while its answer is read. */
function answered(start: Start, { body, signal }: HttpRequest, connectMs: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = start(resolve);
    const abort = (): void => void outgoing.destroy(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    outgoing.on('close', () => signal?.removeEventListener('abort', abort));
    outgoing.on('error', reject);
    outgoing.on('socket', (socket) => {
      if (!socket.connecting) return;
      const late = (): void => {
        outgoing.destroy(Object.assign(new Error('connecting took too long'), { code: 'ETIMEDOUT' }));
      };
      const timer = setTimeout(late, connectMs);
      const connected = outgoing.protocol === 'https:' ? 'secureConnect' : 'connect';
      for (const event of [connected, 'close']) socket.once(event, () => clearTimeout(timer));
    });
    outgoing.end(body);
  });
}

type Lookup = NonNullable<import('node:net').TcpSocketConnectOpts['lookup']>;

/** Resolves as Node does, but never to a link-local address: a name must not lead where an address may not. Loaded for
 * the first name: an address needs no resolver. */
const guardedLookup: Lookup = async (hostname, lookupOptions, callback) => {
  const { lookup } = await import('node:dns');
  lookup(hostname, { ...lookupOptions, all: true }, (error, addresses) => {
    if (error) return callback(error, '', 0);
    if (addresses.some(({ address }) => isLinkLocal(address))) {
      return callback(Object.assign(new Error('link-local'), { code: 'LINK_LOCAL' }), '', 0);
    }
    if (lookupOptions.all) return callback(null, addresses);
    callback(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 0);
  });
};
