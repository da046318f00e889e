import { AgentError } from '../base/errors.ts';
import type { SpecNode } from '../spec/spec.ts';

/**
 * Typed reads of a provider's part of the spec. Paths are those of the YAML (`auth.jwt`, `data[0].key`). Absent
 * and null are undefined, as for the API server; anything of another type is SpecInvalid at its place.
 */
export function textAt(node: SpecNode, path: string): string | undefined {
  const value = valueAt(node, path);
  if (value === undefined || typeof value === 'string') return value;
  throw wrongType(node, path, { wanted: 'text', value });
}

/** As `textAt`, but neither absent nor empty. */
export function requiredTextAt(node: SpecNode, path: string): string {
  const value = textAt(node, path);
  if (value !== undefined && value !== '') return value;
  throw invalid(node, path, { message: `${lastOf(path)} is required`, remedy: `set ${path}` });
}

export function oneOfAt<T extends string>(
  node: SpecNode,
  path: string,
  options: { readonly of: readonly T[]; readonly fallback?: T },
): T {
  const value = options.fallback === undefined ? requiredTextAt(node, path) : textAt(node, path);
  if (value === undefined) return options.fallback as T;
  const known = options.of.find((each) => each === value);
  if (known !== undefined) return known;
  throw invalid(node, path, {
    message: `${JSON.stringify(value)} is not known`,
    remedy: `use one of ${options.of.join(', ')}`,
  });
}

export function integerAt(node: SpecNode, path: string): number | undefined {
  const value = valueAt(node, path);
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw wrongType(node, path, { wanted: 'a whole number', value });
}

export function booleanAt(node: SpecNode, path: string): boolean | undefined {
  const value = valueAt(node, path);
  if (value === undefined || typeof value === 'boolean') return value;
  throw wrongType(node, path, { wanted: 'true or false', value });
}

/** The paths of a list's elements, none when it is absent. */
export function elementsAt(node: SpecNode, path: string): readonly string[] {
  const value = valueAt(node, path);
  if (value === undefined) return [];
  if (Array.isArray(value)) return value.map((_, i) => `${path}[${i}]`);
  throw wrongType(node, path, { wanted: 'a list', value });
}

export function textsAt(node: SpecNode, path: string): readonly string[] {
  return elementsAt(node, path).map((each) => requiredTextAt(node, each));
}

/** Keys and texts of a mapping, in the order of the YAML; empty when it is absent. */
export function textMapAt(node: SpecNode, path: string): ReadonlyMap<string, string> {
  if (!isPresent(node, path)) return new Map();
  const value = valueAt(node, path) as Record<string, unknown>;
  return new Map(
    Object.keys(value).map((key) => {
      const text = value[key];
      if (typeof text === 'string') return [key, text];
      throw wrongType(node, `${path}.${key}`, { wanted: 'text', value: text });
    }),
  );
}

/** Whether a mapping stands at `path`; anything else there is refused. */
export function isPresent(node: SpecNode, path: string): boolean {
  const value = valueAt(node, path);
  if (value === undefined) return false;
  if (typeof value === 'object' && !Array.isArray(value)) return true;
  throw wrongType(node, path, { wanted: 'a mapping', value });
}

/** Undefined where nothing or null stands. */
export function valueAt(node: SpecNode, path: string): unknown {
  let value = node.value;
  for (const step of path.split(/[.[\]]+/).filter((each) => each !== '')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value ?? undefined;
}

export function invalid(
  node: SpecNode,
  path: string,
  why: { readonly message: string; readonly remedy?: string },
): AgentError {
  const remedy = why.remedy === undefined ? {} : { remedy: why.remedy };
  return new AgentError('SpecInvalid', why.message, { at: node.at(path), ...remedy });
}

/** What the CRD knows and this version has not built. */
export function unsupported(node: SpecNode, path: string, name: string = path): AgentError {
  return invalid(node, path, { message: `not supported by this version: ${name}` });
}

function wrongType(
  node: SpecNode,
  path: string,
  fault: { readonly wanted: string; readonly value: unknown },
): AgentError {
  const kind = Array.isArray(fault.value) ? 'a list' : kindOf(fault.value);
  return invalid(node, path, { message: `${lastOf(path)} must be ${fault.wanted}, this is ${kind}` });
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  return (
    { string: 'text', number: 'a number', boolean: 'true or false' }[typeof value as string] ?? 'a mapping'
  );
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
