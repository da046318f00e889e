import { limits } from '../../base/limits.ts';
import { formatFloat } from '../float.ts';
import { type CallContext, type FunctionTable, func, GoError } from '../func.ts';
import { decodeRune, fromRunes, isValidUtf8, runeError, runesOf } from '../utf8.ts';
import {
  anySlice,
  dict,
  Float32,
  Func,
  fromText,
  GoMap,
  Int,
  Named,
  Slice,
  Struct,
  toText,
  type Value,
} from '../value.ts';
import { bytesOf, stepsPerItem } from './cast.ts';
import { toBase64 } from './encoding.ts';
import { byBytes } from './lists.ts';

const any = 'interface {}';

/** Go's encoding/json, as sprig offers it. */
export const json: FunctionTable = {
  fromJson: func(['string'], (text, context) => orElse(null, () => parseJson(text, context).value)),
  mustFromJson: func(['string'], (text, context) => {
    const { value, fault } = parseJson(text, context);
    if (fault !== undefined) throw new GoError(fault);
    return value;
  }),
  toJson: func([any], (value, context) => orElse('', () => encodeJson(value, context))),
  mustToJson: func([any], (value, context) => encodeJson(value, context)),
  toPrettyJson: func([any], (value, context) => orElse('', () => encodeJson(value, context, pretty))),
  mustToPrettyJson: func([any], (value, context) => encodeJson(value, context, pretty)),
  toRawJson: func([any], (value, context) => encodeJson(value, context, { html: false })),
  mustToRawJson: func([any], (value, context) => encodeJson(value, context, { html: false })),
};

/** sprig drops the errors of the forms without `must`. */
function orElse(fallback: Value, make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    if (error instanceof GoError) return fallback;
    throw error;
  }
}

/**
 * json.Unmarshal into an interface: objects are map[string]interface {}, numbers float64. A number too large
 * for one is nil, and is the fault that Go reports in the end; everything else is read all the same.
 */
export function parseJson(text: string, context: CallContext): { value: Value; fault: string | undefined } {
  context.step(text.length >> 4);
  // Buffer would take several invalid bytes for one character, where Go sees as many as there are bytes.
  const readable = toText(isValidUtf8(text) ? text : fromRunes(runesOf(text)));
  let parsed: unknown;
  try {
    parsed = JSON.parse(readable);
  } catch {
    throw new GoError('the text is not valid JSON');
  }
  const fault = hasTooLarge(readable)
    ? 'json: cannot unmarshal number into Go value of type float64'
    : undefined;
  return { value: goValue(parsed, context, 0), fault };
}

/** Whether a number is too large for a float64, one under a key that comes again later among them. */
function hasTooLarge(text: string): boolean {
  if (!/\d(?:[eE]\+?\d{2}|\d{300})/.test(text)) return false;
  for (const [piece] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[-+.\deE]*/g)) {
    if (!piece.startsWith('"') && !Number.isFinite(Number(piece))) return true;
  }
  return false;
}

function goValue(parsed: unknown, context: CallContext, depth: number): Value {
  context.step(stepsPerItem);
  if (depth > limits.templateValueDepthCount) throw new GoError('exceeded max depth');
  if (typeof parsed === 'string') return fromText(parsed);
  if (typeof parsed === 'number' && !Number.isFinite(parsed)) return null;
  if (typeof parsed === 'number' || typeof parsed === 'boolean' || parsed === null) return parsed;
  if (Array.isArray(parsed)) return anySlice(parsed.map((item) => goValue(item, context, depth + 1)));
  const entries = Object.entries(parsed as object);
  return dict(entries.map(([key, item]) => [fromText(key), goValue(item, context, depth + 1)] as const));
}

export interface JsonStyle {
  /** Whether `<`, `>` and `&` are escaped, which is Go's default. */
  readonly html: boolean;
  /** What each level is indented by; without it all is on one line. */
  readonly indent?: string;
}

const compact: JsonStyle = { html: true };
const pretty: JsonStyle = { html: true, indent: '  ' };

/** json.Marshal: keys sorted; json.MarshalIndent where the style has an indent. */
export function encodeJson(value: Value, context: CallContext, style: JsonStyle = compact): string {
  const parts: string[] = [];
  const write = (text: string): void => {
    context.grow(text.length);
    parts.push(text);
  };
  const { indent } = style;
  const line = (depth: number): string => (indent === undefined ? '' : `\n${indent.repeat(depth)}`);
  writeJson(value, { context, style, write, line }, 0);
  return parts.join('');
}

interface Writer {
  readonly context: CallContext;
  readonly style: JsonStyle;
  readonly write: (text: string) => void;
  /** The start of a line at that depth, where each element has its own. */
  readonly line: (depth: number) => string;
}

function writeJson(value: Value, writer: Writer, depth: number): void {
  writer.context.step();
  if (depth > limits.templateValueDepthCount) throw new GoError('json: the value is nested too deep');
  if (value instanceof Slice) writeList(value, writer, depth);
  else if (value instanceof GoMap) writeMap(value, writer, depth);
  else if (value instanceof Struct) writeStruct(value, writer, depth);
  else if (value instanceof Named) writeJson(value.value, writer, depth);
  else writer.write(scalarJson(value, writer.style));
}

/** The JSON of what is neither a list nor a map. */
export function scalarJson(value: Exclude<Value, Slice | GoMap | Struct | Named>, style: JsonStyle): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return quoteJson(value, style);
  if (typeof value === 'number') return floatJson(value, 64);
  if (value instanceof Float32) return floatJson(value.value, 32);
  if (value instanceof Int) return String(value.value);
  if (value instanceof Func) throw new GoError('json: unsupported type: func');
  return String(value);
}

function floatJson(value: number, bits: 32 | 64): string {
  if (!Number.isFinite(value)) throw new GoError('json: unsupported value: NaN or infinity');
  const magnitude = Math.abs(value);
  const small = bits === 32 ? Math.fround(1e-6) : 1e-6;
  if (magnitude === 0 || (magnitude >= small && magnitude < 1e21)) return formatFloat(value, 'f', -1, bits);
  return formatFloat(value, 'e', -1, bits).replace(/e-0(\d)$/, 'e-$1');
}

function writeList(list: Slice, writer: Writer, depth: number): void {
  if (list.isNil || list.elem === 'uint8') {
    writer.write(list.isNil ? 'null' : `"${toBase64(bytesOf(list))}"`);
    return;
  }
  list.items.forEach((item, i) => {
    writer.write((i === 0 ? '[' : ',') + writer.line(depth + 1));
    writeJson(item, writer, depth + 1);
  });
  writer.write(list.items.length === 0 ? '[]' : `${writer.line(depth)}]`);
}

function writeMap(map: GoMap, writer: Writer, depth: number): void {
  if (map.isNil) {
    writer.write('null');
    return;
  }
  if (map.key === 'bool' || map.key.startsWith('float'))
    throw new GoError(`json: unsupported type: map[${map.key}]`);
  const entries = [...map.entries].map(([key, value]) => [String(key), value] as const);
  writeObject(
    entries.sort(([a], [b]) => byBytes(a, b)),
    writer,
    depth,
  );
}

function writeObject(entries: readonly (readonly [string, Value])[], writer: Writer, depth: number): void {
  entries.forEach(([key, value], i) => {
    const colon = writer.style.indent === undefined ? ':' : ': ';
    writer.write((i === 0 ? '{' : ',') + writer.line(depth + 1) + quoteJson(key, writer.style) + colon);
    writeJson(value, writer, depth + 1);
  });
  writer.write(entries.length === 0 ? '{}' : `${writer.line(depth)}}`);
}

/** A struct that has a JSON text of its own says so by a method MarshalJSON. */
function writeStruct(struct: Struct, writer: Writer, depth: number): void {
  const own = struct.type.methods?.['MarshalJSON'];
  if (struct.isNil) writer.write('null');
  else if (own === undefined) {
    const exported = [...struct.fields].filter(([name]) => /^[A-Z]/.test(name));
    writeObject(exported, writer, depth);
  } else {
    const bytes = own.call(struct as never, [], writer.context);
    writer.write(bytes instanceof Slice ? bytesOf(bytes) : 'null');
  }
}

const named: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** A JSON string with its quotes. U+2028 and U+2029 are always escaped, invalid UTF-8 is U+FFFD. */
export function quoteJson(text: string, { html }: JsonStyle): string {
  const escaped = text.replace(html ? /["\\<>&\0-\x1f]/g : /["\\\0-\x1f]/g, (char) => {
    return named[char] ?? `\\u00${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  const separated = escaped.replace(/\xe2\x80[\xa8\xa9]/g, (char) =>
    char.endsWith('\xa8') ? '\\u2028' : '\\u2029',
  );
  return `"${isValidUtf8(separated) ? separated : replaced(separated)}"`;
}

function replaced(text: string): string {
  let valid = '';
  for (let at = 0; at < text.length; ) {
    const packed = decodeRune(text, at);
    const invalid = packed >> 3 === runeError && (packed & 7) === 1;
    valid += invalid ? '\\ufffd' : text.slice(at, at + (packed & 7));
    at += packed & 7;
  }
  return valid;
}
