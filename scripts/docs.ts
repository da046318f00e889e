/**
 * Makes the parts of docs/reference.md that are made from the table of options and from the metrics.
 * test/repo/docs.test.ts fails when they are not what this makes.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultText, optionGroups } from '../agent/help.ts';
import { openMetrics } from '../src/observe/metrics.ts';
import { type Option, options } from '../src/spec/contract.ts';
import { root } from './steps.ts';

const reference = join(root, 'docs', 'reference.md');

/** The text of docs/reference.md, its tables as they should be. */
export async function withTables(text: string): Promise<string> {
  return between('metrics', await metricsTable(), between('flags', flagsTable(), text));
}

function between(name: string, table: string, text: string): string {
  const part = new RegExp(`(<!-- ${name}: [^>]*-->\\n)[\\s\\S]*?(<!-- /${name} -->)`);
  return text.replace(part, (_, open: string, close: string) => `${open}\n${table}\n\n${close}`);
}

/** From an exposition: it has the name, kind and help of every metric, whether or not it has a value. */
async function metricsTable(): Promise<string> {
  const metrics = openMetrics({ version: '', node: '' });
  const text = await metrics.text({
    startedMs: 0,
    heartbeatMs: 0,
    started: true,
    problems: [],
    warnings: [],
    targets: new Map(),
    breakers: new Map(),
  });
  const rows = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm)].map(
    ([, name, help, kind]) => `| \`${name}\` | ${kind} | ${help} |`,
  );
  return ['| metric | kind | |', '|---|---|---|', ...rows].join('\n');
}

function flagsTable(): string {
  const rows = optionGroups.flatMap(([title, names]) => [
    `| **${title}** | | | |`,
    ...names.map((name) => row(options[name])),
  ]);
  return ['| flag | environment | default | |', '|---|---|---|---|', ...rows].join('\n');
}

function row(option: Option): string {
  const value = option.placeholder === '' ? '' : ` ${option.placeholder}`;
  const repeatable = option.repeatable ? ' (repeatable)' : '';
  const where = option.commands.map((command) => `\`${command}\``).join(', ');
  const cells = [
    `\`${option.flag}${value}\`${repeatable}`,
    `\`${option.env}\``,
    defaultCell(option),
    `${option.description} (${where})`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function defaultCell(option: Option): string {
  const text = defaultText(option);
  if (text === undefined) return option.type === 'boolean' ? 'off' : 'none';
  return option.defaultText === undefined ? `\`${text}\`` : text;
}

if (import.meta.main) await writeFile(reference, await withTables(await readFile(reference, 'utf8')));
