import { mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import type { Payload } from '../../src/plan/payload.ts';
import { type DirectoryOptions, openDirectory } from '../../src/sinks/directory.ts';
import type { ExternalSecret, ExternalSecretOptions } from '../../src/spec/spec.ts';
import { ManualClock } from '../base/manual-clock.ts';

export const signal = new AbortController().signal;

const noOptions: ExternalSecretOptions = {
  format: 'files',
  fileMode: undefined,
  optional: new Set(),
  maxStaleness: undefined,
  refreshMs: undefined,
};

/** An ExternalSecret whose target has its name. */
export function externalSecret(name = 'db', options: Partial<ExternalSecretOptions> = {}): ExternalSecret {
  return {
    name,
    namespace: undefined,
    uid: undefined,
    at: { object: `ExternalSecret/${name}`, file: 'specs.yaml', line: 3 },
    labels: new Map(),
    annotations: new Map(),
    hash: 'spec',
    refreshPolicy: 'Periodic',
    refreshIntervalMs: 3_600_000,
    syncWindows: undefined,
    target: {
      name,
      creationPolicy: 'Owner',
      deletionPolicy: 'Retain',
      immutable: false,
      template: undefined,
    },
    data: [],
    dataFrom: [],
    options: { ...noOptions, ...options },
  };
}

export function payload(data: Record<string, string | Buffer>, hash = 'inputs'): Payload {
  return {
    data: new Map(Object.entries(data).map(([key, value]) => [key, Secret.of(value)])),
    type: 'Opaque',
    labels: undefined,
    annotations: undefined,
    hash,
  };
}

/** A folder of its own for each test, gone when `context` ends. */
export function temporaryFolder(context: { after(fn: () => void): void }): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sink-')));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function sinkIn(output: string, options: Partial<DirectoryOptions> = {}) {
  const clock = new ManualClock();
  const sink = openDirectory({
    output,
    fileMode: 'auto',
    dirMode: 'auto',
    clock,
    log: silentLog,
    ...options,
  });
  return { sink, clock };
}

/** What a reader of a target's visible names sees. */
export function seen(target: string): Record<string, string> {
  const names = readdirSync(target).filter((name) => !name.startsWith('..'));
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(target, name), 'utf8')]));
}

/** Hidden names in a target, `..data` aside, without what is `..data`'s own generation and note. */
export function orphans(target: string): string[] {
  const live = readlinkSync(join(target, '..data'));
  return readdirSync(target).filter(
    (name) => name.startsWith('..') && name !== '..data' && name !== live && name !== `${live}.json`,
  );
}
