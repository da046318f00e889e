import { createPrivateKey } from 'node:crypto';
import { AgentError } from '../base/errors.ts';
import {
  type HttpOptions,
  type HttpRequest,
  type HttpResponse,
  type HttpTransport,
  openHttp,
} from '../base/http.ts';
import { limits } from '../base/limits.ts';
import type { StoreContext } from './provider.ts';
import { resolve } from './vault-auth.ts';
import { checkCertificates } from './vault-ca.ts';
import type { VaultConfig } from './vault-config.ts';
import type { ObjectRef } from './vault-ref.ts';

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
      onlyCa: ca?.kind === 'bundle' ? ca.pem : ca && (await this.#certificates(ca.ref)),
      cert: clientTls && (await this.#certificates(clientTls.cert)),
      key: clientTls && (await this.#privateKey(clientTls.key)),
    };
  }

  async #certificates(ref: ObjectRef): Promise<string> {
    const pem = await this.#read(ref);
    checkCertificates(pem, { at: ref.at, what: `${ref.key} of ${ref.kind} ${ref.name}` });
    return pem;
  }

  async #privateKey(ref: ObjectRef): Promise<string> {
    const pem = await this.#read(ref);
    try {
      createPrivateKey(pem);
      return pem;
    } catch {
      // The library's own words may quote the key.
      throw new AgentError(
        'SpecInvalid',
        `${ref.key} of Secret ${ref.name} is not a private key in PEM form`,
        {
          at: ref.at,
          remedy: 'check it with openssl pkey -noout',
        },
      );
    }
  }

  async #read(ref: ObjectRef): Promise<string> {
    const value = await resolve(ref, this.#context, AbortSignal.timeout(limits.requestMs));
    return value.text();
  }
}

function sameTrust(a: HttpOptions, b: HttpOptions): boolean {
  return a.onlyCa === b.onlyCa && a.cert === b.cert && a.key === b.key;
}
