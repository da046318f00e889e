import type { SpecFile } from '../../src/spec/document.ts';
import type { ReadFile } from '../../src/spec/documents.ts';
import { readPlainYaml } from '../../src/spec/plain-yaml/reader.ts';
import { readYaml } from '../../src/spec/yaml.ts';

/** As `readDocuments`, with the library at hand. */
export function readNow(files: readonly SpecFile[]): readonly ReadFile[] {
  return files.map((file) => {
    const documents = readPlainYaml(file);
    return { ...file, ...(documents === undefined ? readYaml(file) : { documents, problems: [] }) };
  });
}
