import { limits } from '../../base/limits.ts';
import { comparePrereleases, compareVersions, parseVersion, type Version, VersionError } from './version.ts';

/** One comparison, `>= 1.2`, with what was left open in it. */
interface Comparison {
  readonly operator: string;
  readonly version: Version;
  /** Some part is missing or an `x`. */
  readonly open: boolean;
  readonly openMinor: boolean;
  readonly openPatch: boolean;
}

/** Alternatives of groups that must hold together. */
export type Constraint = readonly (readonly Comparison[])[];

type Test = (version: Version, comparison: Comparison) => boolean;

const operators: Readonly<Record<string, Test>> = {
  '': tildeOrEqual,
  '=': tildeOrEqual,
  '!=': notEqual,
  '>': greater,
  '<': (version, c) => compareVersions(version, c.version) < 0,
  '>=': (version, c) => compareVersions(version, c.version) >= 0,
  '=>': (version, c) => compareVersions(version, c.version) >= 0,
  '<=': lessOrEqual,
  '=<': lessOrEqual,
  '~': tilde,
  '~>': tilde,
  '^': caret,
};

const space = '[\\t\\n\\f\\r ]';
const numbers = '[0-9|xX*]+';
const words = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const pattern = `v?(${numbers})(\\.${numbers})?(\\.${numbers})?(-${words})?(?:\\+${words})?`;
// Sticky, and unambiguous from a given start: a constraint of any shape is read in one pass.
const oneVersion = new RegExp(pattern, 'y');
const oneOperator = /!=|>=|=>|<=|=<|~>|[=><~^]|/y;
const spaces = new RegExp(`${space}*`, 'y');
const dash = new RegExp(`${space}+-${space}+`, 'y');

/** Reads the constraint language of Masterminds/semver: `^1.2 || ~2.1, != 2.1.4 || 3.0 - 3.4`. */
export function parseConstraint(text: string): Constraint {
  if (text.length > limits.templateVersionChars) throw new VersionError('constraint is too long');
  return rewriteRanges(text).split('||').map(parseGroup);
}

/** `1.2 - 1.4` is `>= 1.2, <= 1.4`. The first equal text is replaced, as Go does it. */
function rewriteRanges(text: string): string {
  let result = text;
  for (let at = 0; at < text.length; ) {
    const range = rangeAt(text, at);
    if (range === undefined) {
      at++;
      continue;
    }
    result = result.replace(range.text, () => `>= ${range.low}, <= ${range.high} `);
    at += range.text.length;
  }
  return result;
}

function rangeAt(text: string, start: number): { text: string; low: string; high: string } | undefined {
  let at = start + matchAt(spaces, text, start)![0].length;
  const low = matchAt(oneVersion, text, at);
  if (low === null) return undefined;
  at += low[0].length;
  const middle = matchAt(dash, text, at);
  if (middle === null) return undefined;
  at += middle[0].length;
  const high = matchAt(oneVersion, text, at);
  if (high === null) return undefined;
  at += high[0].length;
  at += matchAt(spaces, text, at)![0].length;
  return { text: text.slice(start, at), low: low[0], high: high[0] };
}

function matchAt(expression: RegExp, text: string, at: number): RegExpExecArray | null {
  expression.lastIndex = at;
  return expression.exec(text);
}

function parseGroup(text: string): Comparison[] {
  const improper = () => new VersionError('improper constraint');
  const comparisons: Comparison[] = [];
  let at = matchAt(spaces, text, 0)![0].length;
  do {
    const operator = matchAt(oneOperator, text, at)![0];
    at += operator.length;
    at += matchAt(spaces, text, at)![0].length;
    const version = matchAt(oneVersion, text, at);
    if (version === null) throw improper();
    at += version[0].length;
    comparisons.push(comparison(operator, version));
    const end = at;
    at += matchAt(spaces, text, at)![0].length;
    if (text[at] === ',') {
      at += 1;
      at += matchAt(spaces, text, at)![0].length;
      if (at === text.length) throw improper();
    }
    if (at === end && at < text.length) throw improper();
  } while (at < text.length);
  return comparisons;
}

function comparison(operator: string, match: RegExpExecArray): Comparison {
  const [whole, major = '', minor = '', patch = '', prerelease = ''] = match;
  const isOpen = (part: string) => part === '' || ['x', 'X', '*'].includes(part.replace(/^\./, ''));
  const [openMajor, openMinor, openPatch] = [isOpen(major), isOpen(minor), isOpen(patch)];
  let text = whole;
  if (openMajor) text = `0.0.0${prerelease}`;
  else if (openMinor) text = `${major}.0.0${prerelease}`;
  else if (openPatch) text = `${major}${minor}.0${prerelease}`;
  try {
    return {
      operator,
      version: parseVersion(text),
      open: openMajor || openMinor || openPatch,
      openMinor: !openMajor && openMinor,
      openPatch: !openMajor && !openMinor && openPatch,
    };
  } catch {
    throw new VersionError('constraint parser error');
  }
}

/** Prereleases count only in a group that names one itself. */
export function satisfies(version: Version, constraint: Constraint): boolean {
  return constraint.some((group) => {
    const withPrereleases = group.some((c) => c.version.prerelease !== '');
    if (version.prerelease !== '' && !withPrereleases) return false;
    return group.every((c) => operators[c.operator]!(version, c));
  });
}

function notEqual(version: Version, c: Comparison): boolean {
  if (!c.open) return compareVersions(version, c.version) !== 0;
  if (c.version.major !== version.major) return true;
  if (c.openMinor) return false;
  if (c.version.minor !== version.minor) return true;
  if (!c.openPatch) return c.version.patch !== version.patch || compareVersions(version, c.version) !== 0;
  if (version.prerelease === '' && c.version.prerelease === '') return false;
  return comparePrereleases(version.prerelease, c.version.prerelease) !== 0;
}

function greater(version: Version, c: Comparison): boolean {
  if (!c.open) return compareVersions(version, c.version) > 0;
  if (version.major !== c.version.major) return version.major > c.version.major;
  if (c.openMinor) return false;
  if (c.openPatch) return version.minor > c.version.minor;
  return compareVersions(version, c.version) > 0;
}

function lessOrEqual(version: Version, c: Comparison): boolean {
  if (!c.open) return compareVersions(version, c.version) <= 0;
  if (version.major > c.version.major) return false;
  return !(version.major === c.version.major && version.minor > c.version.minor && !c.openMinor);
}

function tildeOrEqual(version: Version, c: Comparison): boolean {
  return c.open ? tilde(version, c) : compareVersions(version, c.version) === 0;
}

function tilde(version: Version, c: Comparison): boolean {
  if (compareVersions(version, c.version) < 0) return false;
  const { major, minor, patch } = c.version;
  // `~0.0.0`, and `~*`, accept all.
  if (major === 0n && minor === 0n && patch === 0n && !c.openMinor && !c.openPatch) return true;
  return version.major === major && (version.minor === minor || c.openMinor);
}

function caret(version: Version, c: Comparison): boolean {
  if (compareVersions(version, c.version) < 0) return false;
  const { major, minor, patch } = c.version;
  if (major > 0n || c.openMinor) return version.major === major;
  if (version.major > 0n) return false;
  if (minor > 0n || c.openPatch) return version.minor === minor;
  return version.minor === 0n && patch === version.patch;
}
