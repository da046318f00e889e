import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { limits } from '../base/limits.ts';

/** An answer, whole. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
}

/** A route's own affair is its answer; method, path and limits are settled before. */
export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  answer(request: Request): Answer | Promise<Answer>;
}

/** A server with bounds on everything a client decides. No route reads a body. */
export function serverOf(routes: readonly Route[], failed: (error: unknown) => void): Server {
  const listener: RequestListener = (request, response) => {
    // A body would keep the connection busy; nobody here wants one.
    request.resume();
    answerOf(routes, request)
      .catch((error: unknown) => {
        failed(error);
        return text(500, 'an error of the agent itself, see its log');
      })
      .then((answer) => send(request, response, answer));
  };
  const server = createServer(
    {
      maxHeaderSize: limits.servedHeaderBytes,
      headersTimeout: limits.servedRequestMs,
      requestTimeout: limits.servedRequestMs,
      connectionsCheckingInterval: limits.servedRequestMs,
    },
    listener,
  );
  makeRoom(server);
  return server;
}

/** Whoever comes is let in, and beyond the limit the one that was there for longest goes: connections that are only
 * held open must not keep the kubelet's probe out. */
function makeRoom(server: Server): void {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    const [oldest] = open;
    if (open.size > limits.servedConnections) oldest?.destroy();
  });
}

async function answerOf(routes: readonly Route[], incoming: IncomingMessage): Promise<Answer> {
  const url = URL.parse(incoming.url ?? '/', 'http://agent');
  if (url === null) return text(400, 'not a path');
  const here = routes.filter((route) => route.path === url.pathname);
  if (here.length === 0) return text(404, `nothing here; there is ${pathsOf(routes).join(', ')}`);
  const method = incoming.method === 'HEAD' ? 'GET' : (incoming.method ?? '');
  const route = here.find((candidate) => candidate.method === method);
  if (route === undefined) {
    const allow = here.map((candidate) => candidate.method).join(', ');
    return { ...text(405, `use ${allow}`), headers: { allow } };
  }
  const { authorization } = incoming.headers;
  return await route.answer({ method, path: url.pathname, query: url.searchParams, authorization });
}

function pathsOf(routes: readonly Route[]): string[] {
  return [...new Set(routes.map((route) => route.path))];
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, {
    'content-type': answer.type ?? 'text/plain; charset=utf-8',
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...answer.headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

export function text(status: number, body: string): Answer {
  return { status, body: `${body}\n` };
}

export function json(status: number, value: unknown): Answer {
  return { status, body: `${JSON.stringify(value)}\n`, type: 'application/json' };
}

/** Ends a server now: what still waits for an answer is cut off. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
