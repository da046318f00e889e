import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Gives back what the start took, once there is nothing left to do but wait. To be called after the first
 * deliveries: on the command line the same flags reject V8's built-in code cache, which costs a start 12 to 18 ms.
 *
 * What is compiled from here on is interpreted, for a refresh now and then is not worth a compiler's memory; and
 * one collection drops all that only the start needed. Figures are in docs/performance.md.
 */
export function settleMemory(): void {
  for (const flag of ['--no-opt', '--no-maglev', '--no-sparkplug', '--expose-gc']) setFlagsFromString(flag);
  const collect = runInNewContext('gc') as (options: object) => void;
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
