import { AgentError } from '../base/errors.ts';

/** Where a KV store lies: `spec.provider.vault.path` and `version`. */
export interface Mount {
  /** Without slashes at its ends; undefined when the key names the mount. */
  readonly path: string | undefined;
  readonly version: 'v1' | 'v2';
}

/** Path of a secret's data below `/v1/`, raw: encode before use. ESO's rules (buildPath). */
export function dataPath(mount: Mount, key: string): string {
  const parts = segments(key);
  const v2 = mount.version === 'v2';
  if (mount.path === undefined) return (v2 ? withData(parts) : parts).join('/');
  return join(mount.path, ...(v2 ? ['data'] : []), ...relative(mount, parts));
}

/** Path of its metadata, KV v2. */
export function metadataPath(mount: Mount, key: string): string {
  const parts = segments(key);
  if (mount.path !== undefined) return join(mount.path, 'metadata', ...relative(mount, parts));
  const full = withData(parts);
  return full.with(full.indexOf('data', 1), 'metadata').join('/');
}

/**
 * Where `find` looks. `listed` and `data` are the paths under which a name is listed and read, with a slash at
 * their end where they are not empty; `prefix` is the folder in which it starts, and what it finds is named
 * from there. Names that come from a listing are exact, so neither mount nor `data/` is stripped from them.
 */
export interface SearchRoot {
  readonly listed: string;
  readonly data: string;
  readonly prefix: string;
}

export function searchRoot(mount: Mount, path: string | undefined): SearchRoot {
  const parts = segments(path ?? '', 'find.path');
  const v2 = mount.version === 'v2';
  if (mount.path !== undefined) {
    const base = `${join(mount.path)}/`;
    const prefix = folder(parts);
    return v2
      ? { listed: `${base}metadata/`, data: `${base}data/`, prefix }
      : { listed: base, data: base, prefix };
  }
  if (!v2 && parts.length > 0) return { listed: '', data: '', prefix: folder(parts) };
  const data = parts.indexOf('data', 1);
  if (!v2 || data === -1) throw noMount(v2);
  const base = folder(parts.slice(0, data));
  return { listed: `${base}metadata/`, data: `${base}data/`, prefix: folder(parts.slice(data + 1)) };
}

/** Percent-encoded for a URL. Also the quote, since node-vault runs paths through an HTML-escaping template. */
export function encodePath(path: string): string {
  return path
    .split('/')
    .map((part) => encodeURIComponent(part).replaceAll("'", '%27'))
    .join('/');
}

/** The key without the mount and `data/` that users write before it: the mount is known already. */
function relative(mount: Mount, parts: readonly string[]): readonly string[] {
  const own = segments(mount.path ?? '');
  if (parts.length <= own.length || own.some((part, i) => part !== parts[i])) return parts;
  const rest = parts.slice(own.length);
  return mount.version === 'v2' && rest[0] === 'data' && rest.length > 1 ? rest.slice(1) : rest;
}

/** `data` after the first segment, unless it stands within the key already. */
function withData(parts: readonly string[]): readonly string[] {
  const inside = parts.indexOf('data', 1);
  if (inside !== -1 && inside < parts.length - 1) return parts;
  return [parts[0] ?? '', 'data', ...parts.slice(1)];
}

/** Empty segments count as none, as Vault's own client cleans them; dots would climb out of the mount. */
function segments(key: string, field = 'the key'): readonly string[] {
  const parts = key.split('/').filter((part) => part !== '');
  if (parts.every((part) => part !== '.' && part !== '..')) return parts;
  throw new AgentError('SpecInvalid', `${field} ${JSON.stringify(key)} holds . or .. as a path segment`, {
    remedy: 'write the whole path of the secret',
  });
}

function join(mount: string, ...rest: readonly string[]): string {
  return [...segments(mount), ...rest].join('/');
}

function folder(parts: readonly string[]): string {
  return parts.length === 0 ? '' : `${parts.join('/')}/`;
}

function noMount(v2: boolean): AgentError {
  return new AgentError('SpecInvalid', 'find does not know the mount to search', {
    remedy: `set spec.provider.vault.path, or begin find.path with the mount${v2 ? ' and data/' : ''}`,
  });
}
