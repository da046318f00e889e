import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AgentError, type Code } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { Secret, type SecretMap } from '../base/secret.ts';
import type { SpecSet } from '../spec/spec.ts';

/** Resolves `secretRef`, `caProvider` and the like; async because the API server is the last resort. */
export interface References {
  secret(name: string, key: string, signal: AbortSignal): Promise<Secret>;
  configMap(name: string, key: string, signal: AbortSignal): Promise<Secret>;
}

export interface ReferenceSources {
  /** The documents of the spec set in force; asked at every look-up, since a reload replaces them. */
  readonly documents: () => Pick<SpecSet, 'secrets' | 'configMaps'>;
  /** `--secrets` and `--config-maps`, laid out `<name>/<key>`. */
  readonly secretsDir: string | undefined;
  readonly configMapsDir: string | undefined;
  /** The last resort: an object of the pod's own namespace, undefined when there is none. Unset where there is no
   * API server to ask; asked only for what is found nowhere else. */
  readonly objects?:
    | ((kind: Kind['name'], name: string, signal: AbortSignal) => Promise<SecretMap | undefined>)
    | undefined;
}

/** References by key, and whole objects for `templateFrom`. */
export interface ObjectReferences extends References {
  wholeSecret(name: string, signal: AbortSignal): Promise<SecretMap>;
  wholeConfigMap(name: string, signal: AbortSignal): Promise<SecretMap>;
}

/** One of the two kinds of object, wherever it lies. */
interface Kind {
  readonly name: 'Secret' | 'ConfigMap';
  readonly documents: () => ReadonlyMap<string, SecretMap>;
  readonly dir: string | undefined;
  readonly flag: string;
  readonly objects: ReferenceSources['objects'];
}

/** What is being looked for. */
interface Wanted {
  readonly kind: Kind;
  readonly name: string;
  readonly signal: AbortSignal;
  /** Of the error when it is nowhere. */
  readonly code: Code;
}

/**
 * Resolves names against the mounted documents first, then the mounted folders, then the pod's own namespace.
 * Nothing is cached: a rotated credential is used at the next login. A reference that cannot be resolved is AuthFailed (TemplateFailed for
 * whole objects), never NotFound: it proves nothing about the store.
 */
export function openReferences(sources: ReferenceSources): ObjectReferences {
  const secrets: Kind = {
    name: 'Secret',
    documents: () => sources.documents().secrets,
    dir: sources.secretsDir,
    flag: '--secrets',
    objects: sources.objects,
  };
  const configMaps: Kind = {
    name: 'ConfigMap',
    documents: () => sources.documents().configMaps,
    dir: sources.configMapsDir,
    flag: '--config-maps',
    objects: sources.objects,
  };
  return {
    secret: (name, key, signal) => one({ kind: secrets, name, signal, code: 'AuthFailed' }, key),
    configMap: (name, key, signal) => one({ kind: configMaps, name, signal, code: 'AuthFailed' }, key),
    wholeSecret: (name, signal) => whole({ kind: secrets, name, signal, code: 'TemplateFailed' }),
    wholeConfigMap: (name, signal) => whole({ kind: configMaps, name, signal, code: 'TemplateFailed' }),
  };
}

async function one(wanted: Wanted, key: string): Promise<Secret> {
  const { kind, name } = wanted;
  checkName(kind, name);
  checkKey(kind, key);
  const object = kind.documents().get(name) ?? folderOf(wanted) ?? (await remote(wanted));
  if (typeof object !== 'string')
    return object.get(key) ?? fail(noKey(kind, { name, key, keys: object.keys() }));
  const value = readValue(join(object, key), kind, name);
  return value ?? fail(noKey(kind, { name, key, keys: keysIn(object) }));
}

async function whole(wanted: Wanted): Promise<SecretMap> {
  const { kind, name } = wanted;
  checkName(kind, name);
  const object = kind.documents().get(name) ?? folderOf(wanted) ?? (await remote(wanted));
  if (typeof object !== 'string') return object;
  const entries = new Map<string, Secret>();
  for (const key of keysIn(object)) {
    const value = readValue(join(object, key), kind, name);
    if (value !== undefined) entries.set(key, value);
  }
  return entries;
}

/** The folder where it is mounted, or undefined. */
function folderOf({ kind, name }: Wanted): string | undefined {
  const folder = kind.dir === undefined ? undefined : join(kind.dir, name);
  return folder !== undefined && isFolder(folder) ? folder : undefined;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

async function remote(wanted: Wanted): Promise<SecretMap> {
  const { kind, name, signal, code } = wanted;
  const folder = kind.dir === undefined ? undefined : join(kind.dir, name);
  const where = folder === undefined ? `${kind.flag} is not set` : `it is not mounted at ${folder}`;
  const mount = folder === undefined ? `at DIR/${name} and start with ${kind.flag} DIR` : `at ${folder}`;
  const absent = `${kind.name} ${name} is not among the mounted documents, ${where}`;
  const bring = `mount it ${mount}, or add it to the specs`;
  const object = await kind.objects?.(kind.name, name, signal).catch((error: unknown) => {
    // A pod without a token for the API server has nothing amiss but that it would need one for this.
    if (!(error instanceof AgentError) || error.code !== 'AuthFailed') throw error;
    throw new AgentError('AuthFailed', `${absent}, and the API server cannot be asked: ${error.message}`, {
      remedy: error.remedy === undefined ? bring : `${bring}; or ${error.remedy}`,
    });
  });
  if (object !== undefined) return object;
  if (kind.objects === undefined) throw new AgentError(code, absent, { remedy: bring });
  throw new AgentError(code, `${absent}, nor is it in the pod's namespace`, {
    remedy: `make it in the pod's namespace, ${bring}`,
  });
}

/** The keys of a mounted object, sorted; the kubelet's own entries start with two dots. */
function keysIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((key) => isKey(key) && !key.startsWith('..'))
    .sort();
}

/** Undefined when there is no such file. Links are followed: a mounted object consists of them. */
function readValue(file: string, kind: Kind, name: string): Secret | undefined {
  try {
    const { size } = statSync(file);
    if (size > limits.valueBytes) throw tooLarge(kind, name);
    return Secret.of(readFileSync(file));
  } catch (error) {
    if (error instanceof AgentError) throw error;
    const code = (error as { code?: unknown }).code;
    if (code === 'ENOENT' || code === 'EISDIR') return undefined;
    throw new AgentError(
      'AuthFailed',
      `${file} cannot be read: ${typeof code === 'string' ? code : 'unknown error'}`,
      {
        remedy: 'check the mode of the mounted volume and the user of the agent',
      },
    );
  }
}

function noKey(kind: Kind, miss: { name: string; key: string; keys: Iterable<string> }): AgentError {
  const keys = [...miss.keys].sort();
  const has = keys.length === 0 ? 'it is empty' : `it has ${keys.join(', ')}`;
  return new AgentError('AuthFailed', `${kind.name} ${miss.name} has no key ${miss.key}: ${has}`, {
    remedy: 'name one of its keys, or add that one',
  });
}

function tooLarge(kind: Kind, name: string): AgentError {
  return new AgentError(
    'SpecInvalid',
    `a value of ${kind.name} ${name} is larger than ${limits.valueBytes} bytes`,
  );
}

/** A DNS sub-domain, as the API server demands of both kinds: no separator, no leading dot. */
function checkName(kind: Kind, name: string): void {
  if (name.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name))
    return;
  throw new AgentError('SpecInvalid', `${JSON.stringify(name)} is not the name of a ${kind.name}`, {
    remedy: 'use lower-case letters, digits, - and .',
  });
}

function checkKey(kind: Kind, key: string): void {
  if (isKey(key)) return;
  throw new AgentError('SpecInvalid', `${JSON.stringify(key)} is not a key of a ${kind.name}`, {
    remedy: 'use letters, digits, -, _ and .',
  });
}

function isKey(key: string): boolean {
  return /^[-._a-zA-Z0-9]{1,253}$/.test(key) && key !== '.' && key !== '..';
}

function fail(error: AgentError): never {
  throw error;
}
