import { Failure } from './failure.ts';
import { type Call, GoError, type GoFunction } from './func.ts';
import type { Operand } from './node.ts';
import type { Maybe, State } from './state.ts';
import {
  anyType,
  assignable,
  canBeNil,
  declaredKinds,
  Float32,
  isIntKind,
  isTrue,
  isUnsignedKind,
  makeInt,
  Slice,
  type TypeName,
  typeName,
  type Value,
  zeroOf,
} from './value.ts';

/** A compiled expression; `final` is the value that the pipeline passes on, for commands that take it. */
export type Evaluate = (state: State, dot: Maybe, final: Maybe) => Maybe;

/** How the builtins declare a parameter that may be anything, "no value" included (reflect.Value in Go). */
export const valueType: TypeName = 'reflect.Value';

/** What is called, once its name is resolved. */
export interface Callee {
  readonly name: string;
  readonly params: readonly TypeName[];
  readonly variadic: boolean;
  /** Found anew at each call, since a lazy function is loaded after the template is compiled. */
  readonly call: () => Call;
  /** `and` and `or` evaluate no more than they need; the truth value at which to stop. */
  readonly stopsAt?: boolean;
}

export interface CallSite {
  /** Where an error of the function itself is reported. */
  readonly at: number;
  readonly args: readonly Operand[];
  readonly hasFinal: boolean;
  readonly compileArgument: (operand: Operand, type: TypeName) => Evaluate;
}

/** A call, its arguments checked and converted as text/template does. */
export function compileCall(callee: Callee, site: CallSite): Evaluate {
  const wrongCount = countError(callee, site.args.length, site.hasFinal);
  if (wrongCount !== undefined) return (state) => state.fail(wrongCount);
  const args = site.args.map((operand, i) => site.compileArgument(operand, paramType(callee, i)));
  const finalType = site.hasFinal ? paramType(callee, args.length) : undefined;
  if (callee.stopsAt !== undefined) return shortCircuit(callee.stopsAt, args, finalType);
  return (state, dot, final) => {
    const values = new Array<Value>(finalType === undefined ? args.length : args.length + 1);
    let cost = 1;
    for (let i = 0; i < args.length; i++) {
      const value = args[i]!(state, dot, undefined) as Value;
      if (typeof value === 'string') cost += value.length >> 6;
      values[i] = value;
    }
    if (finalType !== undefined) {
      const value = checked(state, final, finalType) as Value;
      if (typeof value === 'string') cost += value.length >> 6;
      values[args.length] = value;
    }
    state.step(cost);
    return invoke(state, callee, site.at, values);
  };
}

function invoke(state: State, callee: Callee, at: number, values: readonly Value[]): Maybe {
  const before = state.at;
  // So that a bound which the function meets has the place of its call.
  state.at = at;
  try {
    const result = callee.call()(values, state);
    if (typeof result === 'string') state.grow(result.length);
    state.at = before;
    return result;
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown;
    // Any other error is ours: its message could quote a value, so only its name is told.
    const reason = thrown instanceof GoError ? thrown.message : `unexpected ${(thrown as Error).name}`;
    return state.fail(`error calling ${callee.name}: ${reason}`);
  }
}

function countError(callee: Callee, argCount: number, hasFinal: boolean): string | undefined {
  const got = argCount + (hasFinal ? 1 : 0);
  const want = callee.params.length - (callee.variadic ? 1 : 0);
  if (callee.variadic ? got >= want : got === want) return undefined;
  const atLeast = callee.variadic ? 'at least ' : '';
  return `wrong number of args for ${callee.name}: want ${atLeast}${want} got ${got}`;
}

function paramType({ params }: Callee, i: number): TypeName {
  return params[Math.min(i, params.length - 1)]!;
}

function shortCircuit(
  stopsAt: boolean,
  args: readonly Evaluate[],
  finalType: TypeName | undefined,
): Evaluate {
  return (state, dot, final) => {
    state.step();
    let value: Maybe;
    for (const argument of args) {
      value = argument(state, dot, undefined);
      if (isTrue(value) === stopsAt) return value;
    }
    return finalType === undefined ? value : final;
  };
}

/** The value as a parameter of that type takes it. */
export function checked(state: State, value: Maybe, type: TypeName): Maybe {
  if (type === valueType) return value;
  if (value === undefined) {
    return canBeNil(type) ? zeroOf(type) : state.fail(`invalid value; expected ${type}`);
  }
  if (assignable(value, type)) return value;
  const got = value === null ? anyType : typeName(value);
  return state.fail(`wrong type for value; expected ${type}; got ${got}`);
}

/** A literal as a parameter of that type takes it; undefined where the literal does not fit. */
export function constantFor(operand: Operand, declared: TypeName): Value | undefined {
  const type = declaredKinds[declared] ?? declared;
  if (operand.kind === 'bool') return type === 'bool' ? operand.value : undefined;
  if (operand.kind === 'string') return type === 'string' ? operand.value : undefined;
  if (operand.kind !== 'number') return undefined;
  const { int, uint, float } = operand.value;
  if (type === 'float64') return float;
  if (type === 'float32') return float === undefined ? undefined : new Float32(float);
  if (!isIntKind(type)) return undefined;
  const value = isUnsignedKind(type) ? uint : int;
  return value === undefined ? undefined : makeInt(type, value);
}

/** The nil literal for a parameter of that type. */
export function nilFor(type: TypeName): Maybe | 'refused' {
  if (type === valueType) return undefined;
  return canBeNil(type) ? zeroOf(type) : 'refused';
}

/** `call`: a function value with arguments already evaluated. */
export function callValue(
  method: { params: readonly TypeName[]; variadic?: boolean },
  args: readonly Maybe[],
): Value[] {
  const fixed = method.params.length - (method.variadic ? 1 : 0);
  if (method.variadic ? args.length < fixed : args.length !== fixed) {
    throw new GoError(
      `wrong number of args: got ${args.length} want ${method.variadic ? 'at least ' : ''}${fixed}`,
    );
  }
  return args.map((arg, i) => {
    const type = method.params[Math.min(i, method.params.length - 1)]!;
    if (arg === undefined || arg === null) {
      if (!canBeNil(type)) throw new GoError(`arg ${i}: value is nil; should be of type ${type}`);
      return zeroOf(type);
    }
    if (assignable(arg, type)) return arg;
    throw new GoError(`arg ${i}: value has type ${typeName(arg)}; should be ${type}`);
  });
}

export function isLazy(fn: GoFunction): fn is Extract<GoFunction, { load: unknown }> {
  return 'load' in fn;
}

/** Bytes of a `[]uint8` as a binary string, or undefined for any other value. */
export function bytesOf(value: Value): string | undefined {
  if (!(value instanceof Slice) || value.elem !== 'uint8') return undefined;
  let bytes = '';
  for (const item of value.items) bytes += String.fromCharCode(Number((item as { value: bigint }).value));
  return bytes;
}
