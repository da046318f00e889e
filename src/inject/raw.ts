/** JSON as `JSON.parse` gives it. */
export type Json = null | boolean | number | string | readonly Json[] | Members;
export interface Members {
  readonly [name: string]: Json;
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is no object counts as an empty one. */
export function membersOf(value: unknown): Members {
  return isMembers(value) ? value : {};
}

/** The objects of a list; anything else has none. */
export function listOf(value: unknown): readonly Members[] {
  return Array.isArray(value) ? value.filter(isMembers) : [];
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** Whether `present` has all that `wanted` says; what it has beside that is none of our business. */
export function contains(present: Json | undefined, wanted: Json): boolean {
  if (Array.isArray(wanted)) {
    const list = wanted as readonly Json[];
    return (
      Array.isArray(present) &&
      present.length === list.length &&
      list.every((element, i) => contains(present[i], element))
    );
  }
  if (!isMembers(wanted)) return present === wanted;
  return (
    isMembers(present) && Object.entries(wanted).every(([name, value]) => contains(present[name], value))
  );
}
