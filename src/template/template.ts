import { nearest } from '../base/nearest.ts';
import { builtins } from './builtins.ts';
import { isLazy } from './call.ts';
import { type Compiled, compile } from './compile.ts';
import { Failure, type Source, TemplateError } from './failure.ts';
import type { MissingKey } from './field.ts';
import { type Call, type FunctionTable, GoError } from './func.ts';
import { type Delimiters, defaultDelimiters } from './lex.ts';
import { type ParseOptions, parse, type Trees } from './parse.ts';
import { State, type World } from './state.ts';
import { fromText, toText, type Value } from './value.ts';

export type { World } from './state.ts';

export interface TemplateOptions {
  readonly functions: FunctionTable;
  readonly delimiters?: Delimiters;
  /** What a map key that is not there gives; `error` unless said otherwise. */
  readonly missingKey?: MissingKey;
  /** The template's text is secret itself: errors do not quote it. */
  readonly hidden?: boolean;
}

/** A template that was understood, and may be rendered any number of times. */
export interface Parsed {
  readonly source: Source;
  readonly templates: ReadonlyMap<string, Compiled>;
  /** Lazy functions that it names and that are not loaded yet; `load` empties it. */
  readonly pending: Map<string, () => Promise<Call>>;
  readonly loaded: Map<string, Call>;
}

/** Parses a template, given as a binary string (`fromText` makes one of JS text). Throws TemplateError for a
 * fault of the text, an unknown function among them. */
export function parseTemplate(name: string, text: string, options: TemplateOptions): Parsed {
  const source: Source = { name, text, hidden: options.hidden ?? false };
  const { functions } = options;
  const loaded = new Map<string, Call>();
  const used = new Set<string>();
  try {
    const trees = parseTrees(source, options, used);
    const setting = { functions, builtins, loaded, missingKey: options.missingKey ?? 'error' };
    return { source, templates: compile(trees, setting), pending: lazyOnes(functions, used), loaded };
  } catch (thrown) {
    throw asTemplateError(source, thrown);
  }
}

function parseTrees(source: Source, { functions, delimiters }: TemplateOptions, used: Set<string>): Trees {
  const names = (): string[] => [...Object.keys(functions), ...Object.keys(builtins)];
  const options: ParseOptions = {
    delimiters: {
      left: delimiters?.left || defaultDelimiters.left,
      right: delimiters?.right || defaultDelimiters.right,
    },
    hasFunction: (name) => {
      used.add(name);
      return Object.hasOwn(functions, name) || Object.hasOwn(builtins, name);
    },
    suggest: (name) => {
      const meant = nearest(toText(name), names());
      return meant === undefined ? undefined : `Did you mean ${meant}?`;
    },
  };
  return parse(source.name, source.text, options);
}

function lazyOnes(functions: FunctionTable, used: ReadonlySet<string>): Map<string, () => Promise<Call>> {
  const pending = new Map<string, () => Promise<Call>>();
  for (const name of used) {
    const fn = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (fn !== undefined && isLazy(fn)) pending.set(name, fn.load);
  }
  return pending;
}

/** Loads the heavy libraries that the template's functions need. */
export async function load(parsed: Parsed): Promise<void> {
  for (const [name, loadOne] of parsed.pending) {
    parsed.loaded.set(name, await loadOne());
    parsed.pending.delete(name);
  }
}

/** Renders a template whose functions are loaded; the result is a binary string. Throws TemplateError. */
export function execute(parsed: Parsed, dot: Value, world: World): string {
  if (parsed.pending.size > 0) throw new TypeError('The template is rendered before it is loaded.');
  const state = new State(dot, world);
  try {
    const root = parsed.templates.get(parsed.source.name)!;
    state.depth = root.levels;
    root.walk(state, dot);
    return state.output;
  } catch (thrown) {
    throw asTemplateError(parsed.source, thrown, state.at);
  }
}

/** Parses, loads and renders. Text goes in as JS text or a binary Buffer; bytes come out. */
export async function render(
  name: string,
  text: string | Buffer,
  { dot, world, ...options }: TemplateOptions & { dot: Value; world: World },
): Promise<Buffer> {
  const parsed = parseTemplate(
    name,
    typeof text === 'string' ? fromText(text) : text.toString('latin1'),
    options,
  );
  await load(parsed);
  return Buffer.from(execute(parsed, dot, world), 'latin1');
}

/** Whatever else is thrown is a fault of ours (or of the JavaScript engine's own bounds), whose message could
 * hold a value: only its name is told. */
function asTemplateError(source: Source, thrown: unknown, at = 0): TemplateError {
  if (thrown instanceof Failure) return new TemplateError(source, thrown);
  if (thrown instanceof GoError) return new TemplateError(source, new Failure('exec', at, thrown.message));
  const name = thrown instanceof Error ? thrown.name : 'error';
  return new TemplateError(source, new Failure('exec', at, `unexpected ${name}`));
}
