import type { CallContext } from './func.ts';
import { Printer } from './print.ts';
import { decodeRune, encodeRune } from './utf8.ts';
import { integerOf, kindOf, Struct, typeName, type Value } from './value.ts';

/** Go's fmt over Go's values. The budget is what a render may spend; a value nested too deep, or one whose
 * text is an address in memory, is a GoError. */

type Budget = Pick<CallContext, 'step' | 'grow'>;

/** fmt.Sprint: a space between two operands when neither is a string. */
export function sprint(operands: readonly Value[], budget: Budget): string {
  const printer = new Printer(budget);
  let text = '';
  let followsString = true;
  for (const operand of operands) {
    const isString = kindOf(operand) === 'string';
    if (!isString && !followsString) text += ' ';
    text += printer.operand(operand, 'v');
    followsString = isString;
  }
  return text;
}

/** What a template prints for a value: of a pointer to a struct the struct, of no value "<no value>". */
export function printable(value: Value | undefined): Value {
  if (value === undefined) return '<no value>';
  if (!(value instanceof Struct) || !value.pointer || value.isNil || value.type.text !== undefined)
    return value;
  return new Struct(value.type, value.inner, { fields: value.fields });
}

/** fmt.Sprintln: spaces between all operands, a newline at the end. */
export function sprintln(operands: readonly Value[], budget: Budget): string {
  const printer = new Printer(budget);
  return `${operands.map((operand) => printer.operand(operand, 'v')).join(' ')}\n`;
}

/** fmt.Sprintf, with Go's notes in the text for what does not fit: `%!d(string=hi)`, `%!(EXTRA int=1)`. */
export function sprintf(format: string, operands: readonly Value[], budget: Budget): string {
  return new Formatting(format, operands, new Printer(budget)).run();
}

/** Widths and precisions beyond this are ignored, as Go does. */
const largestNumber = 1_000_000;

const flagOf: Readonly<Record<string, 'sharp' | 'zero' | 'plus' | 'minus' | 'space'>> = {
  '#': 'sharp',
  '0': 'zero',
  '+': 'plus',
  '-': 'minus',
  ' ': 'space',
};

/** One walk over a format string. */
class Formatting {
  readonly #format: string;
  readonly #operands: readonly Value[];
  readonly #printer: Printer;
  /** Offset in the format. */
  #i = 0;
  #operand = 0;
  /** The item before was an index like [3]. */
  #afterIndex = false;
  #indexIsGood = true;
  #reordered = false;
  #text = '';

  constructor(format: string, operands: readonly Value[], printer: Printer) {
    this.#format = format;
    this.#operands = operands;
    this.#printer = printer;
  }

  run(): string {
    const format = this.#format;
    while (this.#i < format.length) {
      const percent = format.indexOf('%', this.#i);
      this.#write(format.slice(this.#i, percent < 0 ? undefined : percent));
      if (percent < 0) break;
      this.#i = percent + 1;
      if (!this.#directive()) break;
    }
    if (!this.#reordered && this.#operand < this.#operands.length) this.#extra();
    return this.#text;
  }

  /** From the flags to the verb; false when the format ends before it. */
  #directive(): boolean {
    const { flags } = this.#printer;
    flags.clear();
    this.#indexIsGood = true;
    this.#afterIndex = false;
    for (let flag = this.#flag(); flag !== undefined; flag = this.#flag()) {
      flags[flag] = true;
      this.#i++;
    }
    this.#index();
    this.#width();
    if (this.#format[this.#i] === '.') this.#precision();
    if (!this.#afterIndex) this.#index();
    if (this.#i >= this.#format.length) {
      this.#write('%!(NOVERB)');
      return false;
    }
    this.#verb();
    return true;
  }

  #write(text: string): void {
    this.#text += text;
  }

  #flag(): 'sharp' | 'zero' | 'plus' | 'minus' | 'space' | undefined {
    return flagOf[this.#format[this.#i] ?? ''];
  }

  #width(): void {
    const { flags } = this.#printer;
    if (this.#format[this.#i] !== '*') {
      flags.width = this.#number();
      if (this.#afterIndex && flags.width !== undefined) this.#indexIsGood = false;
      return;
    }
    this.#i++;
    flags.width = this.#star();
    if (flags.width === undefined) this.#write('%!(BADWIDTH)');
    else if (flags.width < 0) {
      flags.width = -flags.width;
      flags.minus = true;
      flags.zero = false;
    }
    this.#afterIndex = false;
  }

  #precision(): void {
    const { flags } = this.#printer;
    // Go looks for a precision only where something follows the point.
    if (this.#i + 1 >= this.#format.length) return;
    this.#i++;
    if (this.#afterIndex) this.#indexIsGood = false;
    this.#index();
    if (this.#format[this.#i] !== '*') {
      flags.precision = this.#number() ?? 0;
      return;
    }
    this.#i++;
    const precision = this.#star();
    flags.precision = precision !== undefined && precision >= 0 ? precision : undefined;
    if (flags.precision === undefined) this.#write('%!(BADPREC)');
    this.#afterIndex = false;
  }

  #number(): number | undefined {
    const { value, next } = digits(this.#format, this.#i, this.#format.length);
    this.#i = next;
    return value;
  }

  /** The next operand as a width or precision. */
  #star(): number | undefined {
    if (this.#operand >= this.#operands.length) return undefined;
    const number = integerOf(this.#operands[this.#operand]!);
    this.#operand++;
    if (number === undefined || number > largestNumber || number < -largestNumber) return undefined;
    return Number(number);
  }

  /** `[n]`: which operand comes next, counted from 1. */
  #index(): void {
    if (this.#format[this.#i] !== '[') {
      this.#afterIndex = false;
      return;
    }
    this.#reordered = true;
    const { isNumber, index, next } = this.#bracketed();
    this.#i = next;
    this.#afterIndex = isNumber;
    if (isNumber && index >= 0 && index < this.#operands.length) this.#operand = index;
    else this.#indexIsGood = false;
  }

  /** Without a closing bracket only the opening one is passed over. */
  #bracketed(): { isNumber: boolean; index: number; next: number } {
    const close = this.#format.indexOf(']', this.#i);
    if (close < 0 || this.#format.length - this.#i < 3)
      return { isNumber: false, index: 0, next: this.#i + 1 };
    const { value, next } = digits(this.#format, this.#i + 1, close);
    return { isNumber: value !== undefined && next === close, index: (value ?? 0) - 1, next: close + 1 };
  }

  #verb(): void {
    const packed = decodeRune(this.#format, this.#i);
    const verb = encodeRune(packed >> 3);
    this.#i += packed & 7;
    const printer = this.#printer;
    if (verb === '%') this.#write('%');
    else if (!this.#indexIsGood) this.#write(`%!${verb}(BADINDEX)`);
    else if (this.#operand >= this.#operands.length) this.#write(`%!${verb}(MISSING)`);
    else {
      if (verb === 'v' || verb === 'w') printer.flags.forValue();
      this.#write(printer.operand(this.#operands[this.#operand]!, verb));
      this.#operand++;
    }
  }

  #extra(): void {
    const printer = this.#printer;
    printer.flags.clear();
    const notes = this.#operands
      .slice(this.#operand)
      .map((operand) =>
        operand === null ? '<nil>' : `${typeName(operand)}=${printer.operand(operand, 'v')}`,
      );
    this.#write(`%!(EXTRA ${notes.join(', ')})`);
  }
}

/** The decimal number from `start` on; one too large is none and takes everything up to `end`, as in Go. */
function digits(format: string, start: number, end: number): { value: number | undefined; next: number } {
  let value: number | undefined;
  let next = start;
  for (; next < end; next++) {
    const digit = format.charCodeAt(next) - 0x30;
    if (!(digit >= 0 && digit <= 9)) break;
    if (value !== undefined && value > largestNumber) return { value: undefined, next: end };
    value = (value ?? 0) * 10 + digit;
  }
  return { value, next };
}
