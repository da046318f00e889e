/**
 * The raw text of a member of a JSON text that is known to be valid: numbers keep every digit, as the store
 * wrote them. Undefined when there is no such member.
 */
export function rawMember(json: string, path: readonly string[]): string | undefined {
  let start = skipSpace(json, 0);
  for (const name of path) {
    const found = memberStart(json, start, name);
    if (found === undefined) return undefined;
    start = found;
  }
  return json.slice(start, valueEnd(json, start));
}

/** Where the value of `name` starts in the object at `start`. */
function memberStart(json: string, start: number, name: string): number | undefined {
  if (json[start] !== '{') return undefined;
  let at = skipSpace(json, start + 1);
  while (json[at] === '"') {
    const keyEnd = stringEnd(json, at);
    const value = skipSpace(json, skipSpace(json, keyEnd) + 1);
    if (JSON.parse(json.slice(at, keyEnd)) === name) return value;
    at = skipSpace(json, valueEnd(json, value));
    if (json[at] === ',') at = skipSpace(json, at + 1);
  }
  return undefined;
}

function valueEnd(json: string, start: number): number {
  const first = json[start];
  if (first === '"') return stringEnd(json, start);
  if (first !== '{' && first !== '[') return scalarEnd(json, start);
  let depth = 0;
  for (let at = start; at < json.length; at++) {
    const char = json[at];
    if (char === '"') at = stringEnd(json, at) - 1;
    else if (char === '{' || char === '[') depth++;
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1;
  }
  return json.length;
}

function scalarEnd(json: string, start: number): number {
  let at = start;
  while (at < json.length && !/[,}\]\s]/.test(json.charAt(at))) at++;
  return at;
}

function stringEnd(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}

function skipSpace(json: string, start: number): number {
  let at = start;
  while (' \t\r\n'.includes(json.charAt(at)) && at < json.length) at++;
  return at;
}

type Json =
  | string
  | boolean
  | null
  | number
  | { readonly rawJSON: string }
  | readonly Json[]
  | { [key: string]: Json };

/**
 * A JSON text as Go's json.Marshal writes what Vault's client read from it: keys sorted by their bytes, no
 * space, `<`, `>` and `&` escaped, every number's literal as it was.
 */
export function goJson(text: string): string {
  return write(JSON.parse(text, keepLiteral) as Json);
}

/** `JSON.rawJSON` and the reviver's third argument are of ES2026; the runtime has them, its types do not. */
const { rawJSON, isRawJSON } = JSON as unknown as {
  rawJSON(text: string): { readonly rawJSON: string };
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
};

function keepLiteral(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined ? rawJSON(context.source) : value;
}

function write(value: Json): string {
  if (typeof value === 'string') return writeString(value);
  if (isRawJSON(value)) return value.rawJSON;
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const object = value as { [key: string]: Json };
  const members = Object.keys(object)
    .sort(byBytes)
    .map((key) => `${writeString(key)}:${write(object[key] ?? null)}`);
  return `{${members.join(',')}}`;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function writeString(text: string): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text.toWellFormed()).replace(/[<>&\u2028\u2029]/g, escaped);
}
