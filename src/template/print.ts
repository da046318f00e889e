import { limits } from '../base/limits.ts';
import { bytesOf } from './call.ts';
import {
  Flags,
  formatBytes,
  formatInteger,
  formatNumber,
  formatUnicode,
  type IntegerForm,
  pad,
  truncated,
} from './directive.ts';
import type { FloatVerb } from './float.ts';
import { type CallContext, GoError } from './func.ts';
import { canBackquote, quote, quoteRune } from './quote.ts';
import { sortedKeys } from './range.ts';
import { encodeRune, runeError } from './utf8.ts';
import {
  Float32,
  GoMap,
  Int,
  isUnsignedKind,
  kindOf,
  Named,
  namedType,
  Slice,
  Struct,
  typeName,
  type Value,
} from './value.ts';

const integerForms: Readonly<Record<string, IntegerForm>> = {
  b: { base: 2 },
  d: { base: 10 },
  o: { base: 8 },
  O: { base: 8, octalPrefix: true },
  v: { base: 10 },
  x: { base: 16 },
  X: { base: 16, upper: true },
};

/** The verbs of floats: strconv's own, and the precision where none is given. */
const floatForms: Readonly<Record<string, { verb: FloatVerb; precision: number }>> = {
  b: { verb: 'b', precision: -1 },
  e: { verb: 'e', precision: 6 },
  E: { verb: 'E', precision: 6 },
  f: { verb: 'f', precision: 6 },
  F: { verb: 'f', precision: 6 },
  g: { verb: 'g', precision: -1 },
  G: { verb: 'G', precision: -1 },
  v: { verb: 'g', precision: -1 },
  x: { verb: 'x', precision: -1 },
  X: { verb: 'X', precision: -1 },
};

/** Verbs for which a type's own String() or Error() speaks. */
const textVerbs = 'vsxXq';

/** Prints values by verb and flags, as fmt's printer. */
export class Printer {
  readonly flags = new Flags();
  readonly #budget: Pick<CallContext, 'step' | 'grow'>;
  /** Within the note on a bad verb no String() is asked, since it may be what failed. */
  #noting = false;

  constructor(budget: Pick<CallContext, 'step' | 'grow'>) {
    this.#budget = budget;
  }

  /** An operand of its own, as opposed to one within a list or map. */
  operand(value: Value, verb: string): string {
    this.#budget.step();
    // Room is asked for before the padding is made.
    this.#budget.grow((this.flags.width ?? 0) + (this.flags.precision ?? 0));
    const text = this.#operand(value, verb);
    this.#budget.grow(text.length);
    return text;
  }

  #operand(value: Value, verb: string): string {
    if (value === null) {
      return verb === 'v' || verb === 'T' ? pad(this.flags, '<nil>') : this.#badVerb(null, verb);
    }
    if (verb === 'T') return this.#plainText(typeName(value));
    if (verb === 'p') return this.#pointer(value, verb);
    // fmt prints a []byte before it looks for methods, of which %w would be the only one to notice.
    const isBytes = value instanceof Slice && value.elem === 'uint8';
    return (isBytes ? undefined : this.#byMethod(value, verb)) ?? this.#value(value, verb, 0);
  }

  #value(value: Value, verb: string, depth: number): string {
    switch (typeof value) {
      case 'string':
        return this.#string(value, verb, value);
      case 'bigint':
        return this.#integer(value, false, verb, value);
      case 'number':
        return this.#float(value, 64, verb, value);
      case 'boolean':
        return this.#boolean(value, verb, value);
    }
    if (value === null) return this.flags.sharpV ? 'interface {}(nil)' : '<nil>';
    if (value instanceof Int) return this.#integer(value.value, isUnsignedKind(value.kind), verb, value);
    if (value instanceof Float32) return this.#float(value.value, 32, verb, value);
    if (value instanceof Named) return this.#named(value, verb, depth);
    if (value instanceof Slice) return this.#slice(value, verb, depth, value);
    if (value instanceof GoMap) return this.#map(value, verb, depth, value);
    return value instanceof Struct ? this.#struct(value, verb, depth) : this.#pointer(value, verb);
  }

  /** A value within another. */
  #inner(value: Value, verb: string, depth: number, mayUseMethods = true): string {
    this.#budget.step();
    if (depth > limits.templateValueDepthCount) {
      throw new GoError(`the value is nested deeper than ${limits.templateValueDepthCount} levels`);
    }
    const text = (mayUseMethods ? this.#byMethod(value, verb) : undefined) ?? this.#value(value, verb, depth);
    this.#budget.grow(text.length);
    return text;
  }

  /** What the type's own String(), Error() or GoString() says, where the verb asks for it. */
  #byMethod(value: Value, verb: string): string | undefined {
    if (this.#noting) return undefined;
    if (verb === 'w') return this.#badVerb(value, verb);
    const type = namedType(value);
    if (type === undefined || (type.textOnPointer && !(value instanceof Struct && value.pointer)))
      return undefined;
    if (this.flags.sharpV) return type.goText && this.#plainText(type.goText(value as never));
    if (type.text === undefined || !textVerbs.includes(verb)) return undefined;
    // String() of a nil pointer panics, for which fmt has this.
    if (value instanceof Struct && value.isNil) return '<nil>';
    return this.#string(type.text(value as never), verb, value);
  }

  #plainText(text: string): string {
    return pad(this.flags, truncated(this.flags, text));
  }

  #boolean(value: boolean, verb: string, whole: Value): string {
    return verb === 't' || verb === 'v' ? pad(this.flags, String(value)) : this.#badVerb(whole, verb);
  }

  #string(text: string, verb: string, whole: Value): string {
    switch (verb) {
      case 'v':
        return this.flags.sharpV ? this.#quoted(text) : this.#plainText(text);
      case 's':
        return this.#plainText(text);
      case 'q':
        return this.#quoted(text);
      case 'x':
      case 'X':
        this.#budget.grow(4 * text.length);
        return formatBytes(this.flags, text, verb === 'X');
    }
    return this.#badVerb(whole, verb);
  }

  #quoted(text: string): string {
    const shown = truncated(this.flags, text);
    const isRaw = this.flags.sharp && canBackquote(shown);
    return pad(this.flags, isRaw ? `\`${shown}\`` : quote(shown, this.flags.plus));
  }

  #integer(value: bigint, isUnsigned: boolean, verb: string, whole: Value): string {
    const unsigned = BigInt.asUintN(64, value);
    switch (verb) {
      case 'c':
        return pad(this.flags, encodeRune(runeOf(unsigned)));
      case 'q':
        return pad(this.flags, quoteRune(runeOf(unsigned), this.flags.plus));
      case 'U':
        return formatUnicode(this.flags, unsigned);
    }
    if (verb === 'v' && this.flags.sharpV && isUnsigned) return this.#hexadecimal(value, true);
    const form = integerForms[verb];
    return form === undefined ? this.#badVerb(whole, verb) : formatInteger(this.flags, value, form);
  }

  /** With 0x or without, whatever the flags say. */
  #hexadecimal(value: bigint, withPrefix: boolean): string {
    const { sharp } = this.flags;
    this.flags.sharp = withPrefix;
    const text = formatInteger(this.flags, value, integerForms['x']!);
    this.flags.sharp = sharp;
    return text;
  }

  #float(value: number, bits: 32 | 64, verb: string, whole: Value): string {
    const form = floatForms[verb];
    return form === undefined
      ? this.#badVerb(whole, verb)
      : formatNumber(this.flags, value, { ...form, bits });
  }

  #named(whole: Named, verb: string, depth: number): string {
    const { type, value } = whole;
    if (typeof value === 'string') return this.#string(value, verb, whole);
    if (typeof value === 'number') return this.#float(value, type.kind === 'float32' ? 32 : 64, verb, whole);
    if (typeof value === 'boolean') return this.#boolean(value, verb, whole);
    return value instanceof Slice
      ? this.#slice(value, verb, depth, whole)
      : this.#map(value, verb, depth, whole);
  }

  #slice(slice: Slice, verb: string, depth: number, whole: Value): string {
    if ('sqxX'.includes(verb) && slice.elem === 'uint8') return this.#string(bytesOf(slice)!, verb, whole);
    const texts = (): string[] => slice.items.map((item) => this.#inner(item, verb, depth + 1));
    if (!this.flags.sharpV) return `[${texts().join(' ')}]`;
    // A plain []uint8 that is an operand itself is written by its other name.
    const isBytes = depth === 0 && whole === slice && slice.elem === 'uint8' && 'vd'.includes(verb);
    return `${isBytes ? '[]byte' : typeName(whole)}${slice.isNil ? '(nil)' : `{${texts().join(', ')}}`}`;
  }

  #map(map: GoMap, verb: string, depth: number, whole: Value): string {
    const texts = (): string[] =>
      sortedKeys(map).map(
        (key) =>
          `${this.#inner(key, verb, depth + 1)}:${this.#inner(map.entries.get(key)!, verb, depth + 1)}`,
      );
    if (!this.flags.sharpV) return `map[${texts().join(' ')}]`;
    return `${typeName(whole)}${map.isNil ? '(nil)' : `{${texts().join(', ')}}`}`;
  }

  #struct(struct: Struct, verb: string, depth: number): string {
    // Only at the top does fmt look behind a pointer, lest it run in circles.
    if (struct.pointer && (depth > 0 || struct.isNil)) return this.#pointer(struct, verb);
    const { sharpV, plusV } = this.flags;
    const texts = [...struct.fields].map(([name, value]) => {
      const text = this.#inner(value, verb, depth + 1, /^\p{Lu}/u.test(name));
      return sharpV || plusV ? `${name}:${text}` : text;
    });
    const type = sharpV ? struct.type.name : '';
    return `${struct.pointer ? '&' : ''}${type}{${texts.join(sharpV ? ', ' : ' ')}}`;
  }

  /** An address means nothing, and is another at every render; only nil's is told. */
  #pointer(value: Value, verb: string): string {
    const kind = kindOf(value);
    if (kind !== 'func' && kind !== 'slice' && kind !== 'map' && kind !== 'ptr')
      return this.#badVerb(value, verb);
    if (!isNil(value)) throw new GoError(`%${verb} of ${typeName(value)} would print an address in memory`);
    if (verb === 'p') return this.#hexadecimal(0n, !this.flags.sharp);
    if (verb !== 'v')
      return 'bodxX'.includes(verb) ? this.#integer(0n, true, verb, value) : this.#badVerb(value, verb);
    return this.flags.sharpV ? `(${typeName(value)})(nil)` : pad(this.flags, '<nil>');
  }

  /** `%!verb(type=value)`. */
  #badVerb(value: Value, verb: string): string {
    if (value === null) return `%!${verb}(<nil>)`;
    this.#noting = true;
    const text = this.#value(value, 'v', 0);
    this.#noting = false;
    return `%!${verb}(${typeName(value)}=${text})`;
  }
}

function isNil(value: Value): boolean {
  return (value instanceof Struct || value instanceof Slice || value instanceof GoMap) && value.isNil;
}

/** Beyond Unicode, U+FFFD. */
function runeOf(value: bigint): number {
  return value > 0x10ffffn ? runeError : Number(value);
}
