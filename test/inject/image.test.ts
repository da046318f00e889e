import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { probeCommand } from '../../src/inject/agent-container.ts';
import { annotationNames } from '../../src/inject/annotations.ts';
import { authority } from '../peers/certificates.ts';
import { freePort, until } from '../peers/process.ts';
import { importsOf, sourceFiles } from '../repo/sources.ts';

const root = join(import.meta.dirname, '..', '..');

test('the probe is run as the image runs the agent', () => {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  const [, entrypoint = '[]'] = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile) ?? [];
  const agent: readonly string[] = JSON.parse(entrypoint);
  assert.deepEqual(agent.slice(0, -1), probeCommand.slice(0, -1));
  assert.deepEqual([agent.at(-1), probeCommand.at(-1)], ['/app/main.cjs', '/app/probe.cjs']);
  assert.match(dockerfile, /^USER 65532:65532$/m);
});

test('every annotation of a Pod is documented', () => {
  const guide = readFileSync(join(root, 'docs', 'injection.md'), 'utf8');
  const listed = [...guide.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(listed.sort(), [...annotationNames].sort());
});

test('the injector serves, tells how it is, and ends when asked', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'injector-'));
  const { cert, key } = authority('Process CA').issue({ names: ['127.0.0.1'] });
  const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  const [port, probes] = [await freePort(), await freePort()];
  const flags = ['--cert-file', certFile, '--key-file', keyFile, '--webhook', `127.0.0.1:${port}`];
  const args = [join(root, 'agent', 'main.ts'), 'injector', ...flags, '--listen', `127.0.0.1:${probes}`];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  try {
    const get = (path: string) => fetch(`http://127.0.0.1:${probes}${path}`);
    await until(async () => (await get('/readyz').catch(() => undefined))?.status === 200, 20_000);
    assert.equal((await get('/livez')).status, 200);
    const metrics = await (await get('/metrics')).text();
    assert.match(metrics, /^external_secrets_agent_injector_cert_expiry_timestamp_seconds \d+$/m);
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});

test('a sidecar loads nothing of the injector', () => {
  const edges = sourceFiles('src', 'agent').flatMap(importsOf);
  // A command is loaded when it is the one that runs, by cli.ts.
  const loads = edges.filter(
    ({ from, typeOnly, dynamic }) => !typeOnly && !(dynamic && from === 'agent/cli.ts'),
  );
  const found = new Set(['agent/main.ts', 'agent/run.ts', 'agent/probe-main.ts']);
  for (const path of found) for (const { from, to } of loads) if (from === path) found.add(to);
  assert.deepEqual(
    [...found].filter((path) => path.startsWith('src/inject/')),
    [],
  );
});
