import { TemplateError } from '../../src/template/failure.ts';
import type { MissingKey } from '../../src/template/field.ts';
import type { FunctionTable } from '../../src/template/func.ts';
import { GoError } from '../../src/template/func.ts';
import { execute, load, parseTemplate } from '../../src/template/template.ts';
import { isValidUtf8 } from '../../src/template/utf8.ts';
import {
  anySlice,
  dict,
  Float32,
  fromText,
  GoMap,
  Int,
  type IntKind,
  Named,
  type NamedType,
  Slice,
  Struct,
  stringSlice,
  type Value,
  zeroOf,
} from '../../src/template/value.ts';

/** The golden corpus as the Go generator reads it (test/golden/template/generate/run.go says what is what). */

export interface Family {
  readonly functions: 'none' | 'eso';
  /** Data of the cases that bring none, and whether it is typed. */
  readonly data?: Readonly<Record<string, Tagged>>;
  readonly typed?: boolean;
  readonly cases: readonly Case[];
}

export interface Case {
  readonly name: string;
  readonly kind?: 'yaml';
  readonly template: string;
  readonly data?: Readonly<Record<string, Tagged>>;
  readonly typed?: boolean;
  readonly missingKey?: MissingKey;
  readonly left?: string;
  readonly right?: string;
}

/** A string, a boolean, null, or an object of one member that names a Go type: `{"int8": "5"}`. */
export type Tagged = string | boolean | null | { readonly [tag: string]: unknown };

export interface Outcome {
  readonly output?: string;
  readonly base64?: string;
  readonly error?: { readonly phase: string; readonly line: number; readonly column?: number };
}

const world = {
  now: (): number => Date.now(),
  zone: 'UTC',
  randomBytes: (count: number): Buffer => Buffer.alloc(count, 7),
};

/** Renders a case; the outcome is in the form that the generator writes. */
export async function outcomeOf(testCase: Case, functions: FunctionTable): Promise<Outcome> {
  try {
    const parsed = parseTemplate('case', fromText(testCase.template), {
      functions,
      missingKey: testCase.missingKey ?? 'error',
      ...(testCase.left || testCase.right
        ? { delimiters: { left: fromText(testCase.left ?? ''), right: fromText(testCase.right ?? '') } }
        : {}),
    });
    await load(parsed);
    return written(execute(parsed, dotOf(testCase), world));
  } catch (thrown) {
    if (!(thrown instanceof TemplateError)) throw thrown;
    const { line, column } = thrown.go;
    return { error: { phase: thrown.phase, line, ...(column === undefined ? {} : { column }) } };
  }
}

function written(binary: string): Outcome {
  const bytes = Buffer.from(binary, 'latin1');
  return isValidUtf8(binary) ? { output: bytes.toString('utf8') } : { base64: bytes.toString('base64') };
}

export function dotOf({ data = {}, typed = false }: Case): Value {
  const entries = Object.entries(data).map(([key, value]) => [fromText(key), decode(value)] as const);
  return typed ? dict(entries) : new GoMap('string', 'string', entries);
}

function decode(tagged: Tagged): Value {
  if (tagged === null || typeof tagged === 'boolean') return tagged;
  if (typeof tagged === 'string') return fromText(tagged);
  const [tag, content] = Object.entries(tagged)[0]!;
  const decoder = decoders[tag];
  if (decoder !== undefined) return decoder(content as never);
  return new Int(tag as IntKind, BigInt(content as string));
}

const decoders: Readonly<Record<string, (content: never) => Value>> = {
  list: (items: readonly Tagged[]) => anySlice(items.map(decode)),
  dict: (members: Record<string, Tagged>) =>
    dict(Object.entries(members).map(([key, value]) => [fromText(key), decode(value)])),
  '[]string': (items: readonly string[]) => stringSlice(items.map(fromText)),
  '[]int': (items: readonly number[]) => new Slice('int', items.map(BigInt)),
  'map[string]string': (members: Record<string, string>) =>
    new GoMap(
      'string',
      'string',
      Object.entries(members).map(([key, value]) => [fromText(key), fromText(value)]),
    ),
  'map[int]string': (members: Record<string, string>) =>
    new GoMap(
      'int',
      'string',
      Object.entries(members).map(([key, value]) => [BigInt(key), fromText(value)]),
    ),
  base64: (text: string) => Buffer.from(text, 'base64').toString('latin1'),
  bytes: (text: string) =>
    new Slice(
      'uint8',
      [...Buffer.from(text, 'base64')].map((byte) => new Int('uint8', BigInt(byte))),
    ),
  int: (text: string) => BigInt(text),
  float64: (text: string) => float(text),
  float32: (text: string) => new Float32(float(text)),
  label: (text: string) => new Named(label, fromText(text)),
  point: (text: string) => makePoint(text, false),
  '*point': (text: string) => makePoint(text, true),
  nil: (type: string) =>
    type === '*point' ? new Struct(point, undefined, { pointer: true, isNil: true }) : zeroOf(type),
};

function float(text: string): number {
  if (/^[+-]?Inf$/.test(text))
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}

const label: NamedType = {
  name: 'main.Label',
  kind: 'string',
  text: (receiver: Named) => `label ${receiver.value}`,
};

const point: NamedType = {
  name: 'main.Point',
  kind: 'struct',
  methods: {
    Sum: {
      params: ['int'],
      call: (receiver: Struct, [add]) => (receiver.fields.get('X') as bigint) + (add as bigint),
    },
    Join: {
      params: ['string', 'string'],
      variadic: true,
      call: (receiver: Struct, [separator, ...rest]) =>
        `${receiver.fields.get('Name')}${separator}${rest.length}`,
    },
    Fail: {
      params: [],
      call: () => {
        throw new GoError('failed');
      },
    },
  },
};

function makePoint(text: string, pointer: boolean): Struct {
  const fields = new Map<string, Value>([
    ['X', BigInt(text)],
    ['Name', `p${text}`],
    ['hidden', true],
  ]);
  return new Struct(point, undefined, { fields, pointer });
}
