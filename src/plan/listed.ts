import { compareBytes } from '../base/json.ts';

/** As many names as fit a message, and as much of each. */
const namesShown = 20;
const charactersShown = 80;

/** Names for a message: sorted, quoted, bounded. */
export function listed(names: Iterable<string>): string {
  const sorted = [...names].sort(compareBytes);
  const more = sorted.length > namesShown ? ` and ${sorted.length - namesShown} more` : '';
  return `${sorted.slice(0, namesShown).map(quoted).join(', ')}${more}`;
}

export function quoted(name: string): string {
  return JSON.stringify(clipped(name));
}

/** Never half of a surrogate pair. */
export function clipped(name: string): string {
  return name.length <= charactersShown
    ? name
    : `${[...name.slice(0, 2 * charactersShown)].slice(0, charactersShown).join('')}…`;
}
