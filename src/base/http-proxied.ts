import type { Dispatcher } from 'undici';
import type { HttpOptions, Way } from './http.ts';
import { tlsOptions } from './http-tls.ts';
import { limits } from './limits.ts';

/** Undici's client through a proxy, which resolves names itself: CONNECT tunnels for https. */
export async function openProxied(options: HttpOptions, proxy: string): Promise<Way> {
  const { ProxyAgent } = await import('undici');
  const tls = await tlsOptions(options);
  const { cert: _cert, key: _key, ...proxyTls } = tls;
  const keepAliveMs = options.keepAliveMs ?? limits.keepAliveMs;
  const agent = new ProxyAgent({
    uri: proxy,
    requestTls: tls,
    proxyTls,
    connections: options.connections ?? limits.requestsInFlight,
    pipelining: 1,
    allowH2: false,
    connectTimeout: options.connectMs ?? limits.connectMs,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    // One deadline governs the whole exchange; undici's own of each phase would only blur it.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    proxy: new URL(proxy).host,
    close: () => void agent.destroy(),
    send: async (url, { method, headers, body, signal }) => {
      const {
        statusCode,
        headers: answered,
        body: answer,
      } = await agent.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: method as Dispatcher.HttpMethod,
        headers: { ...headers },
        body: body ?? null,
        ...(signal && { signal }),
      });
      return { status: statusCode, headers: answered, body: answer };
    },
  };
}
