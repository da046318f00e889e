import { AgentError } from '../base/errors.ts';

/**
 * The environment's names for keys, by key: upper case, every other character `_`, and a `_` before a leading
 * digit. Two keys for one name are ValidationRefused, naming both.
 */
export function envNames(keys: readonly string[]): ReadonlyMap<string, string> {
  const keyOf = new Map<string, string>();
  const names = new Map<string, string>();
  for (const key of keys) {
    const name = envName(key);
    const other = keyOf.get(name);
    if (other !== undefined) throw collision(other, key, name);
    keyOf.set(name, key);
    names.set(key, name);
  }
  return names;
}

function envName(key: string): string {
  const name = key.toUpperCase().replace(/[^A-Z0-9_]/g, '_');
  return /^[0-9]/.test(name) ? `_${name}` : name;
}

function collision(first: string, second: string, name: string): AgentError {
  return new AgentError('ValidationRefused', `keys ${first} and ${second} would both be ${name}`, {
    remedy: 'Rename one of them: secretKey, a rewrite or the template.',
  });
}
