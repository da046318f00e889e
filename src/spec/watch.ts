import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import type { FSWatcher } from 'chokidar';
import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { dataLink, isSpecName } from './load.ts';

export interface WatchOptions {
  readonly clock: Clock;
  /** Called once per change, after a quiet spell; never again after `close`. */
  readonly onChange: () => void;
  /** The watch goes on, by polling where the system has no watches left. */
  readonly onError: (error: AgentError) => void;
  /** No event for this long ends a change: an editor's save or a volume's swap is several events. */
  readonly quietMs?: number;
  /** A change that never rests is told after this long. */
  readonly longestMs?: number;
  readonly backend?: 'auto' | 'polling';
}

export interface SpecWatch {
  close(): Promise<void>;
}

/** Between two looks where the system gives no events. */
const pollingMs = 2_000;
/** Out of watches, instances or files: usual on a crowded node, and no reason to stop seeing changes. */
const exhausted: readonly unknown[] = ['ENOSPC', 'EMFILE', 'ENFILE'];

/** Watches the spec files and folders, there or still to come. Resolves once every change will be seen. */
export async function watchSpecs(paths: readonly string[], options: WatchOptions): Promise<SpecWatch> {
  const watching = new Watching(paths, options);
  await watching.open();
  return watching;
}

class Watching implements SpecWatch {
  readonly #paths: readonly string[];
  readonly #options: WatchOptions;
  readonly #rest: Rest;
  readonly #closed = new AbortController();
  #watcher: FSWatcher | undefined;
  #backend: 'auto' | 'polling';

  constructor(paths: readonly string[], options: WatchOptions) {
    this.#paths = paths;
    this.#options = options;
    this.#rest = new Rest(options);
    this.#backend = options.backend ?? 'auto';
  }

  async open(): Promise<void> {
    const roots = await Promise.all(this.#paths.map(rootOf));
    // Asked before the watch starts: what appears in between is then met twice, and not missed.
    const orphans = await orphansOf(roots.flatMap((root) => root.folders));
    const watcher = await openWatcher(roots, {
      backend: this.#backend,
      onTouch: () => this.#rest.touch(),
      onError: (thrown) => this.#onError(thrown),
    });
    this.#watcher = watcher;
    if (this.#closed.signal.aborted) await watcher.close();
    else if (orphans.length > 0) void this.#awaitParents(orphans);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#rest.close();
    await this.#watcher?.close();
  }

  /** Opens anew: with other means, or because there is more to see. */
  async #reopen(): Promise<void> {
    await this.#watcher?.close();
    if (this.#closed.signal.aborted) return;
    await this.open();
    this.#rest.touch();
  }

  #onError(thrown: unknown): void {
    const { code, message } = thrown as NodeJS.ErrnoException;
    const text = `the specs cannot be watched: ${code ?? message}`;
    this.#options.onError(new AgentError('SpecInvalid', text, { cause: thrown }));
    if (this.#backend === 'polling' || !exhausted.includes(code)) return;
    this.#backend = 'polling';
    void this.#reopen();
  }

  /** A folder that is not there is seen to come through its parent; when that is missing too, it has to be
   * asked about. */
  async #awaitParents(orphans: readonly string[]): Promise<void> {
    for (;;) {
      const rested = await this.#options.clock.sleep(pollingMs, this.#closed.signal).then(
        () => true,
        () => false,
      );
      if (!rested) return;
      if ((await orphansOf(orphans)).length < orphans.length) return await this.#reopen();
    }
  }
}

/** Those whose parent is missing. */
async function orphansOf(folders: readonly string[]): Promise<string[]> {
  const orphans: string[] = [];
  for (const folder of folders) if (!(await exists(dirname(folder)))) orphans.push(folder);
  return orphans;
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

/** A folder to watch, and which names in it count. */
interface Root {
  readonly folders: readonly string[];
  /** Of a path that is a file, or is not there yet under a file's name. */
  readonly only: string | undefined;
}

/** A file is watched through its folder: saving may replace it, and in a volume it is a link that never
 * changes itself. */
async function rootOf(path: string): Promise<Root> {
  const absolute = resolve(path);
  const isFolder = await stat(absolute).then(
    (found) => found.isDirectory(),
    () => !isSpecName(basename(absolute)),
  );
  const folder = isFolder ? absolute : dirname(absolute);
  const real = await realpath(folder).catch(() => folder);
  return { folders: [...new Set([folder, real])], only: isFolder ? undefined : basename(absolute) };
}

interface OpenOptions {
  readonly backend: 'auto' | 'polling';
  readonly onTouch: () => void;
  readonly onError: (thrown: unknown) => void;
}

async function openWatcher(roots: readonly Root[], options: OpenOptions): Promise<FSWatcher> {
  const { watch } = await import('chokidar');
  const watcher = watch([...new Set(roots.flatMap((root) => root.folders))], {
    followSymlinks: false,
    ignoreInitial: true,
    depth: 1,
    backend: options.backend,
    pollingInterval: pollingMs,
    ignored: (path) => isForeign(path, roots),
  });
  watcher.on('all', (_, path) => {
    if (counts(path, roots)) options.onTouch();
  });
  watcher.on('error', options.onError);
  await new Promise<void>((ready) => watcher.once('ready', () => ready()));
  return watcher;
}

/** Dot-names below a root, but for the link of a volume: generations, editors' swap files, .git. */
function isForeign(path: string, roots: readonly Root[]): boolean {
  const parts = inner(path, roots);
  return parts.some((part) => part.startsWith('.') && part !== dataLink);
}

/** Names between a root and the path; none for a root itself or what is above it. */
function inner(path: string, roots: readonly Root[]): readonly string[] {
  const folders = roots.flatMap((root) => root.folders);
  const root = folders
    .filter((folder) => path.startsWith(join(folder, sep)))
    .sort((a, b) => b.length - a.length)[0];
  return root === undefined ? [] : relative(root, path).split(sep);
}

/** A root or a folder in it that comes or goes, a volume's link, a spec file. */
function counts(path: string, roots: readonly Root[]): boolean {
  return roots.some(({ folders, only }) =>
    folders.some((folder) => {
      if (path === folder) return true;
      if (!path.startsWith(join(folder, sep))) return false;
      const name = basename(path);
      if (only !== undefined) return dirname(path) === folder && (name === only || name === dataLink);
      return name === dataLink || isSpecName(name) || !name.includes('.');
    }),
  );
}

/** Waits for quiet after each touch, then tells once. */
class Rest {
  readonly #options: WatchOptions;
  readonly #closed = new AbortController();
  #lastMs = 0;
  #waiting = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  touch(): void {
    this.#lastMs = this.#options.clock.monotonic();
    if (this.#waiting || this.#closed.signal.aborted) return;
    this.#waiting = true;
    void this.#settle();
  }

  close(): void {
    this.#closed.abort();
  }

  async #settle(): Promise<void> {
    const { clock, quietMs = 200, longestMs = 2_000, onChange } = this.#options;
    const until = clock.monotonic() + longestMs;
    try {
      for (;;) {
        const end = Math.min(this.#lastMs + quietMs, until);
        const leftMs = end - clock.monotonic();
        if (leftMs <= 0) break;
        await clock.sleep(leftMs, this.#closed.signal);
      }
    } catch {
      // Only `close` ends a sleep early.
      return;
    }
    this.#waiting = false;
    onChange();
  }
}
