import type { Clock } from '../base/clock.ts';
import { refuse } from './faults.ts';
import type { Folder } from './folder.ts';
import { dataLink, newTemporaryName } from './generation.ts';

/** What the visible link of a file says. Relative, so that it holds wherever the volume is mounted. */
export function visibleText(name: string): string {
  return `${dataLink}/${name}`;
}

export function missingLinks(target: Folder, names: readonly string[]): readonly string[] {
  return names.filter((name) => target.linkText(name) !== visibleText(name));
}

/** Makes visible what the live generation holds, and takes away what it no longer does. */
export function reconcileLinks(
  target: Folder,
  names: readonly string[],
  context: { clock: Clock; path: string },
): void {
  const blocked: string[] = [];
  for (const name of missingLinks(target, names)) {
    const stat = target.lstat(name);
    if (stat?.isDirectory()) blocked.push(name);
    else if (stat === undefined) target.link(name, visibleText(name));
    else replaceByLink(target, name, { text: visibleText(name), clock: context.clock });
  }
  for (const name of staleLinks(target, new Set(names))) target.unlink(name);
  if (blocked.length === 0) return;
  throw refuse(`${context.path}/${blocked.sort()[0]} is a folder where the link to a key belongs`, {
    remedy: 'Delete that folder; mount the volume read-only into the application.',
  });
}

/** Only links that say exactly what ours say: nothing else in the folder is ours to remove. */
export function staleLinks(target: Folder, wanted: ReadonlySet<string>): readonly string[] {
  return target.names().filter((name) => !wanted.has(name) && target.linkText(name) === visibleText(name));
}

/** Puts a link where a file or another link stands, in one step. */
function replaceByLink(target: Folder, name: string, link: { text: string; clock: Clock }): void {
  const temporary = newTemporaryName(target, link.clock);
  target.link(temporary, link.text);
  target.rename(temporary, name);
}
