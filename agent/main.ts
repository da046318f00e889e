import { limits } from '../src/base/limits.ts';
import { cli, report } from './cli.ts';
import { hostOf } from './host.ts';

/** The program. A function, and not what loading this file does: the bundle has it in one file with others. */
export function main(): void {
  const host = hostOf(process);
  // Whoever stopped us will not wait for longer, and what is delivered is safe on the volume.
  host.stopping.addEventListener('abort', () => setTimeout(() => process.exit(0), limits.shutdownMs).unref());

  // What nobody caught is a bug of ours. Node would print its message, which can hold a value.
  process.on('uncaughtException', (error) => process.exit(report(error, host)));
  process.on('unhandledRejection', (reason) => process.exit(report(reason, host)));

  cli(process.argv.slice(2), host).then((code) => process.exit(code));
}

if (import.meta.main) main();
