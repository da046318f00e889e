import { isMembers, type Json, type Members } from './raw.ts';

/** One operation of RFC 6902, of the kinds that the injector makes. */
export type Operation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: Json }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move'; readonly from: string; readonly path: string };

/** A JSON pointer of its parts. */
export function pointer(...parts: readonly (string | number)[]): string {
  return parts.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

export function partsOf(path: string): string[] {
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The document after the operations; the one given stays as it is. Throws Error for a path that is not there. */
export function applyPatch(document: Json, operations: readonly Operation[]): Json {
  return operations.reduce(applyOne, document);
}

function applyOne(document: Json, operation: Operation): Json {
  switch (operation.op) {
    case 'add':
    case 'replace':
      return edited(document, partsOf(operation.path), { op: operation.op, value: operation.value });
    case 'remove':
      return edited(document, partsOf(operation.path), { op: 'remove' });
    case 'move': {
      const value = valueAt(document, partsOf(operation.from));
      const without = edited(document, partsOf(operation.from), { op: 'remove' });
      return edited(without, partsOf(operation.path), { op: 'add', value });
    }
  }
}

function valueAt(document: Json, parts: readonly string[]): Json {
  let value: Json | undefined = document;
  for (const part of parts) value = (value as Members | undefined)?.[part];
  if (value === undefined) throw new Error(`there is nothing at ${pointer(...parts)}`);
  return value;
}

type Edit = { readonly op: 'add' | 'replace'; readonly value: Json } | { readonly op: 'remove' };

function edited(document: Json, parts: readonly string[], edit: Edit): Json {
  const [part, ...rest] = parts;
  if (part === undefined) throw new Error('the whole document cannot be edited');
  if (Array.isArray(document)) return editedList(document, part, { rest, edit });
  if (!isMembers(document)) throw new Error(`there is no member ${part} in a value`);
  const present = document[part];
  if (rest.length > 0) {
    if (present === undefined) throw new Error(`there is nothing at ${part}`);
    return { ...document, [part]: edited(present, rest, edit) };
  }
  if (edit.op !== 'add' && present === undefined) throw new Error(`there is nothing at ${part}`);
  if (edit.op !== 'remove') return { ...document, [part]: edit.value };
  return Object.fromEntries(Object.entries(document).filter(([name]) => name !== part));
}

function editedList(
  list: readonly Json[],
  part: string,
  { rest, edit }: { readonly rest: readonly string[]; readonly edit: Edit },
): Json {
  const index = part === '-' ? list.length : Number(part);
  const last = edit.op === 'add' && rest.length === 0 ? list.length : list.length - 1;
  if (!Number.isInteger(index) || index < 0 || index > last) throw new Error(`there is no element ${part}`);
  if (rest.length > 0) return list.with(index, edited(list[index]!, rest, edit));
  if (edit.op === 'remove') return list.toSpliced(index, 1);
  return edit.op === 'add' ? list.toSpliced(index, 0, edit.value) : list.with(index, edit.value);
}
