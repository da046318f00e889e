import { runAgent } from './compose.ts';
import type { Config } from './config.ts';
import type { ExitCode, Host } from './host.ts';

/** `run`: as a sidecar it logs; with `--once` it also tells a person how each ExternalSecret ended, by code that no
 * sidecar loads. */
export async function run(config: Config, host: Host): Promise<ExitCode> {
  if (config.once) return await (await import('./run-once.ts')).runOnce(config, host);
  return (await runAgent(config, host)).exitCode;
}
