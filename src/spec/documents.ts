import type { SpecFile, YamlFile } from './document.ts';
import { readPlainYaml } from './plain-yaml/reader.ts';

/** A file with what it holds. */
export interface ReadFile extends SpecFile, YamlFile {}

/** The end of hop 1: the documents of files, for `parseSpecs`. The YAML library is loaded only when a file needs it. */
export async function readDocuments(files: readonly SpecFile[]): Promise<readonly ReadFile[]> {
  const read: ReadFile[] = [];
  for (const file of files) {
    const documents = readPlainYaml(file);
    const found = documents === undefined ? await readByLibrary(file) : { documents, problems: [] };
    read.push({ ...file, ...found });
  }
  return read;
}

async function readByLibrary(file: SpecFile): Promise<YamlFile> {
  const { readYaml } = await import('./yaml.ts');
  return readYaml(file);
}
