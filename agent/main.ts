import { limits } from '../src/base/limits.ts';
import { cli } from './cli.ts';
import { hostOf } from './host.ts';

const host = hostOf(process);
// Whoever stopped us will not wait for longer, and what is delivered is safe on the volume.
host.stopping.addEventListener('abort', () => setTimeout(() => process.exit(0), limits.shutdownMs).unref());
// Neither a reader that went away (`… | head`) nor a log that is full is a reason to end.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

// A promise and not a top-level await: the bundle is CommonJS.
cli(process.argv.slice(2), host).then((code) => process.exit(code));
