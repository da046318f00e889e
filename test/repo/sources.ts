import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

export interface Import {
  readonly from: string;
  /** Path from the root for our own files, the specifier for all else. */
  readonly to: string;
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
}

/** Paths from the root, of TypeScript files under the folders. */
export function sourceFiles(...folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => relative(root, join(entry.parentPath, entry.name))),
  );
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

const staticImport = /^(?:import|export)\s+(type\s+)?(?:[\w*{][^;'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm;
const dynamicImport = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

export function importsOf(path: string): readonly Import[] {
  const text = withoutComments(read(path));
  const place = (specifier: string) =>
    specifier.startsWith('.') ? join(dirname(path), specifier) : specifier;
  const found = [...text.matchAll(staticImport)].map(([, type, specifier = '']) => ({
    from: path,
    to: place(specifier),
    typeOnly: type !== undefined,
    dynamic: false,
  }));
  const lazy = [...text.matchAll(dynamicImport)].map(([, specifier = '']) => ({
    from: path,
    to: place(specifier),
    typeOnly: false,
    dynamic: true,
  }));
  return [...found, ...lazy];
}

/** Files that git tracks, or would: what a clone has. */
export function trackedFiles(): readonly string[] {
  const out = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return out.split('\n').filter((path) => path !== '');
}

/** A file without its comments and strings, roughly: enough to tell code from words about it. */
export function code(text: string): string {
  return withoutComments(text).replace(/'(?:[^'\\\n]|\\.)*'/g, "''");
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
}
