import { isatty } from 'node:tty';

/** Somewhere to write lines: a stream of the process, or a string in a test. */
export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  /** Columns of the terminal; 80 where nobody knows. */
  readonly columns: number;
  readonly colour: boolean;
}

/** What a command is given of the process that it runs in. Nothing else reads argv, env, signals or exit codes. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborted by SIGTERM or SIGINT: finish within `limits.shutdownMs`. */
  readonly stopping: AbortSignal;
  /** Calls `listener` at every SIGHUP, until the process ends. */
  onRefresh(listener: () => void): void;
}

/** As sysexits has them; part of the public contract. */
export const exitCodes = {
  done: 0,
  /** The command line makes no sense. */
  usage: 64,
  /** Something could not be reached or delivered. */
  unavailable: 69,
  /** Our bug. */
  software: 70,
  /** An option, or a spec, is invalid. Outranks 69. */
  invalid: 78,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The user's mistake on the command line or in the environment, in words for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly exitCode: ExitCode;
  readonly remedy: string | undefined;

  constructor(exitCode: ExitCode, message: string, remedy?: string) {
    super(message);
    this.exitCode = exitCode;
    this.remedy = remedy;
  }
}

/** The running process as a Host. */
export function hostOf(process: NodeJS.Process): Host {
  const stopping = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => stopping.abort(new Error(`stopped by ${signal}`)));
  }
  return {
    env: Object.freeze({ ...process.env }),
    stdout: outputOf(process, 'stdout'),
    stderr: outputOf(process, 'stderr'),
    stopping: stopping.signal,
    onRefresh: (listener) => {
      process.on('SIGHUP', listener);
    },
  };
}

/** Node makes a stream of a descriptor when it is asked for: not before something is written, which a sidecar, whose
 * log goes its own way, never does. */
function outputOf(process: NodeJS.Process, name: 'stdout' | 'stderr'): Output {
  const isTTY = isatty(name === 'stdout' ? 1 : 2);
  let opened: NodeJS.WriteStream | undefined;
  // Neither a reader that went away (`… | head`) nor a log that is full is a reason to end.
  const stream = (): NodeJS.WriteStream => (opened ??= process[name].on('error', () => {}));
  return {
    write: (text) => {
      stream().write(text);
    },
    isTTY,
    get columns() {
      // A terminal that does not know its size says 0.
      return stream().columns || 80;
    },
    colour: isColoured(isTTY, process.env),
  };
}

/** https://no-color.org and https://force-color.org: any non-empty value counts. */
function isColoured(isTTY: boolean, env: NodeJS.ProcessEnv): boolean {
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR']) return env['FORCE_COLOR'] !== '0';
  return isTTY && env['TERM'] !== 'dumb';
}
