import { createHash } from 'node:crypto';
import type { Clock } from '../src/base/clock.ts';
import { AgentError, describe } from '../src/base/errors.ts';
import type { Log } from '../src/base/log.ts';
import { didYouMean } from '../src/base/nearest.ts';
import type { OptionDefaults } from '../src/spec/annotations.ts';
import { readDocuments } from '../src/spec/documents.ts';
import { parseDuration } from '../src/spec/duration.ts';
import { type LoadedSpecs, loadSpecs } from '../src/spec/load.ts';
import { parseSpecs } from '../src/spec/parse.ts';
import type { SpecSet } from '../src/spec/spec.ts';
import type { StoreCatalog } from '../src/spec/store.ts';
import { regexpMatcher } from '../src/spec/store-ref.ts';
import type { SpecWatch } from '../src/spec/watch.ts';
import type { Config } from './config.ts';
import { exitCodes, UsageError } from './host.ts';

export interface SpecsOptions {
  readonly config: Pick<Config, 'specs' | 'only' | 'once' | 'format' | 'refresh'>;
  readonly namespace: string | undefined;
  readonly catalog: StoreCatalog;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LoadedSet {
  readonly specs: SpecSet;
  /** False when something could not be read or parsed: then nothing counts as removed. */
  readonly whole: boolean;
}

/** Hops 1 and 2 for the life of a process: the spec set as last read, and a watch that reads it again. */
export class Specs {
  readonly #options: SpecsOptions;
  #current: SpecSet = emptySet;
  #last: { readonly digest: string; readonly set: LoadedSet } | undefined;

  constructor(options: SpecsOptions) {
    this.#options = options;
  }

  /** As last loaded: what references resolve against. */
  get current(): SpecSet {
    return this.#current;
  }

  /** Whoever runs in the set in force keeps its target. Never throws for a spec's sake. Throws UsageError when
   * `--once --only` names an ExternalSecret that nobody wrote; in a sidecar, where it may still come, that is a
   * problem of the set, so that no app starts without what it was to be given. */
  async load(inForce?: SpecSet): Promise<LoadedSet> {
    const { config, namespace, catalog } = this.#options;
    const { files, problems, complete } = await loadSpecs(config.specs);
    // Events come also where nothing changed, and reading is cheap beside parsing.
    const digest = digestOf(files, problems);
    if (this.#last?.digest === digest) return this.#last.set;
    const running = new Map(inForce?.externalSecrets.map((spec) => [spec.target.name, spec.name]));
    const matchesRegexp = await regexpMatcher(files);
    const defaults = defaultsOf(config);
    const read = await readDocuments(files);
    const parsed = parseSpecs(read, { namespace, catalog, defaults, running, matchesRegexp });
    // What cannot be read is no part of the documents' hash, and when it can be, or is gone, the set is another.
    const hash = [parsed.hash, ...problems.map(describe)].join('\n');
    const specs = this.#only({ ...parsed, hash, problems: [...problems, ...parsed.problems] }, inForce);
    this.#current = specs;
    const set = { specs, whole: complete && specs.problems.length === 0 };
    this.#last = { digest, set };
    return set;
  }

  /** Calls `onChange` once a change of the files rests. */
  async watch(onChange: () => void): Promise<SpecWatch> {
    const { config, clock, log } = this.#options;
    const { watchSpecs } = await import('../src/spec/watch.ts');
    const onError = (err: Error): void => log.warn({ err }, 'spec folders are polled');
    return await watchSpecs(config.specs, { clock, onChange, onError });
  }

  /** `--only`: what it does not name is as if it had not been written. */
  #only(specs: SpecSet, inForce: SpecSet | undefined): SpecSet {
    const { only } = this.#options.config;
    if (only.length === 0) return specs;
    const wanted = (object: string | undefined): boolean =>
      object === undefined ||
      !object.startsWith('ExternalSecret/') ||
      only.includes(object.slice('ExternalSecret/'.length));
    return {
      ...specs,
      externalSecrets: specs.externalSecrets.filter((spec) => only.includes(spec.name)),
      problems: [
        ...specs.problems.filter((problem) => wanted(problem.at.object)),
        ...this.#unknownNames(specs, inForce),
      ],
      warnings: specs.warnings.filter((warning) => wanted(warning.at.object)),
    };
  }

  /** Of `--only`, what nobody wrote; what runs and is gone was removed, and is no mistake. */
  #unknownNames({ externalSecrets, problems }: SpecSet, inForce: SpecSet | undefined): AgentError[] {
    const { only, once } = this.#options.config;
    const known = externalSecrets.map((spec) => spec.name);
    const refused = problems.map((problem) => problem.at.object);
    const running = inForce?.externalSecrets.map((spec) => spec.name) ?? [];
    const unknown = only.filter(
      (name) => ![...known, ...running].includes(name) && !refused.includes(`ExternalSecret/${name}`),
    );
    const message = (name: string): string => `--only names no ExternalSecret: ${name}`;
    const remedy = `there ${known.length === 1 ? 'is' : 'are'}: ${known.join(', ') || 'none'}`;
    if (unknown.length > 0 && once)
      throw new UsageError(exitCodes.usage, message(unknown.join(', ')), remedy);
    return unknown.map(
      (name) => new AgentError('SpecInvalid', message(name) + didYouMean(name, known), { remedy }),
    );
  }
}

function digestOf(files: LoadedSpecs['files'], problems: LoadedSpecs['problems']): string {
  const hash = createHash('sha256');
  for (const { path, text } of files) hash.update(`${path}\0${text}\0`);
  for (const problem of problems) hash.update(`${describe(problem)}\0`);
  return hash.digest('hex');
}

const emptySet: SpecSet = {
  externalSecrets: [],
  stores: new Map(),
  secrets: new Map(),
  configMaps: new Map(),
  problems: [],
  warnings: [],
  hash: '',
};

function defaultsOf({ format, refresh }: SpecsOptions['config']): OptionDefaults {
  return { format, refreshMs: refresh === undefined ? undefined : parseDuration(refresh) };
}
