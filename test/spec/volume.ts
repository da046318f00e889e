import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TempFolder {
  readonly path: string;
  remove(): void;
}

export function tempFolder(): TempFolder {
  const path = mkdtempSync(join(tmpdir(), 'esa-spec-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A folder as the kubelet mounts a ConfigMap: names link through `..data` to a generation, and an update is
 * one rename of `..data`. */
export class Volume {
  readonly path: string;
  #generation = 0;

  constructor(path: string, files: Readonly<Record<string, string>>) {
    this.path = path;
    mkdirSync(path, { recursive: true });
    this.swap(files);
  }

  swap(files: Readonly<Record<string, string>>): void {
    const before = `..2026_01_01_00_00_00.${this.#generation}`;
    const generation = `..2026_01_01_00_00_00.${++this.#generation}`;
    mkdirSync(join(this.path, generation));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.path, generation, name), text);
    symlinkSync(generation, join(this.path, '..data_tmp'));
    renameSync(join(this.path, '..data_tmp'), join(this.path, '..data'));
    for (const name of Object.keys(files)) {
      rmSync(join(this.path, name), { force: true });
      symlinkSync(join('..data', name), join(this.path, name));
    }
    rmSync(join(this.path, before), { recursive: true, force: true });
  }
}
