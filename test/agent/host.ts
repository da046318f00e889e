import type { Host, Output } from '../../agent/host.ts';

export interface TestHost extends Host {
  /** What was written to standard output, and to standard error. */
  out(): string;
  err(): string;
  stop(): void;
}

/** A process of the test's own making: no colours, 80 columns. */
export function testHost(env: Record<string, string> = {}, more: Partial<Output> = {}): TestHost {
  const written = { out: '', err: '' };
  const stopping = new AbortController();
  const output = (name: 'out' | 'err'): Output => ({
    write: (text) => {
      written[name] += text;
    },
    isTTY: false,
    columns: 80,
    colour: false,
    ...more,
  });
  return {
    env,
    stdout: output('out'),
    stderr: output('err'),
    stopping: stopping.signal,
    onRefresh: () => {},
    out: () => written.out,
    err: () => written.err,
    stop: () => stopping.abort(new Error('stopped by the test')),
  };
}
