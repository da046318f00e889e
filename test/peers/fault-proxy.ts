import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, request as requestTls } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** One request as it arrived, for assertions on counts, order and content. */
export interface SeenRequest {
  /** What counts and faults go by: the AWS action (`GetSecretValue`), else `GET /v1/sys/health`; `CONNECT host:port`. */
  readonly action: string;
  readonly method: string;
  /** With the query string. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | readonly string[]>;
  readonly body: Buffer;
}

/** What happens to a request instead of being passed on. */
export type Fault =
  /** Accepts the request and never answers. */
  | { readonly kind: 'hang' }
  /** Cuts the connection with a TCP reset. */
  | { readonly kind: 'reset' }
  /** Answers by itself; the store sees nothing. A string body is sent as it is, anything else as JSON. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Record<string, string>;
    }
  /** Passes on, then lets the answer out one byte every `everyMs`. */
  | { readonly kind: 'drip'; readonly everyMs: number }
  /** Passes on, then cuts the connection after `bytes` of the answer's body. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** Waits, then passes on. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Passes on, then lets the test change the answer. */
  | { readonly kind: 'rewrite'; readonly change: (answer: Answer, seen: SeenRequest) => Answer };

export interface FaultRule {
  /** Exact action, a pattern over it, or a test of the whole request. */
  readonly on: string | RegExp | ((seen: SeenRequest) => boolean);
  /** How often it strikes; unset means until `heal`. */
  readonly times?: number;
  readonly fault: Fault;
}

/** A forwarder in front of a store: counts every request by action and breaks those that rules
 * name. It also answers CONNECT, so that it can stand for a corporate proxy. */
export interface FaultProxy {
  readonly url: string;
  readonly port: number;
  /** Everything seen, in order of arrival. */
  readonly seen: readonly SeenRequest[];
  /** How many requests an action had, struck by a fault or not. */
  count(on: FaultRule['on']): number;
  /** Requests by action. */
  counts(): Record<string, number>;
  /** Adds a rule; the newest that matches wins. */
  fail(rule: FaultRule): void;
  /** Drops every rule. Requests that hang go on hanging. */
  heal(): void;
  /** Forgets what was seen. */
  forget(): void;
  /** Cuts every connection and stops listening. */
  close(): Promise<void>;
}

export interface ProxyOptions {
  /** Trusted for the store when it is https. */
  readonly ca?: string;
  /** Where it listens: `0.0.0.0` for those that come from pods. `url` is for this host all the same. */
  readonly host?: string;
  /** PEM to listen with over TLS; unset is plain http. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** @param url base URL of the real store; a path in it is kept in front of the request's. */
export async function startFaultProxy(url: string, options: ProxyOptions = {}): Promise<FaultProxy> {
  const { ca, host = '127.0.0.1' } = options;
  const target: Target = { url, ...(ca !== undefined && { ca }) };
  const seen: SeenRequest[] = [];
  let rules: { rule: FaultRule; left: number }[] = [];
  const sockets = new Set<Socket>();

  const strike = (one: SeenRequest): Fault | undefined => {
    const hit = rules.findLast(({ rule, left }) => left > 0 && matches(rule.on, one));
    if (hit !== undefined) hit.left--;
    return hit?.rule.fault;
  };

  const answer: RequestListener = (incoming, outgoing) => {
    void readAll(incoming)
      .then(async (body) => {
        const one = describeRequest(incoming, body);
        seen.push(one);
        await act(strike(one), one, { target, outgoing });
      })
      .catch(() => outgoing.destroy());
  };
  const server = options.tls ? createTlsServer(options.tls, answer) : createServer(answer);
  server.on('connection', (socket) => track(sockets, socket));
  server.on('connect', (incoming, socket: Socket) => {
    const one = describeRequest(incoming, Buffer.alloc(0));
    seen.push(one);
    tunnel(strike(one), incoming.url ?? '', { socket, sockets });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    seen,
    count: (on) => seen.filter((one) => matches(on, one)).length,
    counts: () => {
      const byAction = [...Map.groupBy(seen, (one) => one.action)];
      return Object.fromEntries(byAction.map(([action, all]) => [action, all.length]));
    },
    fail: (rule) => {
      rules.push({ rule, left: rule.times ?? Number.POSITIVE_INFINITY });
    },
    heal: () => {
      rules = [];
    },
    forget: () => {
      seen.length = 0;
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function matches(on: FaultRule['on'], seen: SeenRequest): boolean {
  if (typeof on === 'string') return seen.action === on;
  return typeof on === 'function' ? on(seen) : on.test(seen.action);
}

/** AWS JSON services name the action in a header, Query services in the form body. */
function actionOf(incoming: IncomingMessage, body: Buffer): string {
  const amazonTarget = incoming.headers['x-amz-target'];
  if (typeof amazonTarget === 'string') return amazonTarget.slice(amazonTarget.lastIndexOf('.') + 1);
  const isForm = incoming.headers['content-type']?.startsWith('application/x-www-form-urlencoded');
  const action = isForm ? new URLSearchParams(body.toString('latin1')).get('Action') : null;
  if (action !== null) return action;
  const path = incoming.url ?? '';
  return `${incoming.method} ${incoming.method === 'CONNECT' ? path : (path.split('?')[0] ?? '')}`;
}

function describeRequest(incoming: IncomingMessage, body: Buffer): SeenRequest {
  return {
    action: actionOf(incoming, body),
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: incoming.headers,
    body,
  };
}

interface Target {
  readonly url: string;
  readonly ca?: string;
}

interface Exchange {
  readonly target: Target;
  readonly outgoing: ServerResponse;
}

async function act(fault: Fault | undefined, seen: SeenRequest, exchange: Exchange): Promise<void> {
  const { target, outgoing } = exchange;
  switch (fault?.kind) {
    case 'hang':
      return;
    case 'reset':
      (outgoing.socket as Socket | null)?.resetAndDestroy();
      return;
    case 'answer':
      return send(outgoing, answerOf(fault));
    case 'delay':
      await delay(fault.ms);
      return send(outgoing, await forward(target, seen));
    case 'rewrite':
      return send(outgoing, fault.change(await forward(target, seen), seen));
    case 'drip':
      return await drip(outgoing, await forward(target, seen), fault.everyMs);
    case 'truncate':
      return truncate(outgoing, await forward(target, seen), fault.bytes);
    case undefined:
      return send(outgoing, await forward(target, seen));
  }
}

function answerOf(fault: Extract<Fault, { kind: 'answer' }>): Answer {
  const isText = typeof fault.body === 'string';
  const text = isText ? (fault.body as string) : JSON.stringify(fault.body ?? {});
  const type = isText ? 'text/plain' : 'application/json';
  return {
    status: fault.status,
    headers: { 'content-type': type, ...fault.headers },
    body: Buffer.from(text),
  };
}

function send(outgoing: ServerResponse, answer: Answer): void {
  outgoing.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length });
  outgoing.end(answer.body);
}

async function drip(outgoing: ServerResponse, answer: Answer, everyMs: number): Promise<void> {
  outgoing.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length });
  for (let i = 0; i < answer.body.length && !outgoing.destroyed; i++) {
    outgoing.write(answer.body.subarray(i, i + 1));
    await delay(everyMs);
  }
  outgoing.end();
}

function truncate(outgoing: ServerResponse, answer: Answer, bytes: number): void {
  outgoing.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length });
  outgoing.write(answer.body.subarray(0, bytes), () => outgoing.destroy());
}

const hopByHop = ['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'proxy-connection'];

function withoutHopByHop<T>(headers: Record<string, T | undefined>): Record<string, T> {
  const kept = Object.entries(headers).filter(
    ([name, value]) => value !== undefined && !hopByHop.includes(name),
  );
  return Object.fromEntries(kept) as Record<string, T>;
}

/** One request, one connection: a fault of one request never leaks into the next. */
function forward(target: Target, seen: SeenRequest): Promise<Answer> {
  const absolute = seen.path.startsWith('http://') ? seen.path : target.url.replace(/\/$/, '') + seen.path;
  return new Promise((resolve, reject) => {
    const headers = { ...withoutHopByHop(seen.headers), 'content-length': seen.body.length };
    const send = absolute.startsWith('https://') ? requestTls : request;
    const { ca } = target;
    const onward = send(absolute, { method: seen.method, headers, agent: false, ca }, (incoming) => {
      readAll(incoming).then(
        (body) =>
          resolve({
            status: incoming.statusCode ?? 502,
            headers: withoutHopByHop(incoming.headers) as Answer['headers'],
            body,
          }),
        reject,
      );
    });
    onward.on('error', reject);
    onward.end(seen.body);
  });
}

function tunnel(
  fault: Fault | undefined,
  authority: string,
  ends: { socket: Socket; sockets: Set<Socket> },
): void {
  const { socket, sockets } = ends;
  socket.on('error', () => socket.destroy());
  if (fault?.kind === 'hang') return;
  if (fault?.kind === 'reset') return void socket.resetAndDestroy();
  if (fault?.kind === 'answer')
    return void socket.end(`HTTP/1.1 ${fault.status} Refused\r\ncontent-length: 0\r\n\r\n`);
  const { hostname, port } = new URL(`http://${authority}`);
  const onward = connect(Number(port || 80), hostname.replace(/^\[|\]$/g, ''), () => {
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    onward.pipe(socket).pipe(onward);
  });
  track(sockets, onward);
  onward.on('error', () => socket.destroy());
}

function track(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.on('error', () => socket.destroy());
  socket.once('close', () => sockets.delete(socket));
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
