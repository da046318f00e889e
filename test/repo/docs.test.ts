import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { optionGroups } from '../../agent/help.ts';
import { withTables } from '../../scripts/docs.ts';
import { codes } from '../../src/base/errors.ts';
import {
  externalSecretAnnotations,
  storeAnnotations,
  unbuiltAnnotations,
} from '../../src/spec/annotations.ts';
import { options } from '../../src/spec/contract.ts';
import { motoMissing, startMoto } from '../peers/moto.ts';
import { findProgram, missing } from '../peers/process.ts';
import { read, root, trackedFiles } from './sources.ts';

const readme = read('README.md');

describe('the reference', () => {
  const reference = read('docs/reference.md');

  test('has the tables of flags and metrics as the sources have them', async () => {
    assert.equal(reference, await withTables(reference), 'run: npm run docs');
    for (const { flag } of Object.values(options)) assert.ok(reference.includes(`\`${flag}`), flag);
    assert.match(reference, /^\| `external_secrets_failures` \| counter \| \S/m);
  });

  test('has every annotation of specs that works, and no other', () => {
    const subject = (kind: string) => new RegExp(`## Annotations of ${kind}\n([\\s\\S]*?)\n## `);
    const named = (kind: string) =>
      [...reference.match(subject(kind))![1]!.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name);
    assert.deepEqual(
      named('an ExternalSecret'),
      externalSecretAnnotations.filter((name) => !unbuiltAnnotations.includes(name)),
    );
    assert.deepEqual(named('a store'), storeAnnotations);
  });
});

describe('the README', () => {
  test('names only flags that there are', () => {
    const known: readonly string[] = [
      ...Object.values(options).map(({ flag }) => flag),
      '--silent',
      '--help',
    ];
    const named = [...readme.matchAll(/`(?:[^`]* )?(--[a-z-]+)[^`]*`/g)].map(([, flag]) => flag!);
    assert.deepEqual(
      named.filter((flag) => !known.includes(flag)),
      [],
    );
  });

  test('groups every option once', () => {
    const grouped = optionGroups.flatMap(([, names]) => names);
    assert.deepEqual([...grouped].sort(), Object.keys(options).sort());
  });

  test('says what to do about every error code', () => {
    for (const code of codes)
      assert.match(readme, new RegExp(`^\\| \`${code}\` \\| \\S.* \\| \\S.* \\|$`, 'm'), code);
  });

  test('names only commands that npm knows', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const named = [...readme.matchAll(/npm (?:run )?(?:--silent )?(demo|test|agent|\w+:\w+)\b/g)].map(
      ([, name]) => name,
    );
    assert.deepEqual(
      [...new Set(named)].filter((name) => !(name! in scripts)),
      [],
    );
  });
});

test('links between the documents lead somewhere', () => {
  const broken = trackedFiles()
    .filter((path) => path.endsWith('.md'))
    .flatMap((path) =>
      [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .filter(([, link]) => !existsSync(join(root, dirname(path), link!)))
        .map(([, link]) => `${path}: ${link}`),
    );
  assert.deepEqual(broken, []);
});

/** The shell blocks of the README that are marked for `name`, in order, as they are printed. */
function blocks(name: string): string {
  const marked = readme.matchAll(/<!-- run: (\w+) -->\n```sh\n([\s\S]*?)```/g);
  return [...marked]
    .filter(([, marker]) => marker === name)
    .map(([, , text]) => text)
    .join('\n');
}

interface Done {
  readonly code: number | null;
  readonly output: string;
}

/** `kill $!` reaches npm; the agent has to end with it. */
const agentIsGone = 'while curl -fs http://127.0.0.1:9402/livez >/dev/null; do sleep 0.1; done';

/** Where this machine lets us, blocks run in a network of their own, so that the ports they print are free. */
const ownNetwork = spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up']).status === 0;

/** Runs the blocks as one shell would that a reader types them into; whatever they leave running ends with it. */
async function runBlocks(name: string, env: Record<string, string>, end = ''): Promise<Done> {
  const alone = ownNetwork && name === 'vault';
  const script = `set -eu\n${alone ? 'ip link set lo up\n' : ''}${blocks(name)}\n${end}`;
  const [program, ...args] = [...(alone ? ['unshare', '--net'] : []), 'bash', '-c', script];
  const child = spawn(program!, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, which is ended as one.
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const endGroup = () => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL');
  const timer = setTimeout(endGroup, 90_000);
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  clearTimeout(timer);
  try {
    endGroup();
  } catch {
    // Nothing was left running.
  }
  return { code, output };
}

async function portsInUse(...ports: readonly number[]): Promise<boolean> {
  const answers = await Promise.allSettled(ports.map((port) => fetch(`http://127.0.0.1:${port}`)));
  return answers.some(
    (answer) => answer.status === 'fulfilled' || !/ECONNREFUSED/.test(String(answer.reason.cause)),
  );
}

describe('the examples of the README run as printed', () => {
  const clean = () => {
    for (const name of ['secrets', 'state', 'aws'])
      rmSync(`/tmp/esa-${name}`, { recursive: true, force: true });
  };
  before(clean);
  after(clean);

  test('against a real Vault', { skip: missing('vault', ['vault', 'curl']) }, async (context) => {
    if (!ownNetwork && (await portsInUse(8200, 9402)))
      return context.skip('the ports that it prints are in use');
    const { code, output } = await runBlocks('vault', {}, agentIsGone);
    assert.equal(code, 0, output);
    assert.match(output, /postgres:\/\/app:s3cr3t@db\.example\.com\/app/);
    assert.match(output, /^ok: 1 file, 1 store, 1 ExternalSecret$/m);
    assert.match(output, /^db +synced +/m);
  });

  // The aws program is not part of what the peers bring, so that it is missing is no failure.
  const noAws = findProgram('aws') === undefined ? 'aws is not on PATH' : motoMissing();
  test('against the AWS API (moto, which asks nobody who they are)', { skip: noAws }, async () => {
    const moto = await startMoto();
    try {
      const { code, output } = await runBlocks('aws', {
        AWS_ENDPOINT_URL: moto.url,
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
      });
      assert.equal(code, 0, output);
      assert.match(output, /s3cr3t$/);
    } finally {
      await moto.stop();
    }
  });
});
