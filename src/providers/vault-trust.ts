import { AgentError } from '../base/errors.ts';
import {
  type HttpOptions,
  type HttpRequest,
  type HttpResponse,
  type HttpTransport,
  openHttp,
} from '../base/http.ts';
import { certificatesAt, privateKeyAt } from './pem.ts';
import type { StoreContext } from './provider.ts';
import type { VaultConfig } from './vault-config.ts';

/**
 * The transport of a store, with its CA and its client certificate. Both may be rotated where they are mounted:
 * after a failed request they are read again before the next, and a change opens new connections.
 */
export class TrustedTransport {
  readonly #config: VaultConfig;
  readonly #context: StoreContext;
  #open: { readonly options: HttpOptions; readonly transport: HttpTransport } | undefined;
  #suspect = true;

  constructor(config: VaultConfig, context: StoreContext) {
    this.#config = config;
    this.#context = context;
  }

  async current(): Promise<HttpTransport> {
    if (this.#open === undefined || this.#suspect) await this.#reopen();
    return { request: (request) => this.#request(request), close: () => this.close() };
  }

  async close(): Promise<void> {
    await this.#open?.transport.close();
  }

  async #request(request: HttpRequest): Promise<HttpResponse> {
    try {
      return await this.#open!.transport.request(request);
    } catch (error) {
      this.#suspect = error instanceof AgentError;
      throw error;
    }
  }

  async #reopen(): Promise<void> {
    const options = await this.#options();
    this.#suspect = false;
    const before = this.#open;
    if (before !== undefined && sameTrust(before.options, options)) return;
    this.#open = { options, transport: openHttp(options) };
    await before?.transport.close();
  }

  async #options(): Promise<HttpOptions> {
    const { network } = this.#context;
    const { ca, clientTls } = this.#config;
    return {
      proxy: network.proxy,
      noProxy: network.noProxy,
      ca: network.ca,
      onlyCa: ca?.kind === 'bundle' ? ca.pem : ca && (await certificatesAt(ca.ref, this.#context)),
      cert: clientTls && (await certificatesAt(clientTls.cert, this.#context)),
      key: clientTls && (await privateKeyAt(clientTls.key, this.#context)),
    };
  }
}

function sameTrust(a: HttpOptions, b: HttpOptions): boolean {
  return a.onlyCa === b.onlyCa && a.cert === b.cert && a.key === b.key;
}
