import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, until } from '../peers/process.ts';

const main = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));

/** A real agent in a process of its own, in folders of its own. */
export class Sidecar {
  readonly root: string;
  readonly port: number;
  readonly #address: string;
  readonly #env: Record<string, string>;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(root: string, port: number, options: SidecarOptions) {
    this.root = root;
    this.port = port;
    this.#address = options.address ?? '127.0.0.1';
    this.#env = options.env ?? {};
    this.#args = options.args ?? [];
  }

  /** Folders and specs are there; nothing runs. */
  static async prepare(specs: Record<string, string>, options: SidecarOptions = {}): Promise<Sidecar> {
    const sidecar = new Sidecar(await mkdtemp(join(tmpdir(), 'sidecar-')), await freePort(), options);
    for (const folder of ['specs', 'out', 'state', 'tokens']) await mkdir(join(sidecar.root, folder));
    for (const [name, text] of Object.entries(specs)) await sidecar.spec(name, text);
    return sidecar;
  }

  /** The same folders with other options: what prepared them may be named in these. */
  static async at(root: string, options: SidecarOptions): Promise<Sidecar> {
    return new Sidecar(root, await freePort(), options);
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  async spec(name: string, text: string): Promise<void> {
    await writeFile(this.path('specs', name), text);
  }

  /** Starts the sidecar; resolves when it listens. */
  async start(): Promise<void> {
    const args = ['--listen', `${this.#address}:${this.port}`];
    this.#child = this.#spawn(['run', ...args]);
    await until(async () => {
      if (this.#child?.exitCode !== null) throw new Error(`the agent ended:\n${this.#output}`);
      return (await this.get('/livez').catch(() => ({ status: 0 }))).status === 200;
    }, 20_000);
  }

  /** `run --once`: its exit code. */
  async once(...args: string[]): Promise<number> {
    const child = this.#spawn(['run', '--once', ...args]);
    return await new Promise((resolve) => child.once('close', (code) => resolve(code ?? -1)));
  }

  #spawn(words: readonly string[]): ChildProcess {
    const folders = ['specs', 'out', 'state', 'tokens'].map((name) => this.path(name));
    const [specs, output, state, tokens] = folders as [string, string, string, string];
    const args = [
      ...words,
      '--specs',
      specs,
      '--output',
      output,
      '--state',
      state,
      '--tokens',
      tokens,
      ...this.#args,
    ];
    const child = spawn(process.execPath, [main, ...args], {
      env: { PATH: process.env['PATH'] ?? '', ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
      });
    }
    return child;
  }

  /** All that it printed, over all its lives. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends it; resolves to the ms that took, and its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<{ tookMs: number; exitCode: number | null }> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null)
      return { tookMs: 0, exitCode: null };
    const began = performance.now();
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    child.kill(signal);
    return { exitCode: await ended, tookMs: performance.now() - began };
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL');
    await rm(this.root, { recursive: true, force: true });
  }

  async get(path: string): Promise<{ status: number; text: string }> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      headers: { connection: 'close' },
    });
    return { status: response.status, text: await response.text() };
  }

  /** One target of `/status`; without members while the agent does not know it. */
  async target(name: string): Promise<Record<string, unknown>> {
    const status = JSON.parse((await this.get('/status')).text) as { targets: Record<string, unknown>[] };
    return status.targets.find((each) => each['name'] === name) ?? {};
  }

  /** A delivered file's bytes. */
  async read(target: string, key: string): Promise<Buffer> {
    return await readFile(this.path('out', target, key));
  }

  async text(target: string, key: string): Promise<string | undefined> {
    return await this.read(target, key).then(String, () => undefined);
  }

  async keys(target: string): Promise<readonly string[]> {
    const names = await readdir(this.path('out', target)).catch(() => []);
    return names.filter((name) => !name.startsWith('..')).sort();
  }

  /** The value of one sample of `/metrics`, by the start of its line. */
  async metric(series: string): Promise<number | undefined> {
    const line = (await this.get('/metrics')).text.split('\n').find((each) => each.startsWith(series));
    return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')));
  }
}

export interface SidecarOptions {
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  /** To listen on; loopback when unset, as `get` needs it. */
  readonly address?: string;
}
