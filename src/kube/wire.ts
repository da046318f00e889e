import { type Clock, uniform } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { type HttpRequest, type HttpResponse, type HttpTransport, openHttp } from '../base/http.ts';
import { limits } from '../base/limits.ts';
import type { KubeConnection } from './connection.ts';
import { faultOf } from './fault.ts';
import { pathOf, type Resource } from './resource.ts';

export interface RawRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly body?: object | undefined;
  readonly contentType?: string | undefined;
  readonly accept?: string | undefined;
  readonly timeoutMs?: number | undefined;
  readonly maxBytes?: number | undefined;
}

export interface Call {
  /** As RBAC names it. */
  readonly verb: 'get' | 'list' | 'create' | 'patch' | 'delete';
  readonly method: string;
  readonly resource: Resource;
  readonly query?: URLSearchParams;
  readonly body?: object;
  readonly contentType?: string;
  readonly attempts?: number | undefined;
  readonly signal: AbortSignal;
}

/** The exchanges themselves: credentials of now, and another try where one may help. */
export class Wire {
  readonly #connection: KubeConnection;
  readonly #clock: Clock;
  #transport: HttpTransport | undefined;
  #ca: string | undefined;

  constructor(connection: KubeConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** The last answer, when all that may be repeated was. Throws Unavailable when none came. */
  async exchange(call: Call): Promise<HttpResponse> {
    const query = call.query?.toString() ?? '';
    const path = pathOf(call.resource) + (query === '' ? '' : `?${query}`);
    for (let attempt = 1; ; attempt++) {
      const last = attempt >= (call.attempts ?? limits.kubeAttempts);
      const outcome = await this.send({ ...call, path }).catch((error: unknown) => error);
      call.signal.throwIfAborted();
      const pauseMs = last ? undefined : this.#pauseMs(call, outcome, attempt);
      if (pauseMs !== undefined) await this.#clock.sleep(pauseMs, call.signal);
      else if (outcome instanceof Error) throw outcome;
      else return outcome as HttpResponse;
    }
  }

  /** How long to wait before another try; undefined when there is none. */
  #pauseMs(call: Call, outcome: unknown, attempt: number): number | undefined {
    const backoffMs = limits.kubeBackoffMs * 2 ** (attempt - 1) * uniform(this.#clock, 0.5, 1);
    // A create that met no answer may have happened; so may one that met an error of the server's.
    const repeatable = call.verb !== 'create';
    if (outcome instanceof Error)
      return repeatable && outcome instanceof AgentError && outcome.code === 'Unavailable'
        ? backoffMs
        : undefined;
    const response = outcome as HttpResponse;
    if (response.status !== 429 && !(repeatable && response.status >= 500)) return undefined;
    const askedMs = faultOf(response, call.resource, call.verb).retryAfterMs ?? 0;
    return askedMs > limits.kubePauseCapMs ? undefined : Math.max(backoffMs, askedMs);
  }

  async send(call: RawRequest & { readonly signal: AbortSignal }): Promise<HttpResponse> {
    const { method, path, body, signal, timeoutMs, maxBytes } = call;
    const { server, token } = this.#connection;
    const transport = await this.#current();
    const headers: Record<string, string> = { accept: call.accept ?? 'application/json' };
    if (token !== undefined) headers['authorization'] = `Bearer ${(await token()).text()}`;
    if (body !== undefined) headers['content-type'] = call.contentType ?? 'application/json';
    const request: HttpRequest = {
      method,
      url: server.replace(/\/$/, '') + path,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      timeoutMs,
      maxBytes,
    };
    return await transport.request(request);
  }

  /** The transport of the CA in force; one with an older CA ends with its idle connections. */
  async #current(): Promise<HttpTransport> {
    const ca = await this.#connection.ca?.();
    if (this.#transport !== undefined && ca === this.#ca) return this.#transport;
    const { addedCa, cert, key, proxy, connections } = this.#connection;
    this.#ca = ca;
    this.#transport = openHttp({ onlyCa: ca, ca: addedCa, cert, key, proxy, connections });
    return this.#transport;
  }

  async close(): Promise<void> {
    await this.#transport?.close();
  }
}
