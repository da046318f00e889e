import type { Literal } from './number.ts';

/** The parse tree. `at` is the offset in the source that Go reports for the node. */

export interface TextNode {
  readonly kind: 'text';
  readonly text: string;
}

export interface ActionNode {
  readonly kind: 'action';
  readonly at: number;
  readonly pipe: PipeNode;
}

/** `if` and `with`, their `else if` chains flat: the first branch that holds is taken. */
export interface BranchNode {
  readonly kind: 'if' | 'with';
  readonly branches: readonly { readonly pipe: PipeNode; readonly body: ListNode }[];
  readonly otherwise: ListNode | undefined;
}

export interface RangeNode {
  readonly kind: 'range';
  readonly at: number;
  readonly pipe: PipeNode;
  readonly body: ListNode;
  readonly otherwise: ListNode | undefined;
}

export interface TemplateNode {
  readonly kind: 'template';
  readonly at: number;
  readonly name: string;
  readonly pipe: PipeNode | undefined;
}

export interface JumpNode {
  readonly kind: 'break' | 'continue';
}

export type Node = TextNode | ActionNode | BranchNode | RangeNode | TemplateNode | JumpNode;

export type ListNode = readonly Node[];

export interface PipeNode {
  readonly kind: 'pipe';
  readonly at: number;
  /** Variables that it declares or (`assigns`) sets, without fields. */
  readonly variables: readonly string[];
  readonly assigns: boolean;
  readonly commands: readonly CommandNode[];
}

export interface CommandNode {
  readonly at: number;
  /** The operator first; never empty. */
  readonly operands: readonly Operand[];
}

export type Operand =
  | { readonly kind: 'dot' | 'nil'; readonly at: number }
  | { readonly kind: 'bool'; readonly at: number; readonly value: boolean }
  | { readonly kind: 'string'; readonly at: number; readonly value: string }
  | { readonly kind: 'number'; readonly at: number; readonly value: Literal }
  | { readonly kind: 'identifier'; readonly at: number; readonly name: string }
  | FieldNode
  | VariableNode
  | ChainNode
  | PipeNode;

/** `.a.b` */
export interface FieldNode {
  readonly kind: 'field';
  readonly at: number;
  readonly names: readonly string[];
}

/** `$x.a.b` */
export interface VariableNode {
  readonly kind: 'variable';
  readonly at: number;
  readonly variable: string;
  readonly names: readonly string[];
}

/** `(pipeline).a.b` or `function.a.b` */
export interface ChainNode {
  readonly kind: 'chain';
  readonly at: number;
  readonly base: Operand;
  readonly names: readonly string[];
}
