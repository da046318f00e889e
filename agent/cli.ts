import { AgentError, describe } from '../src/base/errors.ts';
import { nearest } from '../src/base/nearest.ts';
import { type Command, commands } from '../src/spec/contract.ts';
import { type Config, parseConfig } from './config.ts';
import { type ExitCode, exitCodes, type Host, UsageError } from './host.ts';

const program = 'external-secrets-agent';

/** Each command's code is loaded when it is the one that runs. */
const runners: Readonly<Record<Command, (config: Config, host: Host) => Promise<number>>> = {
  run: async (config, host) => (await import('./run.ts')).run(config, host),
  check: async (config, host) => (await import('./check.ts')).check(config, host),
  status: async (config, host) => (await import('./status.ts')).status(config, host),
  inject: async (config, host) => (await import('./inject.ts')).inject(config, host),
  injector: async (config, host) => (await import('./injector.ts')).injector(config, host),
  probe: async (config, host) => {
    const [{ isQuestion, probe }, { socketPathOf }] = await Promise.all([
      import('./probe.ts'),
      import('./status.ts'),
    ]);
    const [question] = config.operands;
    if (!isQuestion(question))
      throw new UsageError(exitCodes.usage, 'ask for startup or live', `${program} probe startup`);
    return await probe(question, { socketPath: socketPathOf(config), stdout: host.stdout });
  },
};

/** The program: the words after its name in, the exit code out. */
export async function cli(args: readonly string[], host: Host): Promise<number> {
  const [word, ...rest] = args;
  try {
    if (word === '--version' || word === '-V') return await printVersion(host);
    if (word === undefined || word === '--help' || word === '-h' || word === 'help') {
      return await printHelp(word === 'help' ? rest[0] : undefined, word === undefined, host);
    }
    const command = commandOf(word);
    if (asksForHelp(rest)) return await printHelp(command, false, host);
    return await start(command, rest, host);
  } catch (error) {
    return report(error, host);
  }
}

/** What a person meant who wrote a file's name alone. */
const operandRemedy: Partial<Record<Command, string>> = {
  run: 'give the specs with --specs PATH',
  inject: 'give the file with -f FILE',
};

async function start(command: Command, args: readonly string[], host: Host): Promise<number> {
  const config = parseConfig(command, args, host.env);
  const takesOperands = command === 'check' || command === 'probe';
  if (!takesOperands && config.operands.length > 0) {
    throw new UsageError(
      exitCodes.usage,
      `${command} takes no ${JSON.stringify(config.operands[0])}`,
      operandRemedy[command] ?? `see ${program} ${command} --help`,
    );
  }
  // The agent logs them; a probe's few lines are for what holds the pod.
  if (command === 'check' || command === 'status' || command === 'inject') {
    for (const warning of config.warnings) host.stderr.write(`warning: ${warning}\n`);
  }
  return await runners[command](config, host);
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end === -1 ? args.length : end).some((word) => word === '--help' || word === '-h');
}

function commandOf(word: string): Command {
  const command = commands.find((candidate) => candidate === word);
  if (command !== undefined) return command;
  const near = nearest(word, commands);
  const what = word.startsWith('-')
    ? `the command comes first: ${program} run ${word}`
    : `see ${program} --help`;
  throw new UsageError(
    exitCodes.usage,
    `unknown command ${word}`,
    near === undefined ? what : `did you mean ${near}?`,
  );
}

async function printVersion(host: Host): Promise<ExitCode> {
  const { version } = await import('./version.ts');
  host.stdout.write(`${version}\n`);
  return exitCodes.done;
}

/** Without any word, help goes to standard error and the exit code says that nothing was done. */
async function printHelp(topic: string | undefined, isMistake: boolean, host: Host): Promise<ExitCode> {
  const { commandHelp, overview } = await import('./help.ts');
  const output = isMistake ? host.stderr : host.stdout;
  output.write(topic === undefined ? overview(output) : commandHelp(commandOf(topic), output));
  return isMistake ? exitCodes.usage : exitCodes.done;
}

/** What went wrong, in words for the user or, where it is a bug, for whoever mends it; its exit code. */
export function report(error: unknown, host: Host): ExitCode {
  if (error instanceof UsageError) {
    host.stderr.write(
      `${program}: ${error.message}${error.remedy === undefined ? '' : ` (${error.remedy})`}\n`,
    );
    return error.exitCode;
  }
  if (error instanceof AgentError) {
    host.stderr.write(`${program}: ${describe(error)}\n`);
    return error.code === 'SpecInvalid' ? exitCodes.invalid : exitCodes.unavailable;
  }
  // A stranger's message can hold anything, so only its kind and its place in the code are told.
  const {
    name,
    stack = '',
    code,
  }: Error & { readonly code?: unknown } = error instanceof Error ? error : new Error('not an Error');
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  host.stderr.write(
    `${program}: a bug of the agent itself: ${name}${typeof code === 'string' ? ` ${code}` : ''}\n${frames.join('\n')}\n`,
  );
  return exitCodes.software;
}
