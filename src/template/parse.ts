import { limits } from '../base/limits.ts';
import { Failure } from './failure.ts';
import { type Delimiters, Lexer, type Token, type TokenKind } from './lex.ts';
import type { BranchNode, CommandNode, ListNode, Node, Operand, PipeNode } from './node.ts';
import { parseChar, parseComplex, parseNumber } from './number.ts';
import { unquote } from './quote.ts';
import { toText } from './value.ts';

/** Every template that a text defines, itself included under its own name. */
export type Trees = ReadonlyMap<string, ListNode>;

export interface ParseOptions {
  readonly delimiters: Delimiters;
  hasFunction(name: string): boolean;
  /** What to suggest for a function that there is not. */
  suggest(name: string): string | undefined;
}

/** Parses a whole text (a binary string); throws Failure of phase `parse`. */
export function parse(name: string, text: string, options: ParseOptions): Trees {
  const trees = new Map<string, ListNode>();
  const lexer = new Lexer(text, options.delimiters);
  new Parser({ lexer, trees, options, depth: 0 }).whole(name);
  return trees;
}

interface Shared {
  readonly lexer: Lexer;
  readonly trees: Map<string, ListNode>;
  readonly options: ParseOptions;
  depth: number;
}

/** What ends a list of nodes. */
type Ending = { readonly kind: 'end'; readonly at: number } | { readonly kind: 'else'; readonly at: number };

const operandKinds: ReadonlySet<TokenKind> = new Set([
  'bool',
  'char-constant',
  'complex',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'raw-string',
  'string',
  'variable',
  'left-paren',
]);

/**
 * Parses one template; `define` and `block` start another on the same tokens, with variables and lookahead
 * of its own.
 */
class Parser {
  readonly #shared: Shared;
  readonly #variables = new Scope();
  /** Tokens read ahead, the next one last. */
  readonly #ahead: Token[] = [];
  /** The last token that the lexer gave: its line is the one that Go reports. */
  #last: Token | undefined;
  #rangeDepth = 0;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  whole(name: string): void {
    const nodes: Node[] = [];
    while (this.#peek().kind !== 'eof') {
      if (this.#peek().kind === 'left-delim') {
        const delimiter = this.#next();
        const word = this.#nextNonSpace();
        if (word.kind === 'define') {
          new Parser(this.#shared).definition();
          continue;
        }
        this.#ahead.push(word, delimiter);
      }
      const node = this.#textOrAction();
      if (node.kind === 'end' || node.kind === 'else') this.#fail(node.at, `unexpected {{${node.kind}}}`);
      else nodes.push(node);
    }
    this.#add(name, nodes);
  }

  /** `{{define "name"}} … {{end}}`, the keyword read. */
  definition(): void {
    const token = this.#nextNonSpace();
    const name = this.#templateName(token, 'define clause');
    this.#expect('right-delim', 'define clause');
    this.#add(name, this.#body('define clause'));
  }

  #body(context: string): ListNode {
    const { list, ending } = this.#list();
    if (ending.kind !== 'end') this.#fail(ending.at, `unexpected {{else}} in ${context}`);
    return list;
  }

  /** A template of nothing but space and comments neither replaces another nor forbids it. */
  #add(name: string, list: ListNode): void {
    const { trees } = this.#shared;
    const present = trees.get(name);
    if (present === undefined || isEmpty(present)) trees.set(name, list);
    else if (!isEmpty(list))
      this.#fail(this.#last?.offset ?? 0, `the template ${JSON.stringify(name)} is defined twice`);
  }

  #list(): { list: ListNode; ending: Ending } {
    const list: Node[] = [];
    while (this.#peekNonSpace().kind !== 'eof') {
      const node = this.#textOrAction();
      if (node.kind === 'end' || node.kind === 'else') return { list, ending: node };
      list.push(node);
    }
    return this.#fail(this.#peek().offset, 'the template ends before an {{end}} that is due');
  }

  #textOrAction(): Node | Ending {
    const token = this.#nextNonSpace();
    if (token.kind === 'text') return { kind: 'text', text: token.text };
    if (token.kind === 'left-delim') return this.#action();
    return this.#unexpected(token, 'input');
  }

  #action(): Node | Ending {
    const token = this.#nextNonSpace();
    switch (token.kind) {
      case 'if':
      case 'with':
        return this.#nested(token, () => this.#branches(token.kind as 'if' | 'with'));
      case 'range':
        return this.#nested(token, () => this.#range());
      case 'block':
        return this.#nested(token, () => this.#block());
      case 'template':
        return this.#template();
      case 'break':
      case 'continue':
        return this.#jump(token.kind);
      case 'end':
        return { kind: 'end', at: this.#expect('right-delim', 'end').offset };
      case 'else':
        return this.#else();
    }
    this.#ahead.push(token);
    return { kind: 'action', at: token.offset, pipe: this.#pipeline('command', 'right-delim') };
  }

  /** No template may make us recurse without bound, here or when it is rendered. */
  #nested<T>(token: Token, parseBody: () => T): T {
    if (this.#shared.depth >= limits.templateNestingCount) {
      this.#fail(token.offset, `nested deeper than ${limits.templateNestingCount} levels`);
    }
    this.#shared.depth++;
    const parsed = parseBody();
    this.#shared.depth--;
    return parsed;
  }

  #branches(kind: 'if' | 'with'): BranchNode {
    const mark = this.#variables.mark();
    const branches: { pipe: PipeNode; body: ListNode }[] = [];
    let otherwise: ListNode | undefined;
    for (;;) {
      const pipe = this.#pipeline(kind, 'right-delim');
      const { list, ending } = this.#list();
      branches.push({ pipe, body: list });
      if (ending.kind === 'end') break;
      if (this.#peek().kind !== kind) {
        otherwise = this.#otherwise();
        break;
      }
      this.#next();
    }
    this.#variables.pop(mark);
    return { kind, branches, otherwise };
  }

  #otherwise(): ListNode {
    const { list, ending } = this.#list();
    if (ending.kind !== 'end') this.#fail(ending.at, 'expected {{end}}, found {{else}}');
    return list;
  }

  #range(): Node {
    const mark = this.#variables.mark();
    const pipe = this.#pipeline('range', 'right-delim');
    this.#rangeDepth++;
    const { list, ending } = this.#list();
    this.#rangeDepth--;
    const otherwise = ending.kind === 'else' ? this.#otherwise() : undefined;
    this.#variables.pop(mark);
    return { kind: 'range', at: pipe.at, pipe, body: list, otherwise };
  }

  /** `{{else}}`; of `{{else if` and `{{else with` the second word is left for the caller. */
  #else(): Ending {
    const next = this.#peekNonSpace();
    if (next.kind === 'if' || next.kind === 'with') return { kind: 'else', at: next.offset };
    return { kind: 'else', at: this.#expect('right-delim', 'else').offset };
  }

  #jump(kind: 'break' | 'continue'): Node {
    const token = this.#nextNonSpace();
    if (token.kind !== 'right-delim') this.#unexpected(token, `{{${kind}}}`);
    if (this.#rangeDepth === 0) this.#fail(token.offset, `{{${kind}}} outside {{range}}`);
    return { kind };
  }

  #block(): Node {
    const token = this.#nextNonSpace();
    const name = this.#templateName(token, 'block clause');
    const pipe = this.#pipeline('block clause', 'right-delim');
    const inner = new Parser(this.#shared);
    const { list, ending } = inner.#list();
    if (ending.kind !== 'end') this.#fail(ending.at, 'unexpected {{else}} in block clause');
    inner.#add(name, list);
    return { kind: 'template', at: token.offset, name, pipe };
  }

  #template(): Node {
    const token = this.#nextNonSpace();
    const name = this.#templateName(token, 'template clause');
    const next = this.#nextNonSpace();
    if (next.kind === 'right-delim') return { kind: 'template', at: token.offset, name, pipe: undefined };
    this.#ahead.push(next);
    return {
      kind: 'template',
      at: token.offset,
      name,
      pipe: this.#pipeline('template clause', 'right-delim'),
    };
  }

  #templateName(token: Token, context: string): string {
    if (token.kind !== 'string' && token.kind !== 'raw-string') return this.#unexpected(token, context);
    return this.#unquoted(token);
  }

  #unquoted(token: Token): string {
    return unquote(token.text) ?? this.#fail(token.offset, 'invalid syntax in a quoted string');
  }

  #pipeline(context: string, end: TokenKind): PipeNode {
    const at = this.#peekNonSpace().offset;
    const { variables, assigns } = this.#declarations(context);
    const commands: CommandNode[] = [];
    for (;;) {
      const token = this.#nextNonSpace();
      if (token.kind === end) break;
      if (!operandKinds.has(token.kind)) this.#unexpected(token, context);
      this.#ahead.push(token);
      commands.push(this.#command());
    }
    this.#checkPipeline(commands, context, at);
    return { kind: 'pipe', at, variables, assigns, commands };
  }

  #checkPipeline(commands: readonly CommandNode[], context: string, at: number): void {
    if (commands.length === 0) this.#fail(at, `missing value for ${context}`);
    commands.forEach(({ at, operands }, i) => {
      const { kind } = operands[0]!;
      if (
        i > 0 &&
        (kind === 'bool' || kind === 'dot' || kind === 'nil' || kind === 'number' || kind === 'string')
      ) {
        this.#fail(at, `stage ${i + 1} of the pipeline is no function`);
      }
    });
  }

  /** `$x :=`, `$x =`, or of a range `$i, $x :=`; a variable followed by anything else is an operand. */
  #declarations(context: string): { variables: string[]; assigns: boolean } {
    const variables: string[] = [];
    for (;;) {
      const variable = this.#peekNonSpace();
      if (variable.kind !== 'variable') return { variables, assigns: false };
      this.#next();
      const after = this.#peek();
      const next = this.#peekNonSpace();
      const isList = next.kind === 'char' && next.text === ',';
      if (next.kind !== 'assign' && next.kind !== 'declare' && !isList) {
        if (after.kind === 'space') this.#ahead.push(after);
        this.#ahead.push(variable);
        return { variables, assigns: false };
      }
      this.#nextNonSpace();
      variables.push(variable.text);
      this.#variables.declare(variable.text);
      if (!isList) return { variables, assigns: next.kind === 'assign' };
      if (context !== 'range' || variables.length > 1)
        this.#fail(next.offset, `too many declarations in ${context}`);
      const second = this.#peekNonSpace();
      if (second.kind !== 'variable' && second.kind !== 'right-delim' && second.kind !== 'right-paren') {
        this.#fail(second.offset, 'range can only initialize variables');
      }
    }
  }

  #command(): CommandNode {
    const at = this.#peekNonSpace().offset;
    const operands: Operand[] = [];
    for (;;) {
      this.#peekNonSpace();
      const operand = this.#operand();
      if (operand !== undefined) operands.push(operand);
      const token = this.#next();
      if (token.kind === 'space') continue;
      if (token.kind === 'right-delim' || token.kind === 'right-paren') this.#ahead.push(token);
      else if (token.kind !== 'pipe') this.#unexpected(token, 'operand');
      break;
    }
    if (operands.length === 0) this.#fail(at, 'empty command');
    return { at, operands };
  }

  /** A term with the fields taken of it: `$x.a.b`, `(f 1).a`. */
  #operand(): Operand | undefined {
    const term = this.#term();
    if (term === undefined || this.#peek().kind !== 'field') return term;
    const at = this.#peek().offset;
    const names: string[] = [];
    while (this.#peek().kind === 'field') names.push(this.#next().text.slice(1));
    switch (term.kind) {
      case 'field':
      case 'variable':
        return { ...term, at, names: [...term.names, ...names] };
      case 'identifier':
      case 'pipe':
        return { kind: 'chain', at, base: term, names };
    }
    return this.#fail(at, 'unexpected . after a literal, dot or nil');
  }

  #term(): Operand | undefined {
    const token = this.#nextNonSpace();
    const at = token.offset;
    switch (token.kind) {
      case 'identifier':
        return this.#identifier(token);
      case 'dot':
      case 'nil':
        return { kind: token.kind, at };
      case 'variable':
        if (!this.#variables.has(token.text)) this.#undefinedVariable(token);
        return { kind: 'variable', at, variable: token.text, names: [] };
      case 'field':
        return { kind: 'field', at, names: [token.text.slice(1)] };
      case 'bool':
        return { kind: 'bool', at, value: token.text === 'true' };
      case 'number':
      case 'char-constant':
      case 'complex':
        return this.#number(token);
      case 'string':
      case 'raw-string':
        return { kind: 'string', at, value: this.#unquoted(token) };
      case 'left-paren':
        return this.#nested(token, () => this.#pipeline('parenthesized pipeline', 'right-paren'));
    }
    this.#ahead.push(token);
    return undefined;
  }

  #identifier(token: Token): Operand {
    const { options } = this.#shared;
    if (!options.hasFunction(token.text)) {
      const suggestion = options.suggest(token.text);
      this.#fail(token.offset, `there is no function ${JSON.stringify(token.text)}`, suggestion);
    }
    return { kind: 'identifier', at: token.offset, name: token.text };
  }

  #undefinedVariable(token: Token): never {
    const known = this.#variables.names().filter((name) => name !== '$');
    const remedy = known.length === 0 ? undefined : `the variables declared here are ${known.join(', ')}`;
    return this.#fail(token.offset, `undefined variable ${token.text}`, remedy);
  }

  #number(token: Token): Operand {
    const parseAs = { number: parseNumber, 'char-constant': parseChar, complex: parseComplex }[
      token.kind as 'number' | 'char-constant' | 'complex'
    ];
    const value = parseAs(token.text);
    if (typeof value === 'string') this.#fail(token.offset, value);
    return { kind: 'number', at: token.offset, value: value as Exclude<typeof value, string> };
  }

  #next(): Token {
    const ahead = this.#ahead.pop();
    if (ahead !== undefined) return ahead;
    this.#last = this.#shared.lexer.next();
    return this.#last;
  }

  #peek(): Token {
    const token = this.#next();
    this.#ahead.push(token);
    return token;
  }

  #nextNonSpace(): Token {
    let token = this.#next();
    while (token.kind === 'space') token = this.#next();
    return token;
  }

  #peekNonSpace(): Token {
    const token = this.#nextNonSpace();
    this.#ahead.push(token);
    return token;
  }

  #expect(kind: TokenKind, context: string): Token {
    const token = this.#nextNonSpace();
    return token.kind === kind ? token : this.#unexpected(token, context);
  }

  #unexpected(token: Token, context: string): never {
    if (token.kind === 'error') return this.#fail(token.offset, token.text);
    const what = token.kind === 'eof' ? 'end of the template' : JSON.stringify(token.text.slice(0, 40));
    return this.#fail(token.offset, `unexpected ${what} in ${context}`);
  }

  #fail(offset: number, reason: string, remedy?: string): never {
    throw new Failure('parse', offset, reason, {
      ...(remedy === undefined ? {} : { remedy }),
      ...(this.#last === undefined ? {} : { goLine: this.#last.line }),
    });
  }
}

/** The variables known at a point of the text, innermost last. */
class Scope {
  readonly #declared = ['$'];
  readonly #counts = new Map([['$', 1]]);

  mark(): number {
    return this.#declared.length;
  }

  pop(mark: number): void {
    for (const name of this.#declared.splice(mark)) this.#counts.set(name, this.#counts.get(name)! - 1);
  }

  declare(name: string): void {
    this.#declared.push(name);
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  has(name: string): boolean {
    return (this.#counts.get(name) ?? 0) > 0;
  }

  names(): string[] {
    return [...new Set(this.#declared)];
  }
}

function isEmpty(list: ListNode): boolean {
  return list.every((node) => node.kind === 'text' && /^[\t-\r \x85\p{Z}]*$/u.test(toText(node.text)));
}
