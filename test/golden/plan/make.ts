import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Case } from '../../plan/corpus.ts';
import { Chance } from './make/chance.ts';
import { documentText } from './make/documents.ts';
import { lookups } from './make/lookups.ts';
import * as others from './make/others.ts';
import { pathText } from './make/paths.ts';

/** Writes the cases. Afterwards, in generate/: `go run . generate ..` records what Go makes of them. */
const chance = new Chance(1);

function bytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

function randomLookup(): Case {
  return { kind: 'gjson', text: bytes(documentText(chance)), path: pathText(chance).toWellFormed() };
}

const jsonTexts = [...others.jsonTexts.map(bytes), ...others.brokenTexts];
const encodings = [...others.encodings.map(bytes), ...times(100, () => others.encodingText(chance))];

const families: Readonly<Record<string, readonly Case[]>> = {
  lookups: lookups.flatMap(({ text, paths }) =>
    paths.map((path): Case => ({ kind: 'gjson', text: bytes(text), path })),
  ),
  'random-lookups': times(1500, randomLookup),
  json: [...jsonTexts, ...times(150, () => bytes(documentText(chance)))].map(
    (text): Case => ({ kind: 'json', text }),
  ),
  extract: [...jsonTexts, ...times(150, () => bytes(documentText(chance)))].map(
    (text): Case => ({ kind: 'extract', text }),
  ),
  base64: encodings.flatMap((text): Case[] => [
    { kind: 'base64', strategy: 'Base64', text },
    { kind: 'base64', strategy: 'Base64URL', text },
  ]),
  floats: [...others.floats, ...times(60, () => others.floatText(chance))].map(
    (text): Case => ({ kind: 'float', text }),
  ),
  renames: others.renames.map((rename): Case => ({ kind: 'rename', text: '', ...rename })),
  conversions: ['Default', 'Unicode'].map(
    (strategy): Case => ({ kind: 'convert', text: '', strategy, keys: others.conversions }),
  ),
};

for (const [name, cases] of Object.entries(families)) {
  const lines = cases.map((each) => JSON.stringify(each)).join(',\n');
  writeFileSync(join(import.meta.dirname, 'cases', `${name}.json`), `[\n${lines}\n]\n`);
}
