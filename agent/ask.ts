import { connect } from 'node:net';
import { limits } from '../src/base/limits.ts';

export interface Reply {
  readonly status: number;
  readonly body: string;
}

/** No agent answered; the message says why in words for the user. */
export class NoAgent extends Error {
  override readonly name = 'NoAgent';
}

const longestReplyBytes = 64 * 1024 * 1024;

/**
 * One question over the control socket. It is HTTP/1.0 written by hand, since loading node:http costs a probe
 * more than all else that it does. Throws NoAgent.
 */
export async function ask(path: string, question: string): Promise<Reply> {
  const text = await exchange(path, `${question} HTTP/1.0\r\n\r\n`);
  const [, status, body] = /^HTTP\/1\.[01] (\d{3})[\s\S]*?\r\n\r\n([\s\S]*)$/.exec(text) ?? [];
  if (status === undefined) throw new NoAgent(`what answers at ${path} is not the agent`);
  return { status: Number(status), body: body ?? '' };
}

function exchange(path: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const socket = connect(path, () => socket.write(request));
    const fail = (message: string) => {
      socket.destroy();
      reject(new NoAgent(message));
    };
    socket.setTimeout(limits.askMs, () =>
      fail(`the agent at ${path} did not answer within ${limits.askMs / 1000} s`),
    );
    socket.on('data', (part) => {
      parts.push(part);
      bytes += part.length;
      if (bytes > longestReplyBytes) fail(`the agent at ${path} answered without end`);
    });
    socket.on('end', () => resolve(Buffer.concat(parts).toString()));
    socket.on('error', (error: NodeJS.ErrnoException) => fail(reasonOf(path, error)));
  });
}

function reasonOf(path: string, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return `no agent runs with its state in ${path.slice(0, path.lastIndexOf('/'))} (no control.sock there)`;
    case 'ECONNREFUSED':
      return `no agent answers at ${path}: it has ended`;
    case 'EACCES':
      return `${path} may be used by the agent's own user only: run as that user`;
    default:
      return `no agent answers at ${path}: ${error.code ?? error.name}`;
  }
}
