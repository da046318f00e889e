import {
  type Callee,
  checked,
  compileCall,
  constantFor,
  type Evaluate,
  isLazy,
  nilFor,
  valueType,
} from './call.ts';
import { fieldOf, type MissingKey, methodOf } from './field.ts';
import type { Call, FunctionTable } from './func.ts';
import type { ChainNode, CommandNode, FieldNode, Operand, PipeNode, VariableNode } from './node.ts';
import type { Maybe, State } from './state.ts';
import { anyType, isIntKind, isUnsignedKind, type Method, type TypeName, type Value } from './value.ts';

/** What the expressions of a text are compiled with. */
export interface Setting {
  readonly functions: FunctionTable;
  /** Go's own, which a function of `functions` of the same name replaces. */
  readonly builtins: FunctionTable;
  /** Bodies of lazy functions, once loaded. */
  readonly loaded: Map<string, Call>;
  readonly missingKey: MissingKey;
}

/** Counts levels of nesting, so that a render can bound its own recursion before it starts. */
export class Levels {
  #level = 0;
  deepest = 0;

  enter<T>(compile: () => T): T {
    this.#level++;
    this.deepest = Math.max(this.deepest, this.#level);
    const compiled = compile();
    this.#level--;
    return compiled;
  }
}

/**
 * Compiles pipelines to closures. Each sets `state.at` where text/template marks its current node, since
 * that is the place of an error.
 */
export class Expressions {
  readonly #setting: Setting;
  readonly #levels: Levels;

  constructor(setting: Setting, levels: Levels) {
    this.#setting = setting;
    this.#levels = levels;
  }

  pipe(pipe: PipeNode): Evaluate {
    return this.#levels.enter(() => this.#pipe(pipe));
  }

  #pipe({ at, commands, variables, assigns }: PipeNode): Evaluate {
    const stages = commands.map((command, i) => this.#command(command, i > 0));
    const [first] = stages;
    if (stages.length === 1 && variables.length === 0) {
      return (state, dot) => {
        state.at = at;
        return first!(state, dot, undefined) ?? undefined;
      };
    }
    return (state, dot) => {
      state.at = at;
      let value: Maybe;
      for (const stage of stages) value = stage(state, dot, value) ?? undefined;
      for (const name of variables) {
        if (assigns) state.assign(name, value);
        else state.push(name, value);
      }
      return value;
    };
  }

  #command({ at, operands }: CommandNode, hasFinal: boolean): Evaluate {
    const [operand, ...args] = operands as [Operand, ...Operand[]];
    const hasArguments = args.length > 0 || hasFinal;
    switch (operand.kind) {
      case 'field':
        return this.#field(operand, args, hasFinal);
      case 'chain':
        return this.#chain(operand, args, hasFinal);
      case 'identifier':
        return this.#call(operand, args, { at, hasFinal });
      case 'variable':
        return this.#variable(operand, args, hasFinal);
      case 'pipe':
        return hasArguments ? notAFunction : this.pipe(operand);
    }
    if (hasArguments) return markedAt(operand.at, notAFunction);
    if (operand.kind === 'nil') return markedAt(operand.at, (state) => state.fail('nil is not a command'));
    return this.#plain(operand);
  }

  #field({ at, names }: FieldNode, args: readonly Operand[], hasFinal: boolean): Evaluate {
    const walk = this.#names(names, at, args, hasFinal);
    return (state, dot, final) => {
      state.at = at;
      return walk(state, dot, final, dot);
    };
  }

  #variable({ at, variable, names }: VariableNode, args: readonly Operand[], hasFinal: boolean): Evaluate {
    if (names.length === 0) {
      const refused = args.length > 0 || hasFinal;
      return (state) => {
        state.at = at;
        const value = state.lookup(variable);
        return refused ? notAFunction(state) : value;
      };
    }
    const walk = this.#names(names, at, args, hasFinal);
    return (state, dot, final) => {
      state.at = at;
      return walk(state, dot, final, state.lookup(variable));
    };
  }

  #chain({ at, base, names }: ChainNode, args: readonly Operand[], hasFinal: boolean): Evaluate {
    const receiver = this.argument(base, anyReceiver);
    const walk = this.#names(names, at, args, hasFinal);
    return (state, dot, final) => {
      state.at = at;
      return walk(state, dot, final, receiver(state, dot, undefined));
    };
  }

  /** `.a.b.c` from a receiver on; the last may be a method with arguments. */
  #names(names: readonly string[], at: number, args: readonly Operand[], hasFinal: boolean): Walk {
    const { missingKey } = this.#setting;
    const withArguments = { missingKey, hasArguments: args.length > 0 || hasFinal };
    const without = { missingKey, hasArguments: false };
    const inner = names.slice(0, -1).map((name) => ({ name, call: this.#methodCall(name, at, [], false) }));
    const last = names.at(-1)!;
    const callLast = this.#methodCall(last, at, args, hasFinal);
    return (state, dot, final, start) => {
      let receiver = start;
      for (const { name, call } of inner) {
        const method = methodOf(receiver, name);
        receiver = method
          ? call(state, dot, undefined, receiver, method)
          : fieldOf(state, receiver, name, without);
      }
      const method = methodOf(receiver, last);
      if (method) return callLast(state, dot, final, receiver, method);
      return fieldOf(state, receiver, last, withArguments);
    };
  }

  /** Which method it is shows only when the receiver is there; what was compiled for it is kept. */
  #methodCall(name: string, at: number, args: readonly Operand[], hasFinal: boolean): MethodWalk {
    const compiled = new Map<Method, Evaluate>();
    let current: Maybe;
    const compileArgument = this.argument.bind(this);
    return (state, dot, final, receiver, method) => {
      let call = compiled.get(method);
      if (call === undefined) {
        const body: Call = (values, context) => method.call(current as never, values, context);
        const callee = { name, params: method.params, variadic: method.variadic ?? false, call: () => body };
        call = compileCall(callee, { at, args, hasFinal, compileArgument });
        compiled.set(method, call);
      }
      const outer = current;
      current = receiver;
      try {
        return call(state, dot, final);
      } finally {
        current = outer;
      }
    };
  }

  #call(
    { at, name }: { at: number; name: string },
    args: readonly Operand[],
    site: { at: number; hasFinal: boolean },
  ): Evaluate {
    const compileArgument = this.argument.bind(this);
    return markedAt(at, compileCall(this.#callee(name), { ...site, args, compileArgument }));
  }

  #callee(name: string): Callee {
    const { functions, builtins, loaded } = this.#setting;
    const isBuiltin = !Object.hasOwn(functions, name);
    const fn = (isBuiltin ? builtins : functions)[name]!;
    const { params, variadic } = fn;
    const lazyBody = (): Call => loaded.get(name)!;
    const call = isLazy(fn) ? lazyBody : () => fn.call;
    const callee = { name, params, variadic, call };
    if (!isBuiltin || (name !== 'and' && name !== 'or')) return callee;
    return { ...callee, stopsAt: name === 'or' };
  }

  /** An operand as the argument of a parameter of that type. */
  argument(operand: Operand, type: TypeName): Evaluate {
    return this.#levels.enter(() => this.#argument(operand, type));
  }

  #argument(operand: Operand, type: TypeName): Evaluate {
    switch (operand.kind) {
      case 'dot':
        return markedAt(operand.at, (state, dot) => checked(state, dot, type));
      case 'field':
        return checkedAs(type, this.#field(operand, [], false));
      case 'variable':
        return checkedAs(type, this.#variable(operand, [], false));
      case 'chain':
        return checkedAs(type, this.#chain(operand, [], false));
      case 'identifier':
        return checkedAs(type, this.#call(operand, [], { at: operand.at, hasFinal: false }));
      case 'pipe':
        return checkedAs(type, this.pipe(operand));
      case 'nil': {
        const value = nilFor(type);
        return markedAt(operand.at, (state) =>
          value === 'refused' ? state.fail(`cannot assign nil to ${type}`) : value,
        );
      }
    }
    if (type === anyType || type === valueType) return this.#plain(operand);
    const value = constantFor(operand, type);
    if (value === undefined) return markedAt(operand.at, (state) => state.fail(`expected ${expected(type)}`));
    return markedAt(operand.at, () => value);
  }

  /** A literal or dot where nothing asks for a kind. */
  #plain(operand: Operand): Evaluate {
    switch (operand.kind) {
      case 'dot':
        return markedAt(operand.at, (_state, dot) => dot);
      case 'bool':
      case 'string': {
        const { value } = operand;
        return markedAt(operand.at, () => value);
      }
      case 'number': {
        const { int, float, isFloat } = operand.value;
        const value: Value | undefined = isFloat ? float : int;
        if (value !== undefined) return markedAt(operand.at, () => value);
        return markedAt(operand.at, (state) => state.fail('the number overflows int'));
      }
    }
    throw new TypeError(`no literal: ${operand.kind}`);
  }
}

/** Go evaluates the base of a chain for no type at all; nothing is checked. */
const anyReceiver = valueType;

type Walk = (state: State, dot: Maybe, final: Maybe, receiver: Maybe) => Maybe;
type MethodWalk = (state: State, dot: Maybe, final: Maybe, receiver: Maybe, method: Method) => Maybe;

const notAFunction = (state: State): never => state.fail("can't give an argument to what is no function");

/** The same, with its place marked first. */
function markedAt(at: number, evaluate: Evaluate): Evaluate {
  return (state, dot, final) => {
    state.at = at;
    return evaluate(state, dot, final);
  };
}

function checkedAs(type: TypeName, evaluate: Evaluate): Evaluate {
  if (type === valueType) return evaluate;
  return (state, dot) => checked(state, evaluate(state, dot, undefined), type);
}

function expected(type: TypeName): string {
  if (type === 'bool' || type === 'string') return type;
  if (type === 'float64' || type === 'float32') return 'float';
  if (!isIntKind(type)) return type;
  return isUnsignedKind(type) ? 'unsigned integer' : 'integer';
}
