/**
 * Every option, once: as a flag, as an environment variable and, for the injector, as a Pod annotation.
 * Help, docs, the CLI's configuration and the injector are made from this table, so that no two
 * descriptions can drift. These names are promises; nothing is here before it works.
 */

/** Under which every annotation and label of ours stands. */
export const annotationPrefix = 'agent.external-secrets.io/';

/** On every pod that the injector gave an agent, with the value `true`: by it agents are found. */
export const injectedLabel = `${annotationPrefix}injected`;

/** On ConfigMaps that hold specs, with the value `true`: the webhook then checks them as `check` does. */
export const specsLabel = `${annotationPrefix}specs`;

export const commands = ['run', 'check', 'status', 'probe', 'inject', 'injector'] as const;
export type Command = (typeof commands)[number];

interface OptionBase {
  /** With its dashes: `--specs`. */
  readonly flag: `--${string}`;
  /** A letter for those who type it often: `-f`. */
  readonly short?: `-${string}`;
  readonly env: `ESA_${string}`;
  /** The Pod annotation's name without the prefix; undefined when it has none. */
  readonly annotation: string | undefined;
  /** One line of help, without the default. */
  readonly description: string;
  /** How help names the value: `DIR`; empty for booleans. */
  readonly placeholder: string;
  readonly commands: readonly Command[];
  /** Values that exist in the contract and are refused by name, with the reason. */
  readonly refused?: Readonly<Record<string, string>>;
  /** How help prints the default where it is not the value itself, e.g. `json, or pretty on a TTY`. */
  readonly defaultText?: string;
}

/** Given any number of times; one value of the environment variable or the flag may hold several, by commas. */
export interface ListOption extends OptionBase {
  readonly type: 'list';
  /** Of what: a list of paths keeps commas apart in the environment variable only. */
  readonly of: 'path' | 'string';
  readonly repeatable: true;
  readonly default: readonly string[];
}

export interface TextOption extends OptionBase {
  readonly type: 'path' | 'string';
  readonly repeatable: false;
  readonly default: string | undefined;
  /** What the whole value must match; `accepts` says it in words. */
  readonly pattern?: RegExp;
  readonly accepts?: string;
}

export interface DurationOption extends OptionBase {
  readonly type: 'duration';
  readonly repeatable: false;
  /** A Go duration, as the user would write it. */
  readonly default: string;
  /** Both ends inclusive. */
  readonly range: { readonly minMs: number; readonly maxMs: number };
}

export interface EnumOption extends OptionBase {
  readonly type: 'enum';
  readonly repeatable: false;
  readonly values: readonly string[];
  readonly default: string | undefined;
}

export interface BooleanOption extends OptionBase {
  readonly type: 'boolean';
  readonly repeatable: false;
  readonly default: boolean;
}

/** `auto`, or permission bits in octal; the value is `'auto'` or a number. */
export interface ModeOption extends OptionBase {
  readonly type: 'mode';
  readonly repeatable: false;
  readonly default: 'auto';
  /** Inclusive, as permission bits. */
  readonly range: { readonly min: number; readonly max: number };
}

export type Option = ListOption | TextOption | DurationOption | EnumOption | BooleanOption | ModeOption;

const agentCommands = ['run', 'check'] as const;
const socketCommands = ['run', 'status', 'probe'] as const;
/** What they know of pods is the same, so that what one prints is what the other does. */
const injectCommands = ['inject', 'injector'] as const;

/** By the name that the frozen configuration gives it. In the order in which help prints them. */
export const options = {
  specs: {
    flag: '--specs',
    env: 'ESA_SPECS',
    annotation: undefined,
    type: 'list',
    of: 'path',
    repeatable: true,
    default: ['/etc/external-secrets'],
    defaultText: '/etc/external-secrets and its direct sub-folders that are mounts',
    placeholder: 'PATH',
    description: 'a YAML file, or a folder of them (not recursive)',
    commands: agentCommands,
  },
  output: {
    flag: '--output',
    env: 'ESA_OUTPUT',
    annotation: 'path',
    type: 'path',
    repeatable: false,
    default: '/run/secrets/external-secrets',
    placeholder: 'DIR',
    description: 'the shared tmpfs: one folder per target, one file per key',
    commands: ['run'],
  },
  state: {
    flag: '--state',
    env: 'ESA_STATE',
    annotation: undefined,
    type: 'path',
    repeatable: false,
    default: '/run/external-secrets-agent',
    placeholder: 'DIR',
    description: "the agent's own tmpfs: control socket and what outlives a restart",
    commands: socketCommands,
  },
  tokens: {
    flag: '--tokens',
    env: 'ESA_TOKENS',
    annotation: undefined,
    type: 'path',
    repeatable: false,
    default: '/var/run/secrets/external-secrets-agent/tokens',
    placeholder: 'DIR',
    description: 'projected tokens, one file per audience (/ and : written as _)',
    commands: agentCommands,
  },
  secrets: {
    flag: '--secrets',
    env: 'ESA_SECRETS',
    annotation: undefined,
    type: 'path',
    repeatable: false,
    default: undefined,
    placeholder: 'DIR',
    description: 'mounted Secrets that references resolve against, as NAME/KEY',
    commands: agentCommands,
  },
  configMaps: {
    flag: '--config-maps',
    env: 'ESA_CONFIG_MAPS',
    annotation: undefined,
    type: 'path',
    repeatable: false,
    default: undefined,
    placeholder: 'DIR',
    description: 'mounted ConfigMaps that references resolve against, as NAME/KEY',
    commands: agentCommands,
  },
  once: {
    flag: '--once',
    env: 'ESA_ONCE',
    annotation: undefined,
    type: 'boolean',
    repeatable: false,
    default: false,
    placeholder: '',
    description: 'sync every ExternalSecret once and exit',
    commands: ['run'],
  },
  timeout: {
    flag: '--timeout',
    env: 'ESA_TIMEOUT',
    annotation: undefined,
    type: 'duration',
    repeatable: false,
    default: '5m',
    range: { minMs: 1_000, maxMs: 24 * 3_600_000 },
    placeholder: 'DUR',
    description: 'with --once: give up after this long',
    commands: ['run'],
  },
  terminationLog: {
    flag: '--termination-log',
    env: 'ESA_TERMINATION_LOG',
    annotation: undefined,
    type: 'path',
    repeatable: false,
    default: '/dev/termination-log',
    defaultText: '/dev/termination-log, in a pod',
    placeholder: 'FILE',
    description:
      'with --once: where the reason of a failure is left for kubectl describe pod, if the file exists',
    commands: ['run'],
  },
  only: {
    flag: '--only',
    env: 'ESA_ONLY',
    annotation: 'secrets',
    type: 'list',
    of: 'string',
    repeatable: true,
    default: [],
    defaultText: 'all',
    placeholder: 'NAME,…',
    description: 'a subset of the ExternalSecrets',
    commands: agentCommands,
  },
  refresh: {
    flag: '--refresh',
    env: 'ESA_REFRESH',
    annotation: 'refresh',
    type: 'string',
    repeatable: false,
    default: undefined,
    pattern: /^(?:0|(?:\d+(?:\.\d*)?(?:ns|us|µs|μs|ms|s|m|h))+)$/,
    accepts: 'a Go duration, such as 5m or 1h30m',
    placeholder: 'DUR',
    description: 'in place of refreshInterval, where an ExternalSecret has no annotation refresh',
    commands: ['run'],
  },
  format: {
    flag: '--format',
    env: 'ESA_FORMAT',
    annotation: 'format',
    type: 'enum',
    values: ['files', 'env', 'json', 'yaml', 'properties'],
    repeatable: false,
    default: 'files',
    placeholder: 'files|env|json|yaml|properties',
    description: 'one more file of all keys, where an ExternalSecret has no annotation format',
    commands: ['run'],
  },
  syncSecret: {
    flag: '--sync-secret',
    env: 'ESA_SYNC_SECRET',
    annotation: 'sync',
    type: 'boolean',
    repeatable: false,
    default: false,
    placeholder: '',
    description: 'also write each target as a Kubernetes Secret',
    commands: ['run'],
  },
  owner: {
    flag: '--owner',
    env: 'ESA_OWNER',
    annotation: undefined,
    type: 'string',
    repeatable: false,
    default: undefined,
    pattern: /^[^/\s]+(?:\/[^/\s]+){3,4}$/,
    accepts: 'apiVersion/kind/name/uid, such as apps/v1/Deployment/web/UID',
    placeholder: 'OBJECT',
    description: 'with --sync-secret: whose end ends the Secrets of specs without a uid',
    commands: ['run'],
  },
  onError: {
    flag: '--on-error',
    env: 'ESA_ON_ERROR',
    annotation: 'on-error',
    type: 'enum',
    values: ['block', 'ignore'],
    repeatable: false,
    default: 'block',
    placeholder: 'block|ignore',
    description: 'whether a failed first sync holds readiness',
    commands: ['run'],
  },
  fileMode: {
    flag: '--file-mode',
    env: 'ESA_FILE_MODE',
    annotation: 'file-mode',
    type: 'mode',
    repeatable: false,
    default: 'auto',
    range: { min: 0o400, max: 0o777 },
    placeholder: 'auto|OCTAL',
    description: 'permission bits of the files',
    commands: ['run'],
  },
  dirMode: {
    flag: '--dir-mode',
    env: 'ESA_DIR_MODE',
    annotation: undefined,
    type: 'mode',
    repeatable: false,
    default: 'auto',
    range: { min: 0o500, max: 0o2777 },
    placeholder: 'auto|OCTAL',
    description: 'permission bits of the folders',
    commands: ['run'],
  },
  listen: {
    flag: '--listen',
    env: 'ESA_LISTEN',
    annotation: undefined,
    type: 'string',
    repeatable: false,
    default: ':9402',
    pattern: /^(?:off|(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]*):[0-9]{1,5})$/,
    accepts: 'off, :PORT, HOST:PORT or [IPV6]:PORT',
    placeholder: 'ADDR',
    description: 'probes and metrics; off disables them',
    commands: ['run', 'injector'],
  },
  identity: {
    flag: '--identity',
    env: 'ESA_IDENTITY',
    annotation: undefined,
    type: 'enum',
    values: ['pod', 'local'],
    repeatable: false,
    default: 'pod',
    placeholder: 'pod|local',
    description: "local: the developer's own AWS profile or Vault token",
    commands: agentCommands,
  },
  refreshTokenFile: {
    flag: '--refresh-token-file',
    env: 'ESA_REFRESH_TOKEN_FILE',
    annotation: undefined,
    type: 'path',
    repeatable: false,
    default: undefined,
    placeholder: 'FILE',
    description: 'holds the token that enables POST /refresh',
    commands: ['run'],
  },
  storesAllow: {
    flag: '--stores-allow',
    env: 'ESA_STORES_ALLOW',
    annotation: undefined,
    type: 'list',
    of: 'string',
    repeatable: true,
    default: [],
    defaultText: 'any',
    placeholder: 'HOST,…',
    description: 'hosts (exact, or *.suffix) that stores and their logins may point to',
    commands: [...agentCommands, ...injectCommands],
  },
  insecureStores: {
    flag: '--insecure-stores',
    env: 'ESA_INSECURE_STORES',
    annotation: undefined,
    type: 'boolean',
    repeatable: false,
    default: false,
    placeholder: '',
    description: 'allow plain-http stores (a loopback store is always allowed)',
    commands: agentCommands,
  },
  awsBatch: {
    flag: '--aws-batch',
    env: 'ESA_AWS_BATCH',
    annotation: undefined,
    type: 'enum',
    values: ['auto', 'never'],
    repeatable: false,
    default: 'auto',
    placeholder: 'auto|never',
    description: 'whether AWS keys are read in batches',
    commands: agentCommands,
  },
  proxy: {
    flag: '--proxy',
    env: 'ESA_PROXY',
    annotation: 'proxy',
    type: 'string',
    repeatable: false,
    default: undefined,
    defaultText: 'HTTPS_PROXY and NO_PROXY',
    pattern: /^https?:\/\/[^\s/]+\/?$/,
    accepts: 'http://HOST:PORT or https://HOST:PORT',
    placeholder: 'URL',
    description: 'for every provider; link-local addresses bypass it',
    commands: [...agentCommands, ...injectCommands],
  },
  caFile: {
    flag: '--ca-file',
    env: 'ESA_CA_FILE',
    annotation: undefined,
    type: 'path',
    repeatable: false,
    default: undefined,
    placeholder: 'FILE',
    description: "PEM certificates trusted besides the system's roots",
    commands: agentCommands,
  },
  revokeOnExit: {
    flag: '--revoke-on-exit',
    env: 'ESA_REVOKE_ON_EXIT',
    annotation: undefined,
    type: 'enum',
    values: ['none', 'tokens'],
    refused: { leases: 'not supported by this version: --revoke-on-exit leases' },
    repeatable: false,
    default: 'tokens',
    placeholder: 'none|tokens',
    description: 'what is given back to the stores at exit',
    commands: ['run'],
  },
  render: {
    flag: '--render',
    env: 'ESA_RENDER',
    annotation: undefined,
    type: 'boolean',
    repeatable: false,
    default: false,
    placeholder: '',
    description: 'print what the templates give with --values',
    commands: ['check'],
  },
  values: {
    flag: '--values',
    env: 'ESA_VALUES',
    annotation: undefined,
    type: 'path',
    repeatable: false,
    default: undefined,
    placeholder: 'FILE',
    description: 'with --render: a JSON object of keys and values',
    commands: ['check'],
  },
  connect: {
    flag: '--connect',
    env: 'ESA_CONNECT',
    annotation: undefined,
    type: 'boolean',
    repeatable: false,
    default: false,
    placeholder: '',
    description: 'the doctor: ask each store who we are to it, and read every key once',
    commands: ['check'],
  },
  writeStatus: {
    flag: '--write-status',
    env: 'ESA_WRITE_STATUS',
    annotation: 'write-status',
    type: 'boolean',
    repeatable: false,
    default: false,
    placeholder: '',
    description:
      'write the status of ExternalSecret objects, where they exist; needs get of them and patch of their status',
    commands: ['run'],
  },
  events: {
    flag: '--events',
    env: 'ESA_EVENTS',
    annotation: 'events',
    type: 'boolean',
    repeatable: false,
    default: false,
    placeholder: '',
    description:
      'tell on the pod, as Events, what was synced, rotated or failed; needs create and patch of events',
    commands: ['run'],
  },
  namespace: {
    flag: '--namespace',
    short: '-n',
    env: 'ESA_NAMESPACE',
    annotation: undefined,
    type: 'string',
    repeatable: false,
    default: undefined,
    pattern: /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    accepts: 'the name of a namespace',
    placeholder: 'NS',
    description: 'ask the agents of all pods of a namespace, through the API server',
    commands: ['status'],
  },
  allNamespaces: {
    flag: '--all-namespaces',
    short: '-A',
    env: 'ESA_ALL_NAMESPACES',
    annotation: undefined,
    type: 'boolean',
    repeatable: false,
    default: false,
    placeholder: '',
    description: 'the same for all namespaces',
    commands: ['status'],
  },
  json: {
    flag: '--json',
    env: 'ESA_JSON',
    annotation: undefined,
    type: 'boolean',
    repeatable: false,
    default: false,
    placeholder: '',
    description: 'print JSON instead of a table',
    commands: ['status'],
  },
  roleArn: {
    flag: '--role-arn',
    env: 'ESA_ROLE_ARN',
    annotation: 'role-arn',
    type: 'string',
    repeatable: false,
    default: undefined,
    pattern: /^arn:[a-z0-9-]+:iam::[0-9]{12}:role\/\S+$/,
    accepts: 'arn:aws:iam::123456789012:role/NAME',
    placeholder: 'ARN',
    description: 'the IAM role of AWS stores with auth.jwt that name none',
    commands: agentCommands,
  },
  file: {
    flag: '--file',
    short: '-f',
    env: 'ESA_FILE',
    annotation: undefined,
    type: 'list',
    of: 'path',
    repeatable: true,
    default: [],
    defaultText: 'none',
    placeholder: 'FILE',
    description: 'pods and workloads in YAML; - is standard input',
    commands: ['inject'],
  },
  diff: {
    flag: '--diff',
    env: 'ESA_DIFF',
    annotation: undefined,
    type: 'boolean',
    repeatable: false,
    default: false,
    placeholder: '',
    description: 'print what changes instead of the whole',
    commands: ['inject'],
  },
  webhook: {
    flag: '--webhook',
    env: 'ESA_WEBHOOK',
    annotation: undefined,
    type: 'string',
    repeatable: false,
    default: ':8443',
    pattern: /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]*):[0-9]{1,5}$/,
    accepts: ':PORT, HOST:PORT or [IPV6]:PORT',
    placeholder: 'ADDR',
    description: 'where the API server asks, over TLS',
    commands: ['injector'],
  },
  certFile: {
    flag: '--cert-file',
    env: 'ESA_CERT_FILE',
    annotation: undefined,
    type: 'path',
    repeatable: false,
    default: undefined,
    placeholder: 'FILE',
    description: 'PEM certificate chain of the webhook; read again when it changes',
    commands: ['injector'],
  },
  keyFile: {
    flag: '--key-file',
    env: 'ESA_KEY_FILE',
    annotation: undefined,
    type: 'path',
    repeatable: false,
    default: undefined,
    placeholder: 'FILE',
    description: 'PEM key of that certificate',
    commands: ['injector'],
  },
  tlsSecret: {
    flag: '--tls-secret',
    env: 'ESA_TLS_SECRET',
    annotation: undefined,
    type: 'string',
    repeatable: false,
    default: undefined,
    pattern: /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/,
    accepts: 'the name of a Secret',
    placeholder: 'NAME',
    description: 'make certificates and keep them in this Secret, instead of --cert-file and --key-file',
    commands: ['injector'],
  },
  tlsNames: {
    flag: '--tls-names',
    env: 'ESA_TLS_NAMES',
    annotation: undefined,
    type: 'list',
    of: 'string',
    repeatable: true,
    default: [],
    defaultText: 'none',
    placeholder: 'NAME,…',
    description: 'DNS names and IP addresses by which the API server asks, for --tls-secret',
    commands: ['injector'],
  },
  webhookConfiguration: {
    flag: '--webhook-configuration',
    env: 'ESA_WEBHOOK_CONFIGURATION',
    annotation: undefined,
    type: 'string',
    repeatable: false,
    default: 'external-secrets-agent-injector',
    pattern: /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/,
    accepts: 'the name of a webhook configuration',
    placeholder: 'NAME',
    description: 'the mutating and validating configurations whose caBundle --tls-secret is to keep',
    commands: ['injector'],
  },
  requireTls: {
    flag: '--require-tls',
    env: 'ESA_REQUIRE_TLS',
    annotation: undefined,
    type: 'boolean',
    repeatable: false,
    default: false,
    placeholder: '',
    description: 'refuse specs whose stores are reached without TLS (loopback is always allowed)',
    commands: injectCommands,
  },
  image: {
    flag: '--image',
    env: 'ESA_IMAGE',
    annotation: 'image',
    type: 'string',
    repeatable: false,
    default: undefined,
    defaultText: 'external-secrets-agent of the same version',
    pattern: /^[a-zA-Z0-9][\w.:/@-]{0,511}$/,
    accepts: 'REGISTRY/NAME:TAG or REGISTRY/NAME@DIGEST',
    placeholder: 'IMAGE',
    description: "the agent's image",
    commands: injectCommands,
  },
  imagePullPolicy: {
    flag: '--image-pull-policy',
    env: 'ESA_IMAGE_PULL_POLICY',
    annotation: undefined,
    type: 'enum',
    values: ['Always', 'IfNotPresent', 'Never'],
    repeatable: false,
    default: undefined,
    defaultText: "the API server's own",
    placeholder: 'POLICY',
    description: 'when nodes pull the image: Always, IfNotPresent or Never',
    commands: injectCommands,
  },
  imagesAllow: {
    flag: '--images-allow',
    env: 'ESA_IMAGES_ALLOW',
    annotation: undefined,
    type: 'list',
    of: 'string',
    repeatable: true,
    default: [],
    defaultText: 'none',
    placeholder: 'PREFIX,…',
    description: 'how images that pods choose by annotation may start',
    commands: injectCommands,
  },
  native: {
    flag: '--native',
    env: 'ESA_NATIVE',
    annotation: 'native',
    type: 'enum',
    values: ['on', 'off'],
    repeatable: false,
    default: 'on',
    placeholder: 'on|off',
    description: 'native sidecars; off, for nodes before 1.29, is an init container and a sidecar',
    commands: injectCommands,
  },
  size: {
    flag: '--size',
    env: 'ESA_SIZE',
    annotation: 'size',
    type: 'string',
    repeatable: false,
    default: '16Mi',
    pattern: /^[1-9][0-9]{0,6}(?:Ki|Mi|Gi)$/,
    accepts: 'a size such as 16Mi',
    placeholder: 'SIZE',
    description: 'room for secrets on the tmpfs, which the memory limit covers too',
    commands: injectCommands,
  },
  resources: {
    flag: '--resources',
    env: 'ESA_RESOURCES',
    annotation: 'resources',
    type: 'string',
    repeatable: false,
    default: 'cpu=10m,memory=64Mi',
    defaultText: 'cpu=10m,memory=64Mi, memory.limit=64Mi and the size',
    pattern: /^[a-z.-]+=[^,=]+(?:,[a-z.-]+=[^,=]+)*$/,
    accepts: 'cpu=10m,memory=64Mi,memory.limit=128Mi',
    placeholder: 'LIST',
    description: "the agent's requests, and limits as NAME.limit",
    commands: injectCommands,
  },
  audiences: {
    flag: '--audiences',
    env: 'ESA_AUDIENCES',
    annotation: 'audiences',
    type: 'list',
    of: 'string',
    repeatable: true,
    default: [],
    defaultText: 'vault and sts.amazonaws.com always',
    placeholder: 'NAME,…',
    description: 'further audiences for which tokens are projected',
    commands: injectCommands,
  },
  tokenTtl: {
    flag: '--token-ttl',
    env: 'ESA_TOKEN_TTL',
    annotation: 'token-ttl',
    type: 'duration',
    repeatable: false,
    default: '1h',
    range: { minMs: 600_000, maxMs: 24 * 3_600_000 },
    placeholder: 'DUR',
    description: 'how long projected tokens live; the kubelet renews them',
    commands: injectCommands,
  },
  logLevel: {
    flag: '--log-level',
    env: 'ESA_LOG_LEVEL',
    annotation: 'log-level',
    type: 'enum',
    values: ['debug', 'info', 'warn', 'error'],
    repeatable: false,
    default: 'info',
    placeholder: 'debug|info|warn|error',
    description: 'the least severe lines that are logged',
    commands: ['run', 'injector'],
  },
  logFormat: {
    flag: '--log-format',
    env: 'ESA_LOG_FORMAT',
    annotation: undefined,
    type: 'enum',
    values: ['json', 'pretty'],
    repeatable: false,
    default: undefined,
    defaultText: 'json, or pretty on a TTY',
    placeholder: 'json|pretty',
    description: 'how lines are logged',
    commands: ['run', 'injector'],
  },
} as const satisfies Readonly<Record<string, Option>>;

export type OptionName = keyof typeof options;

type Unset<O extends Option> = O extends { readonly default: undefined } ? undefined : never;

/** What an option is once parsed: durations in milliseconds, modes as permission bits. */
export type ValueOf<O extends Option> = O extends ListOption
  ? readonly string[]
  : O extends EnumOption
    ? O['values'][number] | Unset<O>
    : O extends BooleanOption
      ? boolean
      : O extends DurationOption
        ? number
        : O extends ModeOption
          ? 'auto' | number
          : string | Unset<O>;

/** Every option's parsed value, by name. */
export type OptionValues = { readonly [Name in OptionName]: ValueOf<(typeof options)[Name]> };

/** The options of one command, in the order of the table. */
export function optionsOf(command: Command): readonly (readonly [OptionName, Option])[] {
  const all = Object.entries(options) as [OptionName, Option][];
  return all.filter(([, option]) => option.commands.includes(command));
}
