import { chmod, mkdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { AgentError, describe } from '../base/errors.ts';
import type { TargetState } from '../loop/state.ts';
import { livez } from './health.ts';
import { type Answer, closeServer, json, type Route, serverOf, text } from './serve.ts';
import { answerRefresh, healthAnswer, type Observed } from './server.ts';
import { isHolding, worstFirst } from './standing.ts';
import { fullStatusOf } from './status.ts';

export interface ControlOptions extends Observed {
  /** The socket's path, in `--state`. */
  readonly path: string;
}

export interface OpenControl {
  readonly path: string;
  close(): Promise<void>;
}

/** Linux refuses longer paths of sockets, terminating NUL included. */
const longestPathBytes = 107;

/**
 * The agent's own door, 0600 in a 0700 folder: whoever opens it may read the pod's files anyway, so messages,
 * remedies and key names are told here. Throws AgentError Unavailable when the socket cannot be had.
 */
export async function openControl(options: ControlOptions): Promise<OpenControl> {
  const { path, log } = options;
  if (Buffer.byteLength(path) > longestPathBytes) {
    throw new AgentError(
      'Unavailable',
      `the path of the control socket is longer than ${longestPathBytes} bytes`,
      {
        at: { file: path },
        remedy: 'choose a shorter --state',
      },
    );
  }
  await openFolder(dirname(path)).catch((cause: Error) => Promise.reject(unavailable(path, cause)));
  await clearStale(path);
  const server = serverOf(routesOf(options), (err) => log.error({ err }, 'a request was not answered'));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(unavailable(path, cause)));
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  return { path, close: () => closeServer(server) };
}

function routesOf(options: ControlOptions): readonly Route[] {
  const { clock, version } = options;
  return [
    {
      method: 'GET',
      path: '/status',
      answer: () => json(200, fullStatusOf(options.view(), { nowMs: clock.now(), version })),
    },
    { method: 'POST', path: '/refresh', answer: ({ query }) => answerRefresh(options, query.get('name')) },
    { method: 'GET', path: '/probe/startup', answer: () => probeStartup(options) },
    {
      method: 'GET',
      path: '/probe/live',
      answer: () => healthAnswer(livez(options.view(), clock.monotonic())),
    },
  ];
}

/** The kubelet shows this in `kubectl describe pod`: the worst target, its code and what to do. */
function probeStartup(options: ControlOptions): Answer {
  const state = options.view();
  if (state.started) return text(200, 'ok');
  const targets = worstFirst(state.targets.values()).filter(isHolding);
  const [worst] = [...state.problems.map(describe), ...targets.map(holding)];
  if (worst === undefined) return text(503, 'no ExternalSecret found yet: see --specs');
  const others = state.problems.length + targets.length - 1;
  const more = others === 0 ? '' : `\nand ${others} more, see external-secrets-agent status`;
  return text(503, `${worst}${more}`);
}

function holding({ name, error }: TargetState): string {
  if (error === undefined) return `${name}: not delivered yet`;
  const { code, message, remedy } = error;
  return `${name}: ${code}: ${message}${remedy === undefined ? '' : ` (${remedy})`}`;
}

async function openFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // A volume's own folder belongs to root; the socket's mode guards it there.
  await chmod(folder, 0o700).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPERM') throw error;
  });
}

/** A socket that nobody answers was left by an earlier life; one that answers belongs to another agent. */
async function clearStale(path: string): Promise<void> {
  const answered = await new Promise<boolean>((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
  if (answered) {
    throw new AgentError('Unavailable', 'another agent already runs with this --state', {
      at: { file: path },
      remedy: 'stop it, or choose another --state',
    });
  }
  await unlink(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw unavailable(path, cause);
  });
}

function unavailable(path: string, cause: Error): AgentError {
  const code = 'code' in cause ? String(cause.code) : cause.name;
  return new AgentError('Unavailable', `cannot open the control socket: ${code}`, {
    at: { file: path },
    remedy: 'give --state a folder that the agent may write to',
    cause,
  });
}
