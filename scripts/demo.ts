/**
 * npm run demo: the real sidecar on this machine, with a store that needs no server. Secrets arrive as files, one
 * is rotated, and an application beside it sees the change. On a terminal it stays until Ctrl-C.
 */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { cp, lstat, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { styleText } from 'node:util';
import { root } from './steps.ts';

interface AppMessage {
  readonly words: string;
  readonly keys: readonly string[];
  readonly databaseUrl: string;
}

const deadlineMs = 20_000;
const main = join(root, 'agent', 'main.ts');

const folder = await mkdtemp(join(tmpdir(), 'external-secrets-demo-'));
const specs = join(folder, 'specs');
const output = join(folder, 'secrets');
const state = join(folder, 'state');
const target = join(output, 'app');
const children: ChildProcess[] = [];
let ending = false;

process.on('SIGINT', () => void end(0));
process.on('SIGTERM', () => void end(0));

try {
  await demo();
  await end(0);
} catch (error) {
  if (!ending) process.stderr.write(`${styleText('red', 'The demo failed')}: ${(error as Error).message}\n`);
  await end(1);
}

async function demo(): Promise<void> {
  await cp(join(root, 'manifests', 'examples', 'quickstart'), specs, { recursive: true });
  const address = `127.0.0.1:${await freePort()}`;

  title('1', 'The specs are plain External Secrets YAML');
  say(`${specs}/store.yaml and app.yaml, copied from manifests/examples/quickstart`);

  title('2', 'The sidecar starts');
  const flags = ['--specs', specs, '--output', output, '--state', state, '--listen', address];
  command(`external-secrets-agent run ${flags.join(' ')}`);
  const log = startSidecar(flags);
  await until(async () => (await fetchStatus(`http://${address}/startupz`)) === 200, log);

  title('3', 'Secrets are files');
  await showFiles();
  const app = startApp();
  await until(() => app.messages.length === 1, log);
  showApp(app.messages[0]!);

  title('4', 'Rotate the password: edit the spec, touch nothing else');
  const before = await readlink(join(target, '..data'));
  await rotate('first-password', 'second-password');
  await until(() => app.messages.length === 2, log);
  showApp(app.messages[1]!);
  say(
    `all keys flipped in one rename: ..data went from ${before} to ${await readlink(join(target, '..data'))}`,
  );

  title('5', 'How it stands');
  command(`external-secrets-agent status --state ${state}`);
  process.stdout.write(indent(runStatus()));
  say(`metrics: http://${address}/metrics   health: /livez /startupz /readyz   JSON: /status`);

  if (!process.stdout.isTTY) return;
  say(`\n${styleText('bold', 'Still running.')} Edit ${specs}/store.yaml and watch. Ctrl-C ends.`);
  for (let shown = 2; !ending; await delay(100)) {
    for (const message of app.messages.slice(shown)) showApp(message);
    shown = app.messages.length;
  }
}

/** Gives a function that says what the sidecar logged, for when something goes wrong. */
function startSidecar(flags: readonly string[]): () => string {
  const child = spawn(process.execPath, [main, 'run', ...flags, '--log-format', 'pretty'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-20_000);
    });
  }
  children.push(child);
  return () => log;
}

function startApp(): { readonly messages: readonly AppMessage[] } {
  const messages: AppMessage[] = [];
  const child = fork(join(root, 'scripts', 'demo-app.ts'), [target]);
  child.on('message', (message) => messages.push(message as AppMessage));
  children.push(child);
  return { messages };
}

/** As an editor saves: the spec's text changes, and that is all that is done. */
async function rotate(from: string, to: string): Promise<void> {
  const file = join(specs, 'store.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace(from, to));
  say(`store.yaml: ${styleText('red', from)} → ${styleText('green', to)}`);
}

async function showFiles(): Promise<void> {
  say(`${target}/`);
  for (const name of (await readdir(target)).sort()) {
    if (name.startsWith('..')) continue;
    const path = join(target, name);
    const link = (await lstat(path)).isSymbolicLink() ? styleText('gray', ` → ${await readlink(path)}`) : '';
    say(
      `  ${styleText('cyan', name.padEnd(13))} ${(await readFile(path, 'utf8')).padEnd(66)}${link}`.trimEnd(),
    );
  }
}

function showApp({ words, keys, databaseUrl }: AppMessage): void {
  say(`${styleText('magenta', 'the app')} ${words} ${keys.join(', ')}: ${databaseUrl}`);
}

function runStatus(): string {
  const { stdout, stderr } = spawnSync(process.execPath, [main, 'status', '--state', state], {
    encoding: 'utf8',
    env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) },
  });
  return stdout + stderr;
}

async function fetchStatus(url: string): Promise<number> {
  return await fetch(url).then(
    (response) => response.status,
    () => 0,
  );
}

async function until(condition: () => boolean | Promise<boolean>, log: () => string): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!ending && !(await condition())) {
    const ended = children.find((child) => child.exitCode !== null);
    if (ended !== undefined) throw new Error(`a process ended with ${ended.exitCode}\n${log()}`);
    if (performance.now() > end) throw new Error(`nothing happened for ${deadlineMs / 1000} s\n${log()}`);
    await delay(20);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

async function end(code: number): Promise<void> {
  if (ending) return;
  ending = true;
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    }),
  );
  await rm(folder, { recursive: true, force: true });
  process.exit(code);
}

function title(number: string, text: string): void {
  process.stdout.write(`\n${styleText('bold', `${number}  ${text}`)}\n`);
}

function command(text: string): void {
  say(styleText('gray', `$ ${text}`));
}

function say(text: string): void {
  process.stdout.write(indent(`${text}\n`));
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '   ');
}
