import { destination, pino } from 'pino';
import type { Log } from '../base/log.ts';
import { loggable } from './log-fields.ts';
import { prettyLine } from './pretty.ts';

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'json' | 'pretty';
  /** Of `pretty`. */
  readonly colour: boolean;
  /** Takes whole lines; absent: standard error, written at once. */
  readonly sink?: { write(line: string): void };
}

/** The process's log. Lines leave synchronously, so that the last one before an end is there. */
export function openLog(options: LogOptions): Log {
  // No transport: pino would run one in a worker thread, which costs more memory than all else here.
  const out = options.sink ?? destination({ dest: 2, sync: true });
  const sink =
    options.format === 'json' ? out : { write: (line: string) => void out.write(prettyLine(line, options)) };
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      // pino's own serializer of `err` would print a stranger's message and stack.
      serializers: { err: (value: unknown) => value },
      formatters: { level: (level) => ({ level }), log: loggable },
    },
    sink,
  );
}
