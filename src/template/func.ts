import type { Float32, GoMap, Int, Slice, Struct, TypeName, Value } from './value.ts';

/**
 * How a Go function is offered to templates. The engine checks and converts arguments by the declared
 * parameter types exactly as text/template does (constants to the parameter's kind, nil where Go allows
 * it, "wrong type for value", "wrong number of args"), so `call` may rely on them.
 */
export type GoFunction = EagerFunction | LazyFunction;

interface Signature {
  /** Types as `%T` writes them. */
  readonly params: readonly TypeName[];
  /** The last of `params` is then the type of each further argument (none is fine). */
  readonly variadic: boolean;
}

export interface EagerFunction extends Signature {
  readonly call: Call;
}

/** One that needs a heavy library: `load` runs once before the first render of a template that uses it. */
export interface LazyFunction extends Signature {
  readonly load: () => Promise<Call>;
}

/** Arguments in order, those of the variadic part included; throws GoError for what Go returns as error
 * or panics with. */
export type Call = (args: readonly Value[], context: CallContext) => Value;

export type FunctionTable = Readonly<Record<string, GoFunction>>;

/** What functions may know of the world. */
export interface CallContext {
  /** Wall clock, ms since the epoch. */
  now(): number;
  /** IANA name of Go's time.Local; `UTC` where ESO runs. */
  readonly zone: string;
  /** From a cryptographic source, but in tests. */
  randomBytes(count: number): Buffer;
  /** Counts work against the render's step budget; call once per element in loops that a template's
   * numbers or lists make long, before doing the work. */
  step(count?: number): void;
  /** Counts bytes of a string about to be made, where arguments can make it longer than themselves
   * (`repeat`, `indent`, padding); call before making it. */
  grow(byteCount: number): void;
}

/** An error that the function returns in Go, or a panic of its. The message names no argument's value:
 * what a template works on is secret. */
export class GoError extends Error {
  override readonly name = 'GoError';
}

/** What `call` gets for a declared type. */
interface ArgumentOf {
  string: string;
  bool: boolean;
  int: bigint;
  int64: Int;
  int32: Int;
  uint8: Int;
  uint32: Int;
  float64: number;
  float32: Float32;
  'interface {}': Value;
  '[]string': Slice;
  '[]interface {}': Slice;
  'map[string]interface {}': GoMap;
  'map[string]string': GoMap;
  'time.Time': Struct;
  'sprig.certificate': Struct;
  /** A constant, since nothing else is of that type. */
  'sprig.HashAlgorithm': string;
}

type Param = keyof ArgumentOf;
type Arguments<P extends readonly Param[]> = { [I in keyof P]: ArgumentOf[P[I]] };

/** A function of fixed parameters: `func(['string', 'int'], (text, count) => …)`; the context comes last. */
export function func<const P extends readonly Param[]>(
  params: P,
  body: (...args: [...Arguments<P>, CallContext]) => Value,
): EagerFunction {
  const untyped = body as unknown as (...args: readonly unknown[]) => Value;
  return { params, variadic: false, call: (args, context) => untyped(...args, context) };
}

/** A function whose last parameter is variadic: `variadic(['string'], 'int', (text, counts) => …)`. */
export function variadic<const P extends readonly Param[], R extends Param>(
  params: P,
  rest: R,
  body: (...args: [...Arguments<P>, ArgumentOf[R][], CallContext]) => Value,
): EagerFunction {
  const untyped = body as unknown as (...args: readonly unknown[]) => Value;
  const fixed = params.length;
  return {
    params: [...params, rest],
    variadic: true,
    call: (args, context) => untyped(...args.slice(0, fixed), args.slice(fixed), context),
  };
}

/** The same function, its body loaded when a template that uses it is first rendered:
 * `lazy(['string'], false, async () => (await import('./regexps.ts')).regexMatch)`. */
export function lazy(params: readonly Param[], isVariadic: boolean, load: () => Promise<Call>): LazyFunction {
  return { params, variadic: isVariadic, load };
}
