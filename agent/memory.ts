const compilers = ['opt', 'maglev', 'sparkplug'] as const;

/**
 * Has what runs from here on interpreted, and resolves with what allows compilers again. In a first round most of the
 * code runs once, and a hundred secrets make enough of it hot to keep a second core busy with compiling, which is where
 * the store may be. To be called when all modules are loaded: flags count in what V8 takes a code cache for.
 */
export async function pauseCompilers(): Promise<() => void> {
  const { setFlagsFromString } = await import('node:v8');
  for (const name of compilers) setFlagsFromString(`--no-${name}`);
  return () => {
    for (const name of compilers) setFlagsFromString(`--${name}`);
  };
}

/**
 * Gives back what the start took, once there is nothing left to do but wait. To be called after the first
 * deliveries: on the command line the same flags reject V8's built-in code cache, which costs a start 12 to 18 ms.
 *
 * What is compiled from here on is interpreted, for a refresh now and then is not worth a compiler's memory; and
 * one collection drops all that only the start needed. Figures are in docs/performance.md.
 */
export async function settleMemory(): Promise<void> {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([
    import('node:v8'),
    import('node:vm'),
  ]);
  setFlagsFromString('--expose-gc');
  await pauseCompilers();
  const collect = runInNewContext('gc') as (options: object) => void;
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
