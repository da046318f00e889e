import { nearest } from '../src/base/nearest.ts';
import {
  type Command,
  type Option,
  type OptionName,
  type OptionValues,
  options,
  optionsOf,
} from '../src/spec/contract.ts';
import { exitCodes, UsageError } from './host.ts';
import { type Given, optionValue } from './option-value.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Everything that a command was told, frozen. Options of other commands hold their defaults. */
export interface Config extends OptionValues {
  readonly command: Command;
  /** What stood on the command line besides flags: `check`'s paths, `probe`'s question. */
  readonly operands: readonly string[];
  /** The options that a flag or the environment set, to tell a choice from a default. */
  readonly given: ReadonlySet<OptionName>;
  readonly pod: Pod;
  /** Worth telling, not worth stopping for. */
  readonly warnings: readonly string[];
}

/** What the downward API said; undefined on a laptop. */
export interface Pod {
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly uid: string | undefined;
  readonly serviceAccount: string | undefined;
}

/** Flag beats environment beats default. Throws UsageError: 64 for a wrong command line, 78 for a wrong value. */
export function parseConfig(command: Command, args: readonly string[], env: Env): Config {
  const { flags, operands } = readArgs(command, args);
  const values: Partial<Record<OptionName, unknown>> = {};
  const given = new Set<OptionName>();
  for (const name of Object.keys(options) as OptionName[]) {
    const option: Option = options[name];
    const raw = option.commands.includes(command) ? (flags.get(name) ?? fromEnv(option, env)) : [];
    if (raw.length > 0) given.add(name);
    values[name] = optionValue(option, raw);
  }
  return Object.freeze({
    ...(values as unknown as OptionValues),
    command,
    operands: Object.freeze(operands),
    given,
    pod: podOf(env),
    warnings: Object.freeze(unknownEnv(env)),
  });
}

function fromEnv(option: Option, env: Env): readonly Given[] {
  const text = env[option.env];
  return text === undefined || text === '' ? [] : [{ text, source: option.env, fromEnv: true }];
}

function podOf(env: Env): Pod {
  const read = (name: string) => env[name] || undefined;
  return Object.freeze({
    namespace: read('POD_NAMESPACE'),
    name: read('POD_NAME'),
    uid: read('POD_UID'),
    serviceAccount: read('POD_SERVICE_ACCOUNT'),
  });
}

interface Args {
  readonly flags: ReadonlyMap<OptionName, readonly Given[]>;
  readonly operands: string[];
}

function readArgs(command: Command, args: readonly string[]): Args {
  const flags = new Map<OptionName, Given[]>();
  const operands: string[] = [];
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') operands.push(...rest.splice(0));
    else if (!word.startsWith('-') || word === '-') operands.push(word);
    else {
      const [name, option, inline] = flagOf(command, word);
      const text = inline ?? (option.type === 'boolean' ? 'true' : rest.shift());
      if (text === undefined)
        throw new UsageError(exitCodes.usage, `${option.flag} needs a value`, `give ${option.placeholder}`);
      flags.set(name, [...(flags.get(name) ?? []), { text, source: option.flag, fromEnv: false }]);
    }
  }
  return { flags, operands };
}

function flagOf(command: Command, word: string): readonly [OptionName, Option, string | undefined] {
  const equals = word.indexOf('=');
  const flag = equals === -1 ? word : word.slice(0, equals);
  const inline = equals === -1 ? undefined : word.slice(equals + 1);
  const entry = (Object.entries(options) as [OptionName, Option][]).find(
    ([, option]) => option.flag === flag || option.short === flag,
  );
  if (entry?.[1].commands.includes(command)) return [...entry, inline];
  throw unknownFlag(command, flag, entry?.[1]);
}

function unknownFlag(command: Command, flag: string, elsewhere: Option | undefined): UsageError {
  if (elsewhere !== undefined) {
    const where = elsewhere.commands.join(', ');
    return new UsageError(
      exitCodes.usage,
      `${flag} is not an option of ${command}`,
      `it belongs to: ${where}`,
    );
  }
  const near = nearest(flag, ['--help', ...optionsOf(command).map(([, option]) => option.flag)]);
  const remedy =
    near === undefined ? `see external-secrets-agent ${command} --help` : `did you mean ${near}?`;
  return new UsageError(exitCodes.usage, `unknown option ${flag}`, remedy);
}

// A Service named esa or esa-… puts these into every pod of its namespace.
const serviceLink =
  /^ESA_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:ADDR|PORT|PROTO))?)?)$/;

function unknownEnv(env: Env): string[] {
  const known = new Set<string>(Object.values(options).map((option) => option.env));
  const unknown = Object.keys(env)
    .filter((name) => name.startsWith('ESA_') && !name.startsWith('ESA_TEST_'))
    .filter((name) => !known.has(name) && !serviceLink.test(name))
    .sort();
  if (unknown.length === 0) return [];
  const shown = unknown.map((name) => {
    const near = nearest(name, known);
    return near === undefined ? name : `${name} (did you mean ${near}?)`;
  });
  return [`unknown environment ${unknown.length === 1 ? 'variable' : 'variables'}: ${shown.join(', ')}`];
}
