import {
  type Command,
  commands,
  type Option,
  type OptionName,
  options,
  optionsOf,
} from '../src/spec/contract.ts';
import type { Output } from './host.ts';
import { paintFor, wrap } from './paint.ts';
import { version } from './version.ts';

interface CommandHelp {
  readonly synopsis: string;
  readonly summary: string;
  readonly examples: readonly string[];
}

const commandHelps: Readonly<Record<Command, CommandHelp>> = {
  run: {
    synopsis: 'run [--once] [OPTION…]',
    summary: 'Sync every ExternalSecret to files, serve probes and metrics, and refresh until SIGTERM.',
    examples: [
      'run --specs ./secrets --output /tmp/secrets --state /tmp/agent',
      'run --once --identity local --specs app.yaml --output ./out',
    ],
  },
  check: {
    synopsis: 'check [PATH…] [OPTION…]',
    summary:
      'Validate specs and templates without fetching anything. Every mistake comes with its place and its fix.',
    examples: ['check ./secrets', 'check app.yaml --render --values values.json', 'check --connect'],
  },
  status: {
    synopsis: 'status [-n NAMESPACE|-A] [--json]',
    summary: 'Ask the running agent how each ExternalSecret stands, worst first.',
    examples: ['status', 'status --json | jq ".targets[].code"', 'status -n shop', 'status -A'],
  },
  inject: {
    synopsis: 'inject -f FILE [--diff] [OPTION…]',
    summary: 'Print pods and workloads as the webhook would make them. Nothing is asked of a cluster.',
    examples: ['inject -f deployment.yaml --diff', 'inject -f - < rendered.yaml'],
  },
  injector: {
    synopsis: 'injector [OPTION…]',
    summary: 'The webhook: gives the agent to labelled pods, and refuses specs that could not work.',
    examples: ['injector --cert-file /tls/tls.crt --key-file /tls/tls.key --image registry/agent:1.0'],
  },
  probe: {
    synopsis: 'probe startup|live',
    summary: 'For exec probes: exit 0 or 1, and say which ExternalSecret holds the pod, why, and what to do.',
    examples: ['probe startup'],
  },
};

/** Options by what they are about, in the order in which help shows them. */
export const optionGroups: readonly (readonly [title: string, names: readonly OptionName[]])[] = [
  ['What to sync', ['specs', 'only', 'refresh', 'secrets', 'configMaps']],
  ['Where it goes', ['output', 'format', 'fileMode', 'dirMode', 'syncSecret', 'owner', 'state']],
  ['When it ends, what it waits for', ['once', 'timeout', 'onError', 'terminationLog']],
  ['Who the pod is', ['identity', 'tokens', 'roleArn']],
  ['Stores', ['storesAllow', 'insecureStores', 'proxy', 'caFile', 'awsBatch', 'revokeOnExit']],
  ['Watching it', ['listen', 'refreshTokenFile', 'events', 'writeStatus', 'logLevel', 'logFormat']],
  [
    'The webhook',
    ['webhook', 'certFile', 'keyFile', 'tlsSecret', 'tlsNames', 'webhookConfiguration', 'requireTls'],
  ],
  [
    'What pods are given',
    ['image', 'imagePullPolicy', 'imagesAllow', 'native', 'size', 'resources', 'audiences', 'tokenTtl'],
  ],
  ['What is injected', ['file', 'diff']],
  ['What is checked', ['connect']],
  ['Whose agents are asked', ['namespace', 'allNamespaces']],
  ['What is printed', ['render', 'values', 'json']],
];

const widestColumns = 100;

/** `--help` without a command. */
export function overview(output: Output): string {
  const paint = paintFor(output);
  const width = Math.min(output.columns, widestColumns);
  const lines = commands.map((command) => {
    const head = `  ${paint('bold', command.padEnd(8))}`;
    return `${head}  ${wrap(commandHelps[command].summary, width, 12)}`;
  });
  return [
    `external-secrets-agent ${version}`,
    wrap('Reads ExternalSecret specs, fetches as the pod, and keeps secrets fresh as files.', width),
    '',
    paint('bold', 'Usage'),
    '  external-secrets-agent COMMAND [OPTION…]',
    '',
    paint('bold', 'Commands'),
    ...lines,
    '',
    `  ${paint('bold', 'COMMAND --help')} lists the options of one; ${paint('bold', '--version')} prints the version.`,
    '',
  ].join('\n');
}

/** `COMMAND --help`. */
export function commandHelp(command: Command, output: Output): string {
  const paint = paintFor(output);
  const { synopsis, summary, examples } = commandHelps[command];
  const width = Math.min(output.columns, widestColumns);
  const own = new Map(optionsOf(command));
  const groups = optionGroups
    .map(([title, names]) => [title, names.filter((name) => own.has(name))] as const)
    .filter(([, names]) => names.length > 0);
  return [
    wrap(summary, width),
    '',
    paint('bold', 'Usage'),
    `  external-secrets-agent ${synopsis}`,
    '',
    ...groups.flatMap(([title, names]) => [
      paint('bold', title),
      ...names.map((name) => optionHelp(options[name], { paint, width })),
      '',
    ]),
    paint('bold', 'Examples'),
    ...examples.map((example) => `  external-secrets-agent ${example}`),
    '',
    ...environmentHelp(own.values().next().value, width),
    '',
  ].join('\n');
}

function environmentHelp(sample: Option | undefined, width: number): string[] {
  if (sample === undefined) return [];
  return [
    wrap(`Every option has an environment variable: ${sample.flag} is ${sample.env}. A flag wins.`, width),
  ];
}

const descriptionColumn = 32;

function optionHelp(
  option: Option,
  { paint, width }: { paint: ReturnType<typeof paintFor>; width: number },
): string {
  const short = option.short === undefined ? '' : `, ${option.short}`;
  const left = `  ${option.flag}${short}${option.placeholder === '' ? '' : ` ${option.placeholder}`}`;
  const shownDefault = defaultText(option);
  const description =
    shownDefault === undefined ? option.description : `${option.description} [${shownDefault}]`;
  const wrapped = wrap(description, Math.max(width, 60), descriptionColumn);
  const painted = left.replace(option.flag, paint('cyan', option.flag));
  if (left.length + 2 > descriptionColumn) return `${painted}\n${' '.repeat(descriptionColumn)}${wrapped}`;
  return `${painted}${' '.repeat(descriptionColumn - left.length)}${wrapped}`;
}

/** An option's default as people read it; undefined where there is nothing to say. */
export function defaultText(option: Option): string | undefined {
  if (option.defaultText !== undefined) return option.defaultText;
  if (option.type === 'boolean' || option.default === undefined) return undefined;
  return option.type === 'list' ? option.default.join(',') || undefined : String(option.default);
}
