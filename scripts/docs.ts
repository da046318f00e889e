/**
 * Makes the part of README.md that is made from the table of options. test/repo/docs.test.ts fails when it is not
 * what this makes.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultText, optionGroups } from '../agent/help.ts';
import { type Option, options } from '../src/spec/contract.ts';
import { root } from './steps.ts';

export const readme = join(root, 'README.md');

const part = /(<!-- flags: [^>]*-->\n)[\s\S]*?(<!-- \/flags -->)/;

/** The README's text, its table of flags as it should be. */
export function withFlags(text: string): string {
  return text.replace(part, (_, open: string, close: string) => `${open}\n${flagsTable()}\n\n${close}`);
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

if (import.meta.main) await writeFile(readme, withFlags(await readFile(readme, 'utf8')));
