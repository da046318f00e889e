import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AgentError } from '../base/errors.ts';
import { isLoopback } from '../base/hosts.ts';
import { limits } from '../base/limits.ts';
import { Secret } from '../base/secret.ts';
import { type KubeConnection, tokenOf } from './connection.ts';
import type { PluginHost } from './exec-plugin.ts';
import { invalid, membersOf, type Named, stringOf } from './kubeconfig-members.ts';

interface Kubeconfig {
  readonly currentContext: string;
  readonly clusters: readonly Named[];
  readonly users: readonly Named[];
  readonly contexts: readonly Named[];
}

/** The current context of these files, of which the first to name a thing wins, as in kubectl. Files that do not
 * exist are left out. A login program that it names is run in `host`. Throws SpecInvalid naming what cannot be used. */
export async function kubeconfigConnection(
  files: readonly string[],
  host: PluginHost,
): Promise<KubeConnection> {
  const merged: Kubeconfig[] = [];
  for (const file of files.filter((each) => each !== '')) {
    const text = await readText(file);
    if (text !== undefined) merged.push(await parse(text, dirname(resolve(file))));
  }
  if (merged.length === 0) throw invalid(`there is no kubeconfig at ${files.join(', ')}`);
  const config = {
    currentContext: merged.map((each) => each.currentContext).find((name) => name !== '') ?? '',
    clusters: merged.flatMap((each) => each.clusters),
    users: merged.flatMap((each) => each.users),
    contexts: merged.flatMap((each) => each.contexts),
  };
  return await connectionOf(config, host);
}

/** The current context of a kubeconfig that is a value of a Secret: it may name no file of this machine, and run
 * nothing on it. */
export async function kubeconfigTextConnection(text: Secret): Promise<KubeConnection> {
  return await connectionOf(await parse(text.text(), undefined), undefined);
}

async function readText(file: string): Promise<string | undefined> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > limits.kubeconfigBytes)
      throw invalid(`the kubeconfig ${file} is larger than ${limits.kubeconfigBytes} bytes`);
    return bytes.toString('utf8');
  } catch (error) {
    if (error instanceof AgentError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw invalid(`the kubeconfig ${file} cannot be read: ${code ?? 'unknown error'}`);
  }
}

async function parse(text: string, folder: string | undefined): Promise<Kubeconfig> {
  const { parse: parseYaml } = await import('yaml');
  let value: unknown;
  try {
    value = parseYaml(text, { logLevel: 'error', maxAliasCount: limits.yamlAliasCount });
  } catch {
    // The parser's text quotes the line it met, and a kubeconfig holds credentials.
    throw invalid('the kubeconfig is not valid YAML');
  }
  const root = membersOf(value);
  return {
    currentContext: stringOf(root['current-context']) ?? '',
    clusters: namedOf(root['clusters'], 'cluster', folder),
    users: namedOf(root['users'], 'user', folder),
    contexts: namedOf(root['contexts'], 'context', folder),
  };
}

function namedOf(list: unknown, member: string, folder: string | undefined): Named[] {
  const entries = Array.isArray(list) ? list.map(membersOf) : [];
  return entries.map((entry) => ({
    name: stringOf(entry['name']) ?? '',
    members: membersOf(entry[member]),
    folder,
  }));
}

async function connectionOf(config: Kubeconfig, host: PluginHost | undefined): Promise<KubeConnection> {
  if (config.currentContext === '')
    throw invalid('the kubeconfig has no current-context', 'choose one with kubectl config use-context');
  const context = pick(config.contexts, 'context', config.currentContext).members;
  const cluster = pick(config.clusters, 'cluster', stringOf(context['cluster']) ?? '');
  const user = pick(config.users, 'user', stringOf(context['user']) ?? '');
  return {
    ...(await clusterOf(cluster)),
    ...(await userOf(user, cluster, host)),
    namespace: stringOf(context['namespace']),
  };
}

function pick(list: readonly Named[], what: string, name: string): Named {
  const found = list.find((each) => each.name === name);
  if (found !== undefined) return found;
  const known = [...new Set(list.map((each) => each.name))].sort().join(', ');
  throw invalid(
    `the kubeconfig has no ${what} ${JSON.stringify(name)}`,
    known === '' ? undefined : `use one of ${known}`,
  );
}

async function clusterOf(cluster: Named): Promise<Pick<KubeConnection, 'server' | 'ca' | 'proxy'>> {
  const { name, members } = cluster;
  const server = stringOf(members['server']) ?? '';
  if (!isReachable(server))
    throw invalid(`the server of cluster ${name} in the kubeconfig is not an https URL`);
  refuse(cluster, 'cluster', ['insecure-skip-tls-verify', 'tls-server-name']);
  const ca = await dataOrFile(cluster, 'certificate-authority');
  return { server, ca: async () => ca?.toString('utf8'), proxy: stringOf(members['proxy-url']) };
}

/** Plain http only to this machine, where `kubectl proxy` listens. */
function isReachable(server: string): boolean {
  if (!URL.canParse(server)) return false;
  const { protocol, hostname } = new URL(server);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

async function userOf(
  user: Named,
  cluster: Named,
  host: PluginHost | undefined,
): Promise<Pick<KubeConnection, 'token' | 'cert' | 'key'>> {
  if (user.members['exec'] !== undefined) {
    if (host === undefined)
      throw invalid(
        `user ${user.name} of the kubeconfig logs in with a program, which a kubeconfig in a Secret may not`,
        'use a user with a token or a client certificate',
      );
    const { pluginOf, pluginUser } = await import('./exec-plugin.ts');
    return await pluginUser(pluginOf(user, cluster), host);
  }
  refuse(user, 'user', [
    'auth-provider',
    'username',
    'password',
    'as',
    'as-uid',
    'as-groups',
    'as-user-extra',
  ]);
  const cert = await dataOrFile(user, 'client-certificate');
  const key = await dataOrFile(user, 'client-key');
  return { token: tokenSource(user), cert: cert?.toString('utf8'), key: key?.toString('utf8') };
}

/** What is there but cannot be honoured is refused: leaving it out would mean something else. */
function refuse({ name, members }: Named, what: string, fields: readonly string[]): void {
  const field = fields.find((each) => members[each] !== undefined && members[each] !== false);
  if (field !== undefined) throw invalid(`${field} of ${what} ${name} in the kubeconfig is not supported`);
}

/** A tokenFile beats a token, as in client-go, and is read at every request. */
function tokenSource(user: Named): KubeConnection['token'] {
  const file = stringOf(user.members['tokenFile']);
  if (file !== undefined) {
    const path = pathIn(user, 'tokenFile', file);
    return async () => tokenOf(await readNamed(path), path);
  }
  const token = stringOf(user.members['token']);
  return token === undefined ? undefined : async () => Secret.of(token);
}

async function dataOrFile(named: Named, field: string): Promise<Buffer | undefined> {
  const data = stringOf(named.members[`${field}-data`]);
  if (data !== undefined) return Buffer.from(data, 'base64');
  const file = stringOf(named.members[field]);
  return file === undefined ? undefined : await readNamed(pathIn(named, field, file));
}

function pathIn({ folder, name }: Named, field: string, file: string): string {
  if (folder !== undefined) return resolve(folder, file);
  throw invalid(
    `${field} of ${name} names a file, which a kubeconfig in a Secret may not`,
    `use ${field}-data`,
  );
}

async function readNamed(file: string): Promise<Buffer> {
  return await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new AgentError('AuthFailed', `${file}, which the kubeconfig names, cannot be read: ${error.code}`);
  });
}
