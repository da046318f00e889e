import { AgentError } from '../base/errors.ts';
import type { Secret, SecretMap } from '../base/secret.ts';
import type { ConversionStrategy } from '../spec/spec.ts';
import { isLetter, isNumber } from '../template/utf8.ts';

/**
 * Keys as conversionStrategy has them: a rune that is no letter, number, `-`, `.` or `_` becomes `_` (Default) or
 * `_U` with its hex and `_` (Unicode). Two keys that become one are DecodeFailed.
 */
export function convertKeys(entries: SecretMap, strategy: ConversionStrategy): SecretMap {
  const converted = new Map<string, Secret>();
  for (const [key, value] of entries) {
    const name = convertKey(key, strategy);
    if (converted.has(name)) {
      throw new AgentError('DecodeFailed', `two remote keys become the secret key ${JSON.stringify(name)}`, {
        remedy: 'conversionStrategy: Unicode keeps them apart, and so does a rewrite',
      });
    }
    converted.set(name, value);
  }
  return converted;
}

export function convertKey(key: string, strategy: ConversionStrategy): string {
  return [...key].map((rune) => (isKept(rune) ? rune : replacement(rune, strategy))).join('');
}

function isKept(char: string): boolean {
  const rune = char.codePointAt(0)!;
  return char === '-' || char === '.' || char === '_' || isLetter(rune) || isNumber(rune);
}

function replacement(rune: string, strategy: ConversionStrategy): string {
  if (strategy === 'Default') return '_';
  return `_U${rune.codePointAt(0)!.toString(16).padStart(4, '0')}_`;
}

/**
 * Only what the API server takes as a key of a Secret goes on, since keys become file names: an empty key is
 * dropped, as in ESO; anything else that is wrong is DecodeFailed.
 */
export function validKeys(entries: SecretMap): SecretMap {
  const kept = [...entries].filter(([key]) => key !== '');
  for (const [key] of kept) {
    const fault = keyFault(key);
    if (fault === undefined) continue;
    throw new AgentError('DecodeFailed', `${shown(key)} cannot be a secret key: ${fault}`, {
      remedy: 'rename it with dataFrom[].rewrite, or name the keys you need in data',
    });
  }
  return new Map(kept);
}

/** What keeps a key from being a key of a Secret; undefined when nothing does. */
export function keyFault(key: string): string | undefined {
  if (Buffer.byteLength(key) > 253) return 'it is longer than 253 bytes';
  if (key === '.' || key.startsWith('..')) return 'it would leave its folder';
  if (!/^[-._a-zA-Z0-9]+$/.test(key)) return 'only letters, digits, -, _ and . are allowed';
  return undefined;
}

function shown(key: string): string {
  return JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key);
}
