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

const pollingMs = 2_000;
/** Out of watches, instances or files: usual on a crowded node, and no reason to stop seeing changes. */
const exhausted: readonly unknown[] = ['ENOSPC', 'EMFILE', 'ENFILE'];

/** Watches the spec files and folders, there or still to come. Resolves once every change will be seen. */
export async function watchSpecs(paths: readonly string[], options: WatchOptions): Promise<SpecWatch> {
  const rest = new Rest(options);
  const roots = await Promise.all(paths.map(rootOf));
  let current = await openWatcher(roots, { ...options, rest, onExhausted: () => void poll() });
  let closed = false;
  async function poll(): Promise<void> {
    await current.close();
    if (closed) return;
    current = await openWatcher(roots, { ...options, backend: 'polling', rest, onExhausted: () => {} });
    rest.touch();
  }
  return {
    close: async () => {
      closed = true;
      rest.close();
      await current.close();
    },
  };
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

interface OpenOptions extends WatchOptions {
  readonly rest: Rest;
  readonly onExhausted: () => void;
}

async function openWatcher(roots: readonly Root[], options: OpenOptions): Promise<FSWatcher> {
  const { watch } = await import('chokidar');
  const { rest, onError, onExhausted, backend = 'auto' } = options;
  const watcher = watch([...new Set(roots.flatMap((root) => root.folders))], {
    followSymlinks: false,
    ignoreInitial: true,
    depth: 1,
    backend,
    pollingInterval: pollingMs,
    ignored: (path) => isForeign(path, roots),
  });
  watcher.on('all', (_, path) => {
    if (counts(path, roots)) rest.touch();
  });
  watcher.on('error', (thrown) => {
    const { code, message } = thrown as NodeJS.ErrnoException;
    onError(
      new AgentError('SpecInvalid', `the specs cannot be watched: ${code ?? message}`, { cause: thrown }),
    );
    if (backend === 'auto' && exhausted.includes(code)) onExhausted();
  });
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
