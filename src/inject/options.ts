import { AgentError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { didYouMean } from '../base/nearest.ts';
import { tokenFileName } from '../identity/identity.ts';
import { type Option, type OptionName, options } from '../spec/contract.ts';
import { parseDuration } from '../spec/duration.ts';
import { rules } from '../spec/schema/rules.ts';
import {
  annotationNames,
  keyOf,
  labelNames,
  optionAnnotations,
  type podAnnotations,
  unbuiltAnnotations,
} from './annotations.ts';
import { checkOneOf, checkOptionText, invalid, partsOfList } from './option-text.ts';
import type { Pod } from './pod.ts';
import { parseQuantity } from './quantity.ts';
import { textOf } from './raw.ts';
import { type Refusal, type RefusalReason, refusal } from './refusal.ts';
import { parseResources, type Resources, withMemoryLimit } from './resources.ts';

/** What whoever runs the injector decided for every pod. */
export interface InjectSettings {
  /** Of the injector; the status annotation tells it. */
  readonly version: string;
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never' | undefined;
  /** Prefixes of images that a pod may choose; empty: none. */
  readonly imagesAllow: readonly string[];
  readonly native: 'on' | 'off';
  /** As a quantity: `16Mi`. */
  readonly size: string;
  /** `cpu=10m,memory=64Mi`. */
  readonly resources: string;
  readonly audiences: readonly string[];
  readonly tokenTtlMs: number;
  /** Handed to every agent; empty: any host. */
  readonly storesAllow: readonly string[];
  readonly proxy: string | undefined;
}

/** What one pod asked for, checked, with the injector's defaults. */
export interface PodOptions {
  readonly config: readonly string[];
  /** YAML; undefined with `config`. */
  readonly spec: string | undefined;
  readonly mode: 'sidecar' | 'init';
  readonly native: boolean;
  readonly containers: 'all' | readonly string[];
  readonly order: 'auto' | 'first' | 'last';
  readonly path: string;
  readonly sizeBytes: bigint;
  /** Each with a token; the first two always. */
  readonly audiences: readonly string[];
  readonly tokenTtlSeconds: number;
  readonly runAs: 'auto' | 'same' | { readonly uid: number; readonly gid: number | undefined };
  readonly fileMode: 'auto' | number;
  readonly resources: Resources;
  readonly image: string;
  /** Undefined: the default, which hostNetwork turns off. */
  readonly port: number | 'off' | undefined;
  readonly extraSecrets: readonly string[];
  readonly extraConfigMaps: readonly string[];
  /** Of `run`, in the order of the contract's table, such as `--on-error=ignore`. */
  readonly flags: readonly string[];
  /** Whether the agent talks to the API server. */
  readonly needsApi: boolean;
}

const standingAudiences = ['vault', 'sts.amazonaws.com'];

/** The pod's wishes, or everything that is wrong with them. */
export function readOptions(pod: Pod, settings: InjectSettings): PodOptions | readonly Refusal[] {
  const reader = new Reader(pod, settings);
  reader.checkKeys();
  const read = reader.read();
  return reader.refusals.length > 0 ? reader.refusals : read;
}

/** Which of our options make the agent speak to the API server, by their annotations. */
const apiAnnotations = ['sync', 'events', 'write-status'];

class Reader {
  readonly refusals: Refusal[] = [];
  readonly #pod: Pod;
  readonly #settings: InjectSettings;

  constructor(pod: Pod, settings: InjectSettings) {
    this.#pod = pod;
    this.#settings = settings;
  }

  /** Tells every annotation and label under our prefix that is not ours. */
  checkKeys(): void {
    const unknown = this.#names(this.#pod.annotations).filter((name) => !annotationNames.includes(name));
    for (const name of unknown.slice(0, limits.podUnknownCount)) {
      const unbuilt = unbuiltAnnotations.includes(name) || /^format\./.test(name);
      const message = unbuilt
        ? 'is not supported by this version'
        : `is no annotation of a Pod${didYouMean(name, annotationNames)}`;
      const remedy = unbuilt ? 'leave it out' : `there is ${annotationNames.join(', ')}`;
      this.#refuse(unbuilt ? 'NotSupported' : 'UnknownAnnotation', name, { message, remedy });
    }
    const labels = this.#names(this.#pod.labels).filter((name) => !labelNames.includes(name));
    for (const name of labels.slice(0, limits.podUnknownCount)) {
      const message = `is no label of a Pod${didYouMean(name, labelNames)}`;
      this.#refuse('UnknownAnnotation', name, { message, remedy: 'use an annotation, or leave it out' });
    }
  }

  read(): PodOptions {
    const { config, spec } = this.#specs();
    const sizeBytes = this.#sizeBytes();
    const audiences = this.#audiences();
    const resources = this.#try('resources', () =>
      withMemoryLimit(parseResources(this.#optionText('resources') ?? this.#settings.resources), sizeBytes),
    );
    return {
      config,
      spec,
      mode: this.#oneOf('mode', ['sidecar', 'init']),
      native: (this.#optionText('native') ?? this.#settings.native) === 'on',
      containers: this.#containers(),
      order: this.#oneOf('order', ['auto', 'first', 'last']),
      path: this.#optionText('path') ?? options.output.default,
      sizeBytes,
      audiences,
      tokenTtlSeconds: this.#tokenTtlSeconds(),
      runAs: this.#try('run-as', () => runAsOf(this.#text('run-as') ?? 'auto')) ?? 'auto',
      fileMode: fileModeOf(this.#optionText('file-mode')),
      resources: resources ?? { requests: {}, limits: {} },
      image: this.#image(),
      port: this.#try('port', () => portOf(this.#text('port'))),
      extraSecrets: this.#objectNames('extra-secrets'),
      extraConfigMaps: this.#objectNames('extra-configmaps'),
      flags: this.#flags(),
      needsApi: apiAnnotations.some((name) => optionAnnotations.has(name) && this.#isOn(name)),
    };
  }

  #specs(): Pick<PodOptions, 'config' | 'spec'> {
    const [config, spec] = [this.#text('config'), this.#text('spec')];
    if ((config === undefined) === (spec === undefined)) {
      const message =
        config === undefined
          ? `this or ${keyOf('spec')} is required`
          : `both this and ${keyOf('spec')} are given`;
      const remedy = 'name ConfigMaps in config, or write the specs into spec';
      this.#refuse('InvalidAnnotation', 'config', { message, remedy });
    } else if (spec?.trim() === '') {
      this.#refuse('InvalidAnnotation', 'spec', {
        message: 'is empty',
        remedy: 'write the specs into it, as YAML',
      });
    }
    return { config: this.#objectNames('config'), spec };
  }

  /** Names of ConfigMaps or Secrets. */
  #objectNames(name: string): readonly string[] {
    const text = this.#text(name);
    if (text === undefined) return [];
    return (
      this.#try(name, () => {
        const parts = partsOfList(text);
        if (parts.length === 0) throw invalid(text, 'names nothing', 'give names with commas between them');
        const wrong = parts.find((part) => rules['name']?.(part) !== undefined);
        if (wrong !== undefined)
          throw invalid(wrong, 'is no name', 'use lower-case letters, digits, - and .');
        return parts;
      }) ?? []
    );
  }

  #containers(): PodOptions['containers'] {
    const text = this.#text('containers');
    if (text === undefined) return 'all';
    if (text.trim() === 'none') return [];
    const names = this.#try('containers', () => partsOfList(text)) ?? [];
    if (names.length === 0) {
      const remedy = 'name containers with commas between them, or write none';
      this.#refuse('InvalidAnnotation', 'containers', { message: 'names nothing', remedy });
    }
    return names;
  }

  #sizeBytes(): bigint {
    const size = this.#optionText('size') ?? this.#settings.size;
    return (this.#try('size', () => parseQuantity(size))?.millis ?? 0n) / 1_000n;
  }

  #audiences(): readonly string[] {
    const own = this.#optionText('audiences');
    const all = [...new Set([...standingAudiences, ...this.#settings.audiences, ...partsOfList(own ?? '')])];
    const files = Map.groupBy(all, tokenFileName);
    this.#try('audiences', () => {
      for (const [file, [first, second]] of files) {
        if (second !== undefined)
          throw invalid(second, `would share its token file with ${first}`, 'drop one of the two');
        if (!/^[^\s\0]{1,200}$/.test(file) || /^\.{1,2}/.test(file))
          throw invalid(first ?? '', 'is no audience', 'write what the store expects, such as vault');
      }
    });
    return all;
  }

  #tokenTtlSeconds(): number {
    const text = this.#optionText('token-ttl');
    return Math.ceil((text === undefined ? this.#settings.tokenTtlMs : parseDuration(text)) / 1_000);
  }

  #image(): string {
    const { image, imagesAllow } = this.#settings;
    const own = this.#optionText('image');
    if (own === undefined || own === image) return image;
    if (!imagesAllow.some((prefix) => own.startsWith(prefix))) {
      const message = `${JSON.stringify(own)} is not among the images that the injector allows`;
      const remedy = 'leave it out, or have the injector started with --images-allow';
      this.#refuse('InvalidAnnotation', 'image', { message, remedy });
    }
    return own;
  }

  /** What goes to the agent as it stands; the others become parts of the pod. */
  #flags(): readonly string[] {
    const { storesAllow, proxy } = this.#settings;
    const given = new Map<OptionName, string>();
    if (storesAllow.length > 0) given.set('storesAllow', storesAllow.join(','));
    if (proxy !== undefined) given.set('proxy', proxy);
    for (const [annotation, [name]] of optionAnnotations) {
      const text = this.#optionText(annotation);
      if (text !== undefined && name !== 'fileMode') given.set(name, text);
    }
    return (Object.entries(options) as [OptionName, Option][]).flatMap(([name, { flag, commands }]) => {
      const text = given.get(name);
      return text === undefined || !commands.includes('run') ? [] : [`${flag}=${text}`];
    });
  }

  #isOn(name: string): boolean {
    const text = this.#optionText(name);
    return text !== undefined && text !== 'false' && text !== 'none';
  }

  /** An annotation that an option stands for, checked; undefined when it is absent, or wrong and told. */
  #optionText(name: string): string | undefined {
    const text = this.#text(name);
    const entry = optionAnnotations.get(name);
    if (text === undefined || entry === undefined) return undefined;
    return this.#try(name, () => {
      checkOptionText(entry[1], text);
      return text;
    });
  }

  #oneOf<T extends string>(name: keyof typeof podAnnotations, values: readonly [T, ...T[]]): T {
    const text = this.#text(name);
    if (text !== undefined) this.#try(name, () => checkOneOf(text, values));
    return values.find((value) => value === text) ?? values[0];
  }

  #text(name: string): string | undefined {
    return textOf(this.#pod.annotations[keyOf(name)]);
  }

  #names(keys: Pod['annotations']): string[] {
    const prefix = keyOf('');
    return Object.keys(keys).flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []));
  }

  #try<T>(name: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      const { message, remedy = 'correct it, or leave it out' } = error;
      this.#refuse('InvalidAnnotation', name, { message, remedy });
      return undefined;
    }
  }

  /** Once for each annotation, however often it is looked at. */
  #refuse(
    reason: RefusalReason,
    name: string,
    words: { readonly message: string; readonly remedy: string },
  ): void {
    const field = keyOf(name);
    if (!this.refusals.some(({ error }) => error.at.field === field)) {
      this.refusals.push(refusal(reason, field, words));
    }
  }
}

function runAsOf(text: string): PodOptions['runAs'] {
  if (text === 'auto' || text === 'same') return text;
  const [, uid, gid] = /^([1-9][0-9]{0,9})(?::([0-9]{1,10}))?$/.exec(text) ?? [];
  const largest = 2 ** 31 - 1;
  if (uid === undefined || Number(uid) > largest || Number(gid ?? 0) > largest) {
    throw invalid(text, 'is not a user', 'write auto, same, UID or UID:GID, where the UID is not 0');
  }
  return { uid: Number(uid), gid: gid === undefined ? undefined : Number(gid) };
}

function portOf(text: string | undefined): PodOptions['port'] {
  if (text === undefined || text === 'off') return text;
  const port = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0;
  if (port >= 1_024 && port <= 65_535) return port;
  throw invalid(text, 'is not a port', 'write off, or a number between 1024 and 65535');
}

function fileModeOf(text: string | undefined): 'auto' | number {
  return text === undefined || text === 'auto' ? 'auto' : Number.parseInt(text, 8);
}
