import type { HttpOptions } from './http.ts';

export interface TlsOptions {
  readonly ca?: string[];
  readonly cert?: string;
  readonly key?: string;
  /** Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment cannot turn verification off. */
  readonly rejectUnauthorized: true;
}

/** How servers are verified, and how we are, over either way. */
export async function tlsOptions(options: HttpOptions): Promise<TlsOptions> {
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
