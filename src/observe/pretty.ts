import { stripVTControlCharacters, styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

const levelStyles: Readonly<Record<string, Style>> = {
  debug: 'gray',
  info: 'cyan',
  warn: 'yellow',
  error: 'red',
};

/** One JSON line of the log as a person at a terminal reads it; an error goes beneath, with its remedy. */
export function prettyLine(json: string, options: { readonly colour: boolean }): string {
  const { level, time, msg, err, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const paint = (style: Style, text: string) =>
    options.colour ? styleText(style, text, { validateStream: false }) : text;
  const pairs = Object.entries(fields).map(([key, value]) => paint('gray', `${key}=${shown(value)}`));
  const clock = paint('gray', String(time).slice(11, 19));
  const name = paint(levelStyles[String(level)] ?? 'reset', String(level).padEnd(5));
  const head = [clock, name, plain(String(msg ?? '')), ...pairs].join(' ');
  return `${[head, ...errorLines(err).map((line) => `               ${paint('gray', line)}`)].join('\n')}\n`;
}

function errorLines(err: unknown): string[] {
  if (typeof err !== 'object' || err === null) return [];
  const { code, name, message, position, object, field, remedy, stack } = err as Record<string, unknown>;
  const place = [position, object, field].filter((part) => part !== undefined).join(': ');
  const what = [code ?? name, message].filter((part) => part !== undefined).join(': ');
  const lines = [place === '' ? what : `${place}: ${what}`];
  if (remedy !== undefined) lines.push(`→ ${remedy}`);
  if (stack !== undefined) lines.push(...String(stack).split('\n'));
  return lines.map(plain);
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return plain(/\s/.test(text) && typeof value === 'string' ? JSON.stringify(text) : text);
}

/** What a store or a file name says must not move the cursor. */
function plain(text: string): string {
  return stripVTControlCharacters(text).replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, ' ');
}
