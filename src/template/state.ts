import { limits } from '../base/limits.ts';
import { Failure } from './failure.ts';
import type { CallContext } from './func.ts';
import type { Value } from './value.ts';

/** A value, or undefined where Go has no value at all: a missing map key, the result of a nil pipeline. It
 * prints `<no value>`, while a nil (null) that is an argument prints `<nil>`. */
export type Maybe = Value | undefined;

/** What renders have of the world; see CallContext. */
export interface World {
  now(): number;
  readonly zone: string;
  randomBytes(count: number): Buffer;
  /** CPU time of this thread, ms; the process's own unless a test has another. */
  cpuMs?(): number;
}

const stepsPerLook = 1_000;

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** One rendering: its output so far, variables, place and what it has used of its budget. */
export class State implements CallContext {
  /** Offset of the node being evaluated: where an error is. */
  at = 0;
  output = '';
  /** Variables of the template being rendered, innermost last. */
  names: string[] = ['$'];
  values: Maybe[];
  /** Levels of nesting above. */
  depth = 0;
  readonly root: Maybe;
  readonly zone: string;
  readonly #world: World;
  #steps = 0;
  #nextLook = stepsPerLook;
  #beganMs: number | undefined;
  #work = 0;

  constructor(dot: Value, world: World) {
    this.root = dot;
    this.values = [dot];
    this.zone = world.zone;
    this.#world = world;
  }

  now(): number {
    return this.#world.now();
  }

  randomBytes(count: number): Buffer {
    return this.#world.randomBytes(count);
  }

  step(count = 1): void {
    this.#steps += count;
    if (this.#steps > limits.templateStepCount) {
      this.fail(`more than ${limits.templateStepCount} steps`);
    }
    if (this.#steps >= this.#nextLook) this.#look();
  }

  /** What steps do not tell well, as how much of a text a search reads, CPU time does. */
  #look(): void {
    this.#nextLook = this.#steps + stepsPerLook;
    const spentMs = this.#world.cpuMs?.() ?? threadCpuMs();
    this.#beganMs ??= spentMs;
    if (spentMs - this.#beganMs > limits.templateCpuMs) {
      this.fail(`takes more than ${limits.templateCpuMs / 1000} s of CPU time`);
    }
  }

  grow(byteCount: number): void {
    this.#work += byteCount;
    if (this.#work > limits.templateWorkBytes) {
      this.fail(`makes more than ${limits.templateWorkBytes} bytes of text on the way`);
    }
  }

  write(text: string): void {
    this.output += text;
    if (this.output.length > limits.templateOutputBytes) {
      this.fail(`the output is larger than ${limits.templateOutputBytes} bytes`);
    }
  }

  fail(reason: string, remedy?: string): never {
    throw new Failure('exec', this.at, reason, remedy === undefined ? {} : { remedy });
  }

  push(name: string, value: Maybe): void {
    this.names.push(name);
    this.values.push(value);
  }

  pop(mark: number): void {
    this.names.length = mark;
    this.values.length = mark;
  }

  lookup(name: string): Maybe {
    return this.values[this.#find(name)];
  }

  assign(name: string, value: Maybe): void {
    this.values[this.#find(name)] = value;
  }

  /** The parser refuses most unknown variables, but not one that is only assigned, nor one declared in a
   * branch that was not taken. */
  #find(name: string): number {
    const last = this.names.length - 1;
    for (let i = last; i >= 0; i--) {
      if (this.names[i] === name) {
        if (last - i > 64) this.step((last - i) >> 6);
        return i;
      }
    }
    return this.fail(`undefined variable ${name}`, `Declare it first: {{ ${name} := … }}`);
  }
}
