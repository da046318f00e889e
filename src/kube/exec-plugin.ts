import { resolve } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { Secret } from '../base/secret.ts';
import type { KubeConnection } from './connection.ts';
import { invalid, membersOf, type Named, stringOf } from './kubeconfig-members.ts';

/** What a plugin needs of the process that runs it. */
export interface PluginHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

/** `users[].user.exec` of a kubeconfig file. */
export interface ExecPlugin {
  /** Whose kubeconfig entry it is, for messages. */
  readonly user: string;
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** A command with a slash is relative to the kubeconfig's folder. */
  readonly folder: string;
  readonly installHint: string | undefined;
  /** With `provideClusterInfo`: what the plugin is told of the cluster. */
  readonly cluster: object | undefined;
}

interface Login {
  readonly token: Secret | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Of the clock that the plugin's host has. */
  readonly untilMs: number;
}

interface ExecCredential {
  readonly apiVersion?: string;
  readonly status?: {
    readonly token?: string;
    readonly clientCertificateData?: string;
    readonly clientKeyData?: string;
    readonly expirationTimestamp?: string;
  };
}

/** Throws SpecInvalid naming what cannot be run. */
export function pluginOf({ name, members, folder = '' }: Named, cluster: Named): ExecPlugin {
  const exec = membersOf(members['exec']);
  const [command, apiVersion] = [stringOf(exec['command']), stringOf(exec['apiVersion'])];
  if (command === undefined || !/^client\.authentication\.k8s\.io\/v1(beta1)?$/.test(apiVersion ?? ''))
    throw invalid(
      `exec of user ${name} in the kubeconfig has no command, or an apiVersion other than client.authentication.k8s.io/v1 and v1beta1`,
    );
  if (exec['interactiveMode'] === 'Always')
    throw invalid(`exec of user ${name} in the kubeconfig wants to ask questions (interactiveMode: Always)`);
  const variables = (Array.isArray(exec['env']) ? exec['env'] : []).map(membersOf);
  return {
    user: name,
    apiVersion: apiVersion!,
    command,
    args: Array.isArray(exec['args']) ? exec['args'].map(String) : [],
    env: Object.fromEntries(variables.map((each) => [String(each['name']), String(each['value'])])),
    folder,
    installHint: stringOf(exec['installHint']),
    cluster: exec['provideClusterInfo'] === true ? cluster.members : undefined,
  };
}

/**
 * Logs in as kubectl does where the cloud's own program makes the tokens: `aws eks get-token` and the like.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 * It runs once here, and again when its token comes to its end. Throws AuthFailed.
 */
export async function pluginUser(
  plugin: ExecPlugin,
  host: PluginHost,
): Promise<Pick<KubeConnection, 'token' | 'cert' | 'key'>> {
  let login = await loginBy(plugin, host);
  const { cert, key } = login;
  if (login.token === undefined) return { cert, key };
  let renewing: Promise<Login> | undefined;
  const token = async (): Promise<Secret> => {
    if (host.clock.now() >= login.untilMs) {
      renewing ??= loginBy(plugin, host).finally(() => {
        renewing = undefined;
      });
      login = await renewing;
    }
    return login.token ?? fail(plugin, 'gives no token any more');
  };
  return { token, cert, key };
}

async function loginBy(plugin: ExecPlugin, host: PluginHost): Promise<Login> {
  const printed = await run(plugin, host);
  const { status } = credentialIn(printed, plugin);
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = status ?? {};
  if (!token && !(cert && key)) fail(plugin, 'gives neither a token nor a certificate with its key');
  const ageMs = host.clock.now() + limits.kubePluginAgeMs;
  const endMs = Date.parse(expirationTimestamp ?? '') - limits.kubePluginEarlyMs;
  return {
    token: token ? Secret.of(token) : undefined,
    cert,
    key,
    untilMs: Number.isNaN(endMs) ? ageMs : Math.min(ageMs, endMs),
  };
}

/** What it prints on its standard output; what it has to say to a person goes to that person's terminal. */
async function run(plugin: ExecPlugin, host: PluginHost): Promise<Buffer> {
  const child = await started(plugin, host);
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > limits.kubePluginBytes) child.kill();
    else chunks.push(chunk);
  });
  const end = await new Promise<string>((done) => {
    child.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'unknown error'));
    child.once('close', (code, signal) => done(signal ?? String(code)));
  });
  if (end === '0') return Buffer.concat(chunks);
  return fail(plugin, ends[end] ?? `ended with ${end}`);
}

async function started(plugin: ExecPlugin, { env }: PluginHost) {
  const { spawn } = await import('node:child_process');
  try {
    return spawn(programOf(plugin), plugin.args, {
      env: { ...env, ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(infoFor(plugin)) },
      stdio: ['ignore', 'pipe', 'inherit'],
      // Not `timeout`: its timer goes on where the program could not even be started.
      signal: AbortSignal.timeout(limits.kubePluginMs),
    });
  } catch (error) {
    // Some faults are thrown and not told by an event: a path through a file, variables that are too long.
    return fail(plugin, `cannot be run: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`);
  }
}

const ends: Readonly<Record<string, string>> = {
  ENOENT: 'is not on PATH',
  EACCES: 'may not be run',
  ABORT_ERR: `took longer than ${limits.kubePluginMs / 1000} s`,
};

function programOf({ command, folder }: ExecPlugin): string {
  return command.includes('/') ? resolve(folder, command) : command;
}

function infoFor({ apiVersion, cluster }: ExecPlugin): object {
  return { apiVersion, kind: 'ExecCredential', spec: { interactive: false, ...(cluster && { cluster }) } };
}

function credentialIn(printed: Buffer, plugin: ExecPlugin): ExecCredential {
  try {
    const value = JSON.parse(printed.toString('utf8')) as ExecCredential | null;
    if (value?.apiVersion === plugin.apiVersion) return value;
  } catch {
    // Its words would quote what was printed, which may be a token.
  }
  return fail(plugin, `prints no ExecCredential of ${plugin.apiVersion}`);
}

function fail({ command, user, installHint }: ExecPlugin, what: string): never {
  throw new AgentError('AuthFailed', `the exec plugin ${command} of user ${user} in the kubeconfig ${what}`, {
    remedy: installHint?.trim() || `run ${command} as kubectl would, and see what it says`,
  });
}
