import { join } from 'node:path';
import type { Clock } from '../src/base/clock.ts';
import type { AgentError } from '../src/base/errors.ts';
import type { Log } from '../src/base/log.ts';
import type { Loop } from '../src/loop/loop.ts';
import type { LoopEvent } from '../src/loop/state.ts';
import type { Config } from './config.ts';

export interface DoorsParts {
  readonly config: Pick<Config, 'state' | 'listen' | 'refreshTokenFile'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly loop: Loop;
  readonly observe: Set<(event: LoopEvent) => void>;
  /** What happened before the metrics were there to count it. */
  readonly before: readonly LoopEvent[];
}

export interface Doors {
  close(): Promise<void>;
}

/** The control socket, and with `--listen` probes, metrics and status. Throws AgentError Unavailable when the
 * address cannot be had. */
export async function openDoors(parts: DoorsParts): Promise<Doors> {
  const { config, clock, log, loop } = parts;
  const [{ openControl }, { version }] = await Promise.all([
    import('../src/observe/control.ts'),
    import('./version.ts'),
  ]);
  const observed = {
    version,
    clock,
    log,
    view: () => loop.view(),
    refresh: (name?: string) => loop.refresh(name),
  };
  const control = await openControl({ ...observed, path: join(config.state, 'control.sock') }).catch(
    (error: AgentError) => {
      // Without it `status` and exec probes have no answer, and secrets are delivered all the same.
      log.error({ err: error }, 'no control socket');
      return undefined;
    },
  );
  if (config.listen === 'off') return { close: async () => control?.close() };
  const [{ openServer }, { openMetrics }] = await Promise.all([
    import('../src/observe/server.ts'),
    import('../src/observe/metrics.ts'),
  ]);
  const metrics = openMetrics({ version, node: process.version });
  for (const event of parts.before) metrics.record(event);
  parts.observe.add((event) => metrics.record(event));
  const { listen, refreshTokenFile } = config;
  const server = await openServer({ ...observed, listen, metrics, refreshTokenFile });
  log.info({ address: server.address, version }, 'listening');
  return {
    close: async () => {
      await Promise.all([control?.close(), server.close()]);
    },
  };
}
