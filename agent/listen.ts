import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AgentError } from '../src/base/errors.ts';
import { parseListen } from '../src/observe/server.ts';

/** Has a server listen where `--listen` says. Throws AgentError Unavailable when that cannot be had. */
export async function listenOn(server: Server, address: string): Promise<void> {
  const { host, port } = parseListen(address);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const remedy = 'choose another address with --listen, or --listen off';
      reject(new AgentError('Unavailable', `cannot listen on ${address}: ${cause.code}`, { remedy, cause }));
    });
    server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
  });
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
