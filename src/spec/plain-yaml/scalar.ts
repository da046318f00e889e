/** Nothing but text and lines: no tab, no other space or control character. */
export const foreign = /[^\n\S ]|[\0-\x08\x0e-\x1f\x7f-\x9f\ufffd]/;

/** What YAML 1.1 takes for something else than a text, in any case of its letters. */
const words: ReadonlySet<string> = new Set([
  '~',
  'null',
  'true',
  'false',
  'y',
  'yes',
  'n',
  'no',
  'on',
  'off',
  '<<',
  '=',
]);
const number =
  /^[-+]?(?:0x[\da-fA-F_]*|0b[01_]*|0o[0-7]*|\.[iInN][nNaA][fFnN]|\.?\d[\d_]*(?:\.[\d_]*)?(?:[eE][-+]?\d+)?)$/;

/** Of what a number starts with, the last in the order of letters. */
const nine = 0x39;

/** No word is longer than five letters. One expression for all would take longer to compile than to use. */
function isText(text: string): boolean {
  if (text.charCodeAt(0) <= nine) return !number.test(text);
  return text.length > 5 || !words.has(text.toLowerCase());
}

const integer = /^(?:0|[1-9]\d{0,14})$/;

/** A value without quotes; undefined where it takes the library to know. */
export function plainValue(text: string): string | number | boolean | undefined {
  if (isText(text)) return text;
  if (text === 'true') return true;
  if (text === 'false') return false;
  return integer.test(text) ? Number(text) : undefined;
}

/** The name that a key stands for; undefined where it takes the library to know. The library takes none that is
 * longer than 1024 characters. */
export function plainName(key: string): string | undefined {
  const quoted = key.startsWith('"') || key.startsWith("'");
  const name = quoted ? key.slice(1, -1) : key;
  if (name.length > 1_000 || name === '__proto__' || name === '<<') return undefined;
  return quoted || isText(name) ? name : undefined;
}
