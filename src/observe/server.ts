import type { AddressInfo } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { AgentState } from '../loop/state.ts';
import { type Health, livez, readyz, startupz } from './health.ts';
import type { Metrics } from './metrics.ts';
import { refuseRefresh } from './refresh-token.ts';
import { type Answer, closeServer, json, type Request, type Route, serverOf, text } from './serve.ts';
import { statusOf } from './status.ts';

/** What both doors to the agent, TCP and the control socket, need of it. */
export interface Observed {
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  view(): AgentState;
  /** Brings one ExternalSecret, or all, forward to now. Returns how many; 0 for an unknown name. */
  refresh(name?: string): number | Promise<number>;
}

export interface ServerOptions extends Observed {
  /** `:9402`, `127.0.0.1:9402`, `[::1]:9402`. */
  readonly listen: string;
  readonly metrics: Metrics;
  readonly refreshTokenFile: string | undefined;
}

export interface OpenServer {
  /** As it can be dialled from this host: `127.0.0.1:9402`. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Probes, metrics, status and refresh on TCP. Whoever reaches the port learns names, states, codes and times,
 * and nothing else. Throws AgentError Unavailable when the address cannot be had.
 */
export async function openServer(options: ServerOptions): Promise<OpenServer> {
  const server = serverOf(routesOf(options), (err) =>
    options.log.error({ err }, 'a request was not answered'),
  );
  const { host, port } = parseListen(options.listen);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(refusedAddress(options.listen, error)));
    server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
  });
  return { address: dialled(server.address() as AddressInfo), close: () => closeServer(server) };
}

function routesOf(options: ServerOptions): readonly Route[] {
  const { clock, metrics, version } = options;
  const live = () => healthAnswer(livez(options.view(), clock.monotonic()));
  return [
    { method: 'GET', path: '/livez', answer: live },
    { method: 'GET', path: '/healthz', answer: live },
    { method: 'GET', path: '/startupz', answer: () => healthAnswer(startupz(options.view())) },
    { method: 'GET', path: '/readyz', answer: () => healthAnswer(readyz(options.view())) },
    {
      method: 'GET',
      path: '/metrics',
      answer: async () => ({
        status: 200,
        body: await metrics.text(options.view()),
        type: metrics.contentType,
      }),
    },
    {
      method: 'GET',
      path: '/status',
      answer: () => json(200, statusOf(options.view(), { nowMs: clock.now(), version })),
    },
    { method: 'POST', path: '/refresh', answer: refreshRoute(options) },
  ];
}

export function healthAnswer(health: Health): Answer {
  return text(health.ok ? 200 : 503, health.lines.join('\n'));
}

/** Guarded by the token and, once a second at most, by the clock: a refresh costs calls to the stores. */
function refreshRoute(options: ServerOptions): Route['answer'] {
  let servedMs = Number.NEGATIVE_INFINITY;
  return async (request: Request) => {
    const refusal = await refuseRefresh(options.refreshTokenFile, request.authorization);
    if (refusal !== undefined) return text(403, refusal);
    const nowMs = options.clock.monotonic();
    if (nowMs - servedMs < limits.refreshSpacingMs) {
      return { ...text(429, 'refreshed less than a second ago'), headers: { 'retry-after': '1' } };
    }
    servedMs = nowMs;
    return await answerRefresh(options, request.query.get('name'));
  };
}

export async function answerRefresh(observed: Observed, name: string | null): Promise<Answer> {
  const count = await (name === null ? observed.refresh() : observed.refresh(name));
  if (count === 0 && name !== null) return text(404, 'no ExternalSecret of that name');
  return text(202, `refreshing ${count} ExternalSecret${count === 1 ? '' : 's'}`);
}

/** `host` undefined means every interface. */
export function parseListen(listen: string): { readonly host: string | undefined; readonly port: number } {
  const colon = listen.lastIndexOf(':');
  const port = Number(listen.slice(colon + 1));
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '');
  if (colon === -1 || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new AgentError('SpecInvalid', `--listen ${listen} is not an address`, {
      remedy: 'write HOST:PORT or :PORT',
    });
  }
  return { host: host === '' ? undefined : host, port };
}

function dialled({ address, port, family }: AddressInfo): string {
  if (address === '::' || address === '0.0.0.0') return `127.0.0.1:${port}`;
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}

function refusedAddress(listen: string, cause: Error): AgentError {
  const code = 'code' in cause ? String(cause.code) : cause.name;
  const remedy =
    code === 'EADDRINUSE'
      ? 'choose another port with --listen, or --listen off'
      : 'choose an address of this host with --listen, or --listen off';
  return new AgentError('Unavailable', `cannot listen on ${listen}: ${code}`, { remedy, cause });
}
