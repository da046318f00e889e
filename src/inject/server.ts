import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { type Admission, mutate, validate } from './admit.ts';
import { Bodies, type Untaken } from './body.ts';
import type { InjectorMetrics } from './metrics.ts';
import { answerTo, BadReview, denialOf, type Review, readReview, type Verdict } from './review.ts';
import type { TlsSource } from './tls.ts';

export interface InjectorServerOptions extends Pick<TlsSource, 'tls' | 'onTlsChange'> {
  /** Host undefined means every interface; port 0 any that is free. */
  readonly listen: { readonly host: string | undefined; readonly port: number };
  readonly review: Admission;
  readonly log: Log;
  readonly metrics: InjectorMetrics;
}

export interface InjectorServer {
  readonly port: number;
  /** Whether a certificate is served and nobody asked us to end: what readiness is. */
  readonly ready: boolean;
  /** From here on `ready` is false, and answers ask their connections to end; nothing is cut off. */
  drain(): void;
  /** Answers what is being asked, and ends. */
  close(): Promise<void>;
}

type Decide = (review: Review, admission: Admission) => Promise<Verdict>;

const decisions: Readonly<Record<string, Decide>> = { '/mutate': mutate, '/validate': validate };

/**
 * The webhook. A new certificate serves the next connection; those that are open go on. Throws AgentError Unavailable
 * when the address cannot be had.
 */
export async function openInjectorServer(options: InjectorServerOptions): Promise<InjectorServer> {
  const { createServer } = await import('node:https');
  const state = { draining: false, serving: false };
  const serving = { options, bodies: new Bodies(), draining: () => state.draining };
  const server = createServer(
    {
      minVersion: 'TLSv1.2',
      maxHeaderSize: limits.servedHeaderBytes * 2,
      keepAliveTimeout: limits.reviewKeepAliveMs,
      // Whoever opens connections and says nothing, or says it slowly, holds none of them for long. The pause between
      // two requests of one connection does not count.
      handshakeTimeout: limits.reviewMs,
      headersTimeout: limits.reviewMs,
      requestTimeout: limits.reviewMs,
      connectionsCheckingInterval: limits.reviewMs / 10,
    },
    (request, response) => void serve(request, response, serving),
  );
  server.maxConnections = limits.reviewConnections;
  const useCertificate = (): void => {
    state.serving = setCertificate(server, options) || state.serving;
  };
  useCertificate();
  options.onTlsChange(useCertificate);
  await listen(server, options.listen);
  return {
    port: (server.address() as AddressInfo).port,
    get ready() {
      return state.serving && !state.draining;
    },
    drain: () => {
      state.draining = true;
    },
    close: async () => {
      state.draining = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const late = setTimeout(() => server.closeAllConnections(), limits.shutdownMs / 2);
      await closed;
      clearTimeout(late);
    },
  };
}

/** False when there is none, or it cannot be used: then the one before goes on serving. */
function setCertificate(server: Server, { tls, log }: InjectorServerOptions): boolean {
  const pair = tls();
  if (pair === undefined) return false;
  try {
    server.setSecureContext({ ...pair, minVersion: 'TLSv1.2' });
    return true;
  } catch {
    log.error({}, 'the new certificate cannot be used: its key does not fit, or it is not PEM');
    return false;
  }
}

async function listen(server: Server, at: InjectorServerOptions['listen']): Promise<void> {
  const { host, port } = at;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const remedy = 'choose another address with --webhook';
      const where = `${host ?? ''}:${port}`;
      reject(new AgentError('Unavailable', `cannot listen on ${where}: ${cause.code}`, { remedy, cause }));
    });
    server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
  });
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type: string;
}

interface Serving {
  readonly options: InjectorServerOptions;
  readonly bodies: Bodies;
  readonly draining: () => boolean;
}

async function serve(request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const { options, draining } = serving;
  const answer = await answerOf(request, serving).catch((err: unknown) => {
    // Not a denial: the failurePolicy decides about our own bugs.
    options.log.error({ err }, 'a review was not answered');
    return text(500, 'an error of the injector itself, see its log');
  });
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, {
    'content-type': answer.type,
    'content-length': body.length,
    ...((draining() || !request.complete) && { connection: 'close' }),
  });
  response.end(body);
}

async function answerOf(request: IncomingMessage, { options, bodies }: Serving): Promise<Answer> {
  const [path = ''] = (request.url ?? '').split('?');
  const decide = Object.hasOwn(decisions, path) ? decisions[path] : undefined;
  if (decide === undefined) return text(404, `nothing here; there is ${Object.keys(decisions).join(', ')}`);
  if (request.method !== 'POST') return text(405, 'use POST');
  return await bodies.use(request, async (body) =>
    typeof body === 'string'
      ? untaken(body, path, options)
      : await reviewed(body, { path, decide, ...options }),
  );
}

interface Reviewing extends InjectorServerOptions {
  readonly path: string;
  readonly decide: Decide;
}

async function reviewed(body: Buffer, { path, decide, ...options }: Reviewing): Promise<Answer> {
  const start = performance.now();
  const finished = (labels: Pick<Verdict, 'result' | 'reason' | 'mode'>): number => {
    const ms = performance.now() - start;
    options.metrics.record(path, labels, ms / 1_000);
    return ms;
  };
  try {
    const review = readReview(body);
    const verdict = await decide(review, options.review);
    tell(options.log, path, { review, verdict, ms: finished(verdict) });
    return { status: 200, body: answerTo(review.uid, verdict), type: 'application/json' };
  } catch (error) {
    const isBad = error instanceof BadReview;
    finished({ result: 'failed', reason: isBad ? 'BadReview' : 'InternalError', mode: '' });
    if (!isBad) throw error;
    return text(400, error.message);
  }
}

interface Told {
  readonly review: Review;
  readonly verdict: Verdict;
  readonly ms: number;
}

function tell(log: Log, path: string, { review, verdict, ms }: Told): void {
  const { namespace, kind, name, dryRun } = review;
  const { result, reason } = verdict;
  const fields = { path, namespace, kind, name, dryRun, result, reason, ms: Math.round(ms * 100) / 100 };
  if (result === 'denied') log.warn({ ...fields, denial: denialOf(verdict) }, 'review');
  else if (result === 'patched') log.info(fields, 'review');
  else log.debug(fields, 'review');
}

function text(status: number, body: string): Answer {
  return { status, body: `${body}\n`, type: 'text/plain; charset=utf-8' };
}

const untakenReasons = { 'too-long': 'TooLong', busy: 'Busy' } as const;

function untaken(why: Untaken, path: string, { metrics }: InjectorServerOptions): Answer {
  // Who went away is told nothing, and counted nowhere.
  if (why !== 'gone') metrics.record(path, { result: 'failed', reason: untakenReasons[why], mode: '' }, 0);
  if (why === 'too-long') return text(413, `an AdmissionReview may have ${limits.reviewBytes} bytes`);
  if (why === 'busy') return text(503, 'too many large reviews at once, ask again');
  return text(400, 'the body ends early');
}
