/**
 * The bundle in dist/, as images run it. It takes two passes, since esbuild splits ESM only and the agent runs as
 * CommonJS (an ESM import of node:http alone costs 13 MB there): first ESM chunks, so that what two chunks share
 * is one module with one identity and `instanceof AgentError` holds everywhere; then each chunk, on its own, into
 * CommonJS.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type OutputFile, transform } from 'esbuild';
import { namedExports, slim } from './slim.ts';
import { root } from './steps.ts';

export const dist = join(root, 'dist');

const target = 'node24';

export async function bundle(folder = dist): Promise<void> {
  const chunks = await buildChunks(folder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await Promise.all(chunks.map(writeChunk));
  await buildProbe(folder);
}

async function buildChunks(folder: string): Promise<readonly OutputFile[]> {
  const { outputFiles } = await build({
    entryPoints: { main: join(root, 'agent', 'main.ts') },
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target,
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    write: false,
    // The AWS SDK's ESM can be shaken, its CommonJS cannot.
    mainFields: ['module', 'main'],
    plugins: [slim, namedExports],
  });
  return outputFiles;
}

/** `import` becomes `require`, `import()` a promise of one; the names between chunks stay as they are. */
async function writeChunk(chunk: OutputFile): Promise<void> {
  const { code } = await transform(chunk.text, {
    format: 'cjs',
    platform: 'node',
    target,
    minify: true,
    supported: { 'dynamic-import': false },
  });
  await writeFile(chunk.path, code);
}

async function buildProbe(folder: string): Promise<void> {
  await build({
    entryPoints: [join(root, 'agent', 'probe-main.ts')],
    outfile: join(folder, 'probe.cjs'),
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target,
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
}
