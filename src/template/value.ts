/**
 * Go's values as the template engine holds them.
 *
 * | Go | here |
 * |---|---|
 * | `string` | a binary string: one char (0 to 255) per byte; decoded as UTF-8 only where Go decodes |
 * | `bool` | boolean |
 * | `int` | bigint, always within 64 signed bits (`wrap`) |
 * | `float64` | number |
 * | other integers, `float32` | `Int`, `Float32` |
 * | nil interface | null |
 * | slice, map, struct, pointer to struct, function | `Slice`, `GoMap`, `Struct`, `Func` |
 * | a named type over a string, float, bool, slice or map | `Named` |
 */
export type Value =
  | null
  | string
  | boolean
  | bigint
  | number
  | Int
  | Float32
  | Slice
  | GoMap
  | Struct
  | Func
  | Named;

/** A Go type as `%T` writes it: `string`, `[]interface {}`, `map[string]string`, `*semver.Version`. */
export type TypeName = string;

export const anyType: TypeName = 'interface {}';

/** As reflect.Kind prints itself. */
export type Kind =
  | 'invalid'
  | 'bool'
  | IntKind
  | 'float32'
  | 'float64'
  | 'string'
  | 'slice'
  | 'map'
  | 'struct'
  | 'ptr'
  | 'func'
  | 'interface';

export type IntKind = SignedKind | UnsignedKind;
type SignedKind = 'int' | 'int8' | 'int16' | 'int32' | 'int64';
type UnsignedKind = 'uint' | 'uint8' | 'uint16' | 'uint32' | 'uint64' | 'uintptr';

/** Bits of each integer kind on the 64-bit machines where ESO runs. */
const intBits: Readonly<Record<string, number>> = {
  int: 64,
  int8: 8,
  int16: 16,
  int32: 32,
  int64: 64,
  uint: 64,
  uint8: 8,
  uint16: 16,
  uint32: 32,
  uint64: 64,
  uintptr: 64,
};

export const isIntKind = (kind: string): kind is IntKind => intBits[kind] !== undefined;
export const isUnsignedKind = (kind: string): boolean => kind.startsWith('uint');

/** `value` as the kind holds it: two's complement, overflow dropped, as Go converts. */
export function wrap(kind: IntKind, value: bigint): bigint {
  const bits = intBits[kind]!;
  return isUnsignedKind(kind) ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value);
}

/** Facts of a type that Go code declares: time.Duration, *semver.Version, net.IP. */
export interface NamedType {
  /** As `%T` of the plain value: `time.Duration`, `semver.Version`. */
  readonly name: TypeName;
  readonly kind: Kind;
  /** The unnamed type beneath, for assignability and `%#v`: `[]uint8` for net.IP. */
  readonly underlying?: TypeName;
  /** Struct fields in order of declaration; unexported ones too, since `%v` prints them. */
  readonly fields?: readonly { readonly name: string; readonly type: TypeName }[];
  readonly methods?: Readonly<Record<string, Method>>;
  /** The type's own String() or Error(), which `%v` and `%s` use. */
  readonly text?: (receiver: never) => string;
  /** GoString(), which `%#v` uses. */
  readonly goText?: (receiver: never) => string;
  /** Whether `text` is on the pointer only, so that the plain struct prints field by field. */
  readonly textOnPointer?: boolean;
}

/** A method that templates may call: `.Major`, `.Format "2006"`. */
export interface Method {
  readonly params: readonly TypeName[];
  /** The last of `params` is then the type of each further argument. */
  readonly variadic?: boolean;
  readonly call: (receiver: never, args: readonly Value[], context: { readonly zone: string }) => Value;
}

/** An integer of any kind but plain `int`, which is a bigint; `type` when it is a named one. */
export class Int {
  readonly kind: IntKind;
  readonly value: bigint;
  readonly type: NamedType | undefined;

  constructor(kind: IntKind, value: bigint, type?: NamedType) {
    this.kind = kind;
    this.value = wrap(kind, value);
    this.type = type;
  }
}

export class Float32 {
  readonly value: number;

  constructor(value: number) {
    this.value = Math.fround(value);
  }
}

/** A slice. `items` is shared and may be changed in place, as Go's backing array is. */
export class Slice {
  readonly elem: TypeName;
  readonly items: Value[];
  /** Go's nil slice: prints as an empty one, but `[]string(nil)` in `%#v` and null in JSON. */
  readonly isNil: boolean;
  /** What the backing array holds beyond the length (`slice` may reach it). */
  readonly spare: readonly Value[];

  constructor(elem: TypeName, items: Value[], options: { isNil?: boolean; spare?: readonly Value[] } = {}) {
    this.elem = elem;
    this.items = items;
    this.isNil = options.isNil ?? false;
    this.spare = options.spare ?? [];
  }
}

export type MapKey = string | bigint | number | boolean;

/** A map, by reference: `set` and `unset` change it for everyone who holds it. */
export class GoMap {
  readonly key: TypeName;
  readonly elem: TypeName;
  readonly entries: Map<MapKey, Value>;
  readonly isNil: boolean;

  constructor(
    key: TypeName,
    elem: TypeName,
    entries: Iterable<readonly [MapKey, Value]> = [],
    isNil = false,
  ) {
    this.key = key;
    this.elem = elem;
    this.entries = entries instanceof Map ? entries : new Map(entries);
    this.isNil = isNil;
  }
}

/** A struct, or (`pointer`) a pointer to one. `inner` is what its methods work on. */
export class Struct<Inner = unknown> {
  readonly type: NamedType;
  readonly fields: ReadonlyMap<string, Value>;
  readonly pointer: boolean;
  readonly isNil: boolean;
  readonly inner: Inner;

  constructor(
    type: NamedType,
    inner: Inner,
    options: { fields?: ReadonlyMap<string, Value>; pointer?: boolean; isNil?: boolean } = {},
  ) {
    this.type = type;
    this.inner = inner;
    this.fields = options.fields ?? new Map();
    this.pointer = options.pointer ?? false;
    this.isNil = options.isNil ?? false;
  }
}

/** A value of a named type whose kind is none of the above classes' own. */
export class Named {
  readonly type: NamedType;
  readonly value: string | boolean | number | Slice | GoMap;

  constructor(type: NamedType, value: string | boolean | number | Slice | GoMap) {
    this.type = type;
    this.value = value;
  }
}

/** A function as a value, for `call`. */
export class Func {
  readonly type: TypeName;
  readonly method: Method;

  constructor(type: TypeName, method: Method) {
    this.type = type;
    this.method = method;
  }
}

/** As `%T`: `<nil>` for nil. */
export function typeName(value: Value): TypeName {
  if (value === null) return '<nil>';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'bigint':
      return 'int';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
  }
  if (value instanceof Slice) return `[]${value.elem}`;
  if (value instanceof GoMap) return `map[${value.key}]${value.elem}`;
  if (value instanceof Int) return value.type?.name ?? value.kind;
  if (value instanceof Float32) return 'float32';
  if (value instanceof Struct) return value.pointer ? `*${value.type.name}` : value.type.name;
  if (value instanceof Named) return value.type.name;
  return value.type;
}

/** As reflect.ValueOf(value).Kind() prints: `invalid` for nil. */
export function kindOf(value: Value): Kind {
  if (value === null) return 'invalid';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'bigint':
      return 'int';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
  }
  if (value instanceof Slice) return 'slice';
  if (value instanceof GoMap) return 'map';
  if (value instanceof Int) return value.kind;
  if (value instanceof Float32) return 'float32';
  if (value instanceof Struct) return value.pointer ? 'ptr' : 'struct';
  if (value instanceof Named) return value.type.kind;
  return 'func';
}

/** The declared type of a value, when it has one. */
export function namedType(value: Value): NamedType | undefined {
  if (value instanceof Int || value instanceof Struct || value instanceof Named) return value.type;
  return undefined;
}

/** The integer of any integer kind, or undefined. */
export function integerOf(value: Value): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return value instanceof Int ? value.value : undefined;
}

/** The float of either float kind, or undefined. */
export function floatOf(value: Value): number | undefined {
  if (typeof value === 'number') return value;
  if (value instanceof Float32) return value.value;
  return value instanceof Named && typeof value.value === 'number' ? value.value : undefined;
}

/** The value beneath a named string, float, bool, slice or map. */
export function plain(value: Value): Value {
  return value instanceof Named ? value.value : value;
}

/** An integer of `kind`: a bigint for plain `int`. */
export function makeInt(kind: IntKind, value: bigint): Value {
  return kind === 'int' ? BigInt.asIntN(64, value) : new Int(kind, value);
}

/** Go's zero value of a type. */
export function zeroOf(type: TypeName): Value {
  if (type === 'string') return '';
  if (type === 'bool') return false;
  if (type === 'float64') return 0;
  if (type === 'float32') return new Float32(0);
  if (isIntKind(type)) return makeInt(type, 0n);
  if (type.startsWith('[]')) return new Slice(type.slice(2), [], { isNil: true });
  if (type.startsWith('map[')) {
    const [key, elem] = mapTypes(type);
    return new GoMap(key, elem, [], true);
  }
  return null;
}

/** `map[string]int` as ['string', 'int']. */
export function mapTypes(type: TypeName): [TypeName, TypeName] {
  let depth = 0;
  for (let i = 'map'.length; i < type.length; i++) {
    if (type[i] === '[') depth++;
    if (type[i] === ']' && --depth === 0) return [type.slice('map['.length, i), type.slice(i + 1)];
  }
  return [anyType, anyType];
}

/** The kinds of the named types that parameters are declared with: a constant of the kind may stand there. */
export const declaredKinds: Readonly<Record<TypeName, Kind>> = {
  'time.Duration': 'int64',
  'sprig.HashAlgorithm': 'string',
};

/** Go's assignability of a value to a parameter or element of `type`. */
export function assignable(value: Value, type: TypeName): boolean {
  if (type === anyType) return true;
  if (value === null) return false;
  if (type === 'error' || type === 'fmt.Stringer') return namedType(value)?.text !== undefined;
  return typeName(value) === type || (namedType(value)?.underlying === type && !(value instanceof Struct));
}

/** Whether nil may stand where `type` is asked. */
export function canBeNil(type: TypeName): boolean {
  return /^(\[\]|map\[|\*|func\(|interface|error$|fmt\.Stringer$)/.test(type);
}

/** Go's truth: neither zero nor empty; a struct is always true. */
export function isTrue(value: Value | undefined): boolean {
  if (value === null || value === undefined) return false;
  switch (typeof value) {
    case 'string':
      return value.length > 0;
    case 'boolean':
      return value;
    case 'bigint':
      return value !== 0n;
    case 'number':
      return value !== 0;
  }
  if (value instanceof Slice) return value.items.length > 0;
  if (value instanceof GoMap) return value.entries.size > 0;
  if (value instanceof Int) return value.value !== 0n;
  if (value instanceof Float32) return value.value !== 0;
  if (value instanceof Struct) return !value.isNil;
  if (value instanceof Named) return isTrue(value.value);
  return true;
}

/** UTF-8 bytes of JS text, as a binary string: how text enters the engine. */
export function fromText(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** A binary string as JS text, invalid UTF-8 as U+FFFD: for messages only. */
export function toText(binary: string): string {
  return isAscii(binary) ? binary : Buffer.from(binary, 'latin1').toString('utf8');
}

export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** A `[]string` of binary strings. */
export const stringSlice = (items: string[]): Slice => new Slice('string', items);
/** A `[]interface {}`, as sprig's list makes. */
export const anySlice = (items: Value[]): Slice => new Slice(anyType, items);
/** A `map[string]interface {}`, as sprig's dict makes. */
export const dict = (entries: Iterable<readonly [string, Value]> = []): GoMap =>
  new GoMap('string', anyType, entries);
