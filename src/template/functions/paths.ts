import { type FunctionTable, func } from '../func.ts';

const base = func(['string'], (path) => {
  if (path === '') return '.';
  const trimmed = path.replace(/\/+$/, '');
  return trimmed === '' ? '/' : trimmed.slice(trimmed.lastIndexOf('/') + 1);
});
const dir = func(['string'], (path) => cleaned(path.slice(0, path.lastIndexOf('/') + 1)));
const clean = func(['string'], (path) => cleaned(path));
const ext = func(['string'], (path) => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return dot < 0 ? '' : name.slice(dot);
});
const isAbs = func(['string'], (path) => path.startsWith('/'));

/** The os functions follow Linux, where ESO runs, and so are the same. */
export const paths: FunctionTable = {
  base,
  dir,
  clean,
  ext,
  isAbs,
  osBase: base,
  osDir: dir,
  osClean: clean,
  osExt: ext,
  osIsAbs: isAbs,
};

/** path.Clean: without `.`, needless `..` and repeated or trailing slashes. */
function cleaned(path: string): string {
  const rooted = path.startsWith('/');
  const kept: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (!rooted) kept.push('..');
  }
  const joined = kept.join('/');
  if (rooted) return `/${joined}`;
  return joined === '' ? '.' : joined;
}
