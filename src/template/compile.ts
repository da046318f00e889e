import { limits } from '../base/limits.ts';
import type { Evaluate } from './call.ts';
import { printable, sprint } from './fmt.ts';
import type { ActionNode, BranchNode, ListNode, Node, PipeNode, RangeNode, TemplateNode } from './node.ts';
import { Expressions, Levels, type Setting } from './operand.ts';
import type { Trees } from './parse.ts';
import { forEach } from './range.ts';
import type { Maybe, State } from './state.ts';
import { Func, isTrue, typeName } from './value.ts';

/** How a node left: normally, or by break or continue towards the range around it. */
type Left = 0 | 1 | 2;
const normally = 0;
const byBreak = 1;
const byContinue = 2;

type Walk = (state: State, dot: Maybe) => Left;

/** A template ready to render. */
export interface Compiled {
  readonly walk: Walk;
  /** Its own levels of nesting. */
  readonly levels: number;
}

/** Every template of a text, by name. */
export function compile(trees: Trees, setting: Setting): ReadonlyMap<string, Compiled> {
  const compiled = new Map<string, Compiled>();
  for (const [name, list] of trees) compiled.set(name, compileTemplate(list, setting, compiled));
  return compiled;
}

function compileTemplate(list: ListNode, setting: Setting, all: ReadonlyMap<string, Compiled>): Compiled {
  const levels = new Levels();
  const walk = new Compiler(new Expressions(setting, levels), levels, all).list(list);
  return { walk, levels: levels.deepest + 1 };
}

class Compiler {
  readonly #expressions: Expressions;
  readonly #levels: Levels;
  readonly #all: ReadonlyMap<string, Compiled>;

  constructor(expressions: Expressions, levels: Levels, all: ReadonlyMap<string, Compiled>) {
    this.#expressions = expressions;
    this.#levels = levels;
    this.#all = all;
  }

  list(nodes: ListNode): Walk {
    return this.#levels.enter(() => {
      const walks = nodes.map((node) => this.#node(node));
      return inSequence(walks);
    });
  }

  #node(node: Node): Walk {
    switch (node.kind) {
      case 'text': {
        const { text } = node;
        return (state) => {
          state.write(text);
          return normally;
        };
      }
      case 'action':
        return this.#action(node);
      case 'if':
      case 'with':
        return this.#branches(node);
      case 'range':
        return this.#range(node);
      case 'template':
        return this.#template(node);
      case 'break':
        return () => byBreak;
      case 'continue':
        return () => byContinue;
    }
  }

  #action({ at, pipe }: ActionNode): Walk {
    const evaluate = this.#expressions.pipe(pipe);
    if (pipe.variables.length > 0) {
      return (state, dot) => {
        evaluate(state, dot, undefined);
        return normally;
      };
    }
    return (state, dot) => {
      const value = evaluate(state, dot, undefined);
      state.at = at;
      state.write(typeof value === 'string' ? value : printed(state, value));
      return normally;
    };
  }

  #branches({ kind, branches, otherwise }: BranchNode): Walk {
    const tests = branches.map(({ pipe, body }) => ({
      test: this.#expressions.pipe(pipe),
      walk: this.list(body),
    }));
    const walkOtherwise = otherwise && this.list(otherwise);
    const isWith = kind === 'with';
    return (state, dot) => {
      const mark = state.names.length;
      let left: Left = normally;
      let taken = false;
      for (const { test, walk } of tests) {
        const value = test(state, dot, undefined);
        taken = isTrue(value);
        if (taken) {
          left = walk(state, isWith ? value : dot);
          break;
        }
      }
      if (!taken && walkOtherwise !== undefined) left = walkOtherwise(state, dot);
      state.pop(mark);
      return left;
    };
  }

  #range({ at, pipe, body, otherwise }: RangeNode): Walk {
    const evaluate = this.#expressions.pipe(pipe);
    const walkBody = this.list(body);
    const walkOtherwise = otherwise && this.list(otherwise);
    const bind = binder(pipe);
    const variableCount = pipe.variables.length;
    return (state, dot) => {
      state.at = at;
      const mark = state.names.length;
      const collection = evaluate(state, dot, undefined);
      const inner = state.names.length;
      const ran = forEach(state, collection, variableCount, (index, element) => {
        bind(state, index, element);
        const left = walkBody(state, element);
        state.pop(inner);
        return left === byBreak;
      });
      let left: Left = normally;
      if (!ran && walkOtherwise !== undefined) left = walkOtherwise(state, dot);
      state.pop(mark);
      // A break in the else part of a range ends this range, as it does in text/template.
      return left === byBreak ? normally : left;
    };
  }

  #template({ at, name, pipe }: TemplateNode): Walk {
    const evaluate: Evaluate = pipe === undefined ? () => undefined : this.#expressions.pipe(pipe);
    const all = this.#all;
    return (state, dot) => {
      state.at = at;
      const target = all.get(name);
      if (target === undefined) {
        return state.fail(`template ${JSON.stringify(name)} is not defined`, definedOnes(all));
      }
      invoke(state, target, evaluate(state, dot, undefined));
      return normally;
    };
  }
}

/** Renders a template within another: it sees no variable but its own `$`. */
function invoke(state: State, target: Compiled, dot: Maybe): void {
  const { names, values, at } = state;
  state.depth += target.levels;
  if (state.depth > limits.templateDepthCount) {
    state.fail(`templates within templates are nested deeper than ${limits.templateDepthCount} levels`);
  }
  state.names = ['$'];
  state.values = [dot];
  target.walk(state, dot);
  state.names = names;
  state.values = values;
  state.depth -= target.levels;
  state.at = at;
}

function inSequence(walks: readonly Walk[]): Walk {
  const cost = walks.length + 1;
  return (state, dot) => {
    state.step(cost);
    for (const walk of walks) {
      const left = walk(state, dot);
      if (left !== normally) return left;
    }
    return normally;
  };
}

/** Gives a range's variables their values of one iteration; a single one takes the element. */
function binder({ variables, assigns }: PipeNode): (state: State, index: Maybe, element: Maybe) => void {
  const [first, second] = variables;
  if (first === undefined) return () => {};
  if (assigns) {
    if (second === undefined) return (state, _index, element) => state.assign(first, element);
    return (state, index, element) => {
      state.assign(first, index);
      state.assign(second, element);
    };
  }
  const withIndex = second !== undefined;
  return (state, index, element) => {
    const { values } = state;
    values[values.length - 1] = element;
    if (withIndex) values[values.length - 2] = index;
  };
}

function printed(state: State, value: Maybe): string {
  if (value instanceof Func) return state.fail(`can't print a ${typeName(value)}`);
  return sprint([printable(value)], state);
}

function definedOnes(all: ReadonlyMap<string, Compiled>): string {
  return `The templates defined here are ${[...all.keys()].map((name) => JSON.stringify(name)).join(', ')}.`;
}
