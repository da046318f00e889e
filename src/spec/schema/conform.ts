import { didYouMean } from '../../base/nearest.ts';
import type { Path } from '../path.ts';
import type {
  EnumShape,
  IntegerShape,
  ListShape,
  MapShape,
  MemberRule,
  ObjectShape,
  Shape,
} from './notation.ts';
import { rules, shown } from './rules.ts';

/** Where `conform` tells what it met. */
export interface Findings {
  problem(path: Path, message: string, remedy?: string): void;
  warning(path: Path, message: string, remedy?: string): void;
  /** The `namespace` of a reference to something in the cluster. */
  namespace(path: Path, name: string): void;
}

type Members = Readonly<Record<string, unknown>>;

/**
 * The value with defaults applied and unknown members left out, as the API server would store it. What
 * does not fit the shape is told to `findings`, all of it; the result then only serves to find more.
 */
export function conform(value: unknown, shape: Shape, path: Path, findings: Findings): unknown {
  switch (shape.kind) {
    case 'object':
      return conformObject(value, shape, path, findings);
    case 'list':
      return conformList(value, shape, path, findings);
    case 'map':
      return conformMap(value, shape, path, findings);
    case 'enum':
      return conformEnum(value, shape, path, findings);
    case 'integer':
      return conformInteger(value, shape, path, findings);
    case 'plain':
      return conformPlain(value, shape.type, path, findings);
  }
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function conformObject(value: unknown, shape: ObjectShape, path: Path, findings: Findings): Members {
  if (!isMembers(value)) return wrongType(value, 'an object', path, findings) ?? {};
  const result: Record<string, unknown> = {};
  for (const [name, field] of shape.fields) {
    const member = memberOf(value, name, field.shape);
    if (member !== undefined) result[name] = conform(member, field.shape, [...path, name], findings);
    else if (field.required) findings.problem(path, `${name} is required`);
  }
  for (const name of Object.keys(value)) {
    if (!shape.fields.has(name)) unknownField(name, shape, path, findings);
  }
  checkMembers(value, shape, path, findings);
  return result;
}

/** A null where a default exists counts as unset, as in the API server. */
function memberOf(value: Members, name: string, shape: Shape): unknown {
  const member = Object.hasOwn(value, name) ? value[name] : undefined;
  if (shape.default === undefined) return member;
  return member ?? shape.default;
}

function unknownField(name: string, shape: ObjectShape, path: Path, findings: Findings): void {
  const known = [...shape.fields.keys()];
  const accepted = known.length === 0 ? 'no field is known here' : `known here: ${known.join(', ')}`;
  findings.warning([...path, name], `unknown field ${shown(name)}${didYouMean(name, known)}`, accepted);
}

function checkMembers(value: Members, shape: ObjectShape, path: Path, findings: Findings): void {
  const present = Object.keys(value).filter((name) => shape.fields.has(name));
  if (shape.single && present.length !== 1) {
    const known = [...shape.fields.keys()].join(', ');
    const given = present.length === 0 ? 'has none' : `has ${present.join(', ')}`;
    findings.problem(path, `must have exactly one field, but ${given}`, `choose one of ${known}`);
  }
  for (const rule of shape.rules) checkRule(value, rule, path, findings);
}

function checkRule(value: Members, rule: MemberRule, path: Path, findings: Findings): void {
  const has = (names: string) => names.split('+').every((name) => Object.hasOwn(value, name));
  const count = rule.names.filter(has).length;
  const names = rule.names.join(', ').replaceAll('+', ' and ');
  if (rule.kind === 'one' && count !== 1) findings.problem(path, `must have exactly one of ${names}`);
  if (rule.kind === 'most' && count > 1) findings.problem(path, `must have at most one of ${names}`);
  if (rule.kind === 'some' && count === 0)
    findings.problem(path, `must have ${names.replaceAll(', ', ' or ')}`);
  if (rule.kind === 'none' && count > 0) findings.problem(path, `must not have any of ${names}`);
}

function conformList(value: unknown, shape: ListShape, path: Path, findings: Findings): readonly unknown[] {
  if (!Array.isArray(value)) return wrongType(value, 'a list', path, findings) ?? [];
  if (shape.nonEmpty && value.length === 0) findings.problem(path, 'must not be empty');
  return value.map((element, i) => conform(element, shape.of, [...path, i], findings));
}

function conformMap(value: unknown, shape: MapShape, path: Path, findings: Findings): Members {
  if (!isMembers(value)) return wrongType(value, 'an object', path, findings) ?? {};
  for (const rule of shape.rules) checkRule(value, rule, path, findings);
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([name, member]) => [name, conform(member, shape.of, [...path, name], findings)]),
  );
}

function conformEnum(value: unknown, shape: EnumShape, path: Path, findings: Findings): unknown {
  if (typeof value !== 'string') return wrongType(value, 'a string', path, findings);
  if (shape.values.includes(value)) return value;
  const accepted = shape.values.map((word) => (word === '' ? '""' : word)).join(', ');
  findings.problem(
    path,
    `unknown value ${shown(value)}${didYouMean(value, shape.values)}`,
    `use one of ${accepted}`,
  );
  return undefined;
}

function conformInteger(value: unknown, shape: IntegerShape, path: Path, findings: Findings): unknown {
  if (!Number.isInteger(value)) return wrongType(value, 'an integer', path, findings);
  const number = Number(value);
  if (shape.min !== undefined && number < shape.min) findings.problem(path, `must be at least ${shape.min}`);
  if (shape.max !== undefined && number > shape.max) findings.problem(path, `must be at most ${shape.max}`);
  return value;
}

function conformPlain(value: unknown, type: string, path: Path, findings: Findings): unknown {
  if (type === 'any') return value;
  if (type === 'b')
    return typeof value === 'boolean' ? value : wrongType(value, 'true or false', path, findings);
  if (type === 'interval' && typeof value === 'number') return conformSeconds(value, path, findings);
  if (typeof value !== 'string') return wrongType(value, 'a string', path, findings);
  if (type === 'namespace' && path.at(-1) === 'namespace') findings.namespace(path, value);
  const complaint = rules[type]?.(value);
  if (complaint !== undefined) findings.problem(path, complaint.message, complaint.remedy);
  return value;
}

function conformSeconds(value: number, path: Path, findings: Findings): unknown {
  if (!Number.isInteger(value) || value < 0)
    findings.problem(path, 'must be whole seconds, 0 or more, or a duration');
  return value;
}

function wrongType(value: unknown, wanted: string, path: Path, findings: Findings): undefined {
  findings.problem(path, `must be ${wanted}, but is ${kindOf(value)}`, typeRemedy(value, wanted));
  return undefined;
}

function typeRemedy(value: unknown, wanted: string): string | undefined {
  const scalar = typeof value === 'number' || typeof value === 'boolean';
  if (wanted === 'a string' && scalar) return 'put it in quotes';
  const nested = wanted === 'an object' || wanted === 'a list';
  return nested && value === null ? 'write its content below it, further in' : undefined;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return 'a string';
  if (typeof value === 'number') return 'a number';
  if (typeof value === 'boolean') return 'a boolean';
  return 'an object';
}
