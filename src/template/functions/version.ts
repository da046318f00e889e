import { limits } from '../../base/limits.ts';

/** A semantic version, read as leniently as ESO's semver does: a `v` in front and missing parts are fine. */
export interface Version {
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  readonly prerelease: string;
  readonly metadata: string;
  /** The text it was read from. */
  readonly original: string;
}

/** A version or constraint that cannot be read. The message quotes nothing of it. */
export class VersionError extends Error {}

const loose =
  /^v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;
const uint64Max = 2n ** 64n - 1n;

export function parseVersion(text: string): Version {
  if (text.length > limits.templateVersionChars) throw new VersionError('version is too long');
  const match = loose.exec(text);
  if (match === null) throw new VersionError('invalid semantic version');
  const [, major = '', minor = '0', patch = '0', prerelease = '', metadata = ''] = match;
  const version = {
    major: segment(major),
    minor: segment(minor),
    patch: segment(patch),
    prerelease,
    metadata,
    original: text,
  };
  if (prerelease.split('.').some((part) => /^0[0-9]+$/.test(part))) {
    throw new VersionError('version segment starts with 0');
  }
  return version;
}

function segment(digits: string): bigint {
  const value = BigInt(digits);
  if (value > uint64Max) {
    throw new VersionError('error parsing version segment: value out of range');
  }
  return value;
}

export function versionText(version: Version): string {
  const { major, minor, patch, prerelease, metadata } = version;
  const pre = prerelease === '' ? '' : `-${prerelease}`;
  return `${major}.${minor}.${patch}${pre}${metadata === '' ? '' : `+${metadata}`}`;
}

/** The next major, minor or patch version; a prerelease is simply released when the patch is asked for. */
export function increment(version: Version, part: 'major' | 'minor' | 'patch'): Version {
  const { major, minor, patch, prerelease, original } = version;
  const released = { prerelease: '', metadata: '' };
  const next = {
    major: { ...released, major: wrap(major + 1n), minor: 0n, patch: 0n },
    minor: { ...released, major, minor: wrap(minor + 1n), patch: 0n },
    patch: { ...released, major, minor, patch: prerelease === '' ? wrap(patch + 1n) : patch },
  }[part];
  return named(next, original);
}

/** The same version with another prerelease or metadata, checked. */
export function withPart(version: Version, part: 'prerelease' | 'metadata', text: string): Version {
  for (const piece of text === '' ? [] : text.split('.')) {
    if (!/^[0-9A-Za-z-]+$/.test(piece)) throw new VersionError(`invalid ${part} string`);
    if (part === 'prerelease' && /^0[0-9]+$/.test(piece))
      throw new VersionError('version segment starts with 0');
  }
  return named({ ...version, [part]: text }, version.original);
}

function named(version: Omit<Version, 'original'>, before: string): Version {
  const prefix = before.startsWith('v') ? 'v' : '';
  return { ...version, original: prefix + versionText({ ...version, original: '' }) };
}

function wrap(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

export function compareVersions(a: Version, b: Version): -1 | 0 | 1 {
  const byNumber = order(a.major, b.major) || order(a.minor, b.minor) || order(a.patch, b.patch);
  if (byNumber !== 0) return byNumber;
  if (a.prerelease === b.prerelease) return 0;
  if (a.prerelease === '') return 1;
  if (b.prerelease === '') return -1;
  return comparePrereleases(a.prerelease, b.prerelease);
}

function order(a: bigint, b: bigint): -1 | 0 | 1 {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function comparePrereleases(a: string, b: string): -1 | 0 | 1 {
  const left = a.split('.');
  const right = b.split('.');
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const result = comparePieces(left[i] ?? '', right[i] ?? '');
    if (result !== 0) return result;
  }
  return 0;
}

/** Numbers come before words, a missing piece before both. */
function comparePieces(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0;
  if (a === '') return -1;
  if (b === '') return 1;
  const [x, y] = [uint64(a), uint64(b)];
  if (x === undefined && y === undefined) return a > b ? 1 : -1;
  if (y === undefined) return -1;
  if (x === undefined) return 1;
  return x > y ? 1 : -1;
}

function uint64(text: string): bigint | undefined {
  if (!/^[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text);
  return value > uint64Max ? undefined : value;
}
