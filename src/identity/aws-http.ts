import type { HttpTransport } from '../base/http.ts';
import { faultOf } from './aws-fault.ts';

/** What an SDK client puts on the wire. */
interface SdkRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Record<string, string | string[] | null>;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

interface SdkResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/** The request handler of an AWS SDK client, on our transport. */
export interface SdkTransport {
  handle(request: SdkRequest, options?: { abortSignal?: unknown }): Promise<{ response: SdkResponse }>;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): object;
  destroy(): void;
}

/**
 * Lets SDK clients share one transport: its TLS, proxy, limits and errors. An error answer is read here and
 * thrown as AwsFault, so the SDK never turns it into an error of its own that would hold the answer.
 */
export function sdkTransport(http: HttpTransport, timeoutMs: number): SdkTransport {
  return {
    handle: async (request, options) => {
      const signal = options?.abortSignal;
      const response = await http.request({
        method: request.method,
        url: urlOf(request),
        headers: request.headers,
        timeoutMs,
        ...(isBody(request.body) && { body: request.body }),
        ...(signal instanceof AbortSignal && { signal }),
      });
      if (response.status >= 300) throw faultOf(response);
      const { status: statusCode, headers, body } = response;
      return { response: { statusCode, headers, body } };
    },
    updateHttpClientConfig: () => {},
    httpHandlerConfigs: () => ({}),
    // The transport is the store's; the store closes it.
    destroy: () => {},
  };
}

function isBody(body: unknown): body is string | Uint8Array {
  return typeof body === 'string' || body instanceof Uint8Array;
}

function urlOf(request: SdkRequest): URL {
  const port = request.port === undefined ? '' : `:${request.port}`;
  const url = new URL(`${request.protocol}//${request.hostname}${port}${request.path}`);
  for (const [name, value] of Object.entries(request.query ?? {})) {
    for (const each of [value ?? ''].flat()) url.searchParams.append(name, each);
  }
  return url;
}
