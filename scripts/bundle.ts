/**
 * The bundle in dist/, as images run it. It takes three steps, since esbuild splits ESM only and the agent runs as
 * CommonJS (an ESM import of node:http alone costs 13 MB there): first ESM chunks, so that what two chunks share
 * is one module with one identity and `instanceof AgentError` holds everywhere; then each chunk, on its own, into
 * CommonJS; then those that every `run` loads into start.cjs, since each file that is looked for and read costs a
 * start 0.3 ms.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build, type Metafile, type OutputFile, transform } from 'esbuild';
import { namedExports, slim } from './slim.ts';
import { root } from './steps.ts';

export const dist = join(root, 'dist');

const target = 'node24';

export async function bundle(folder = dist): Promise<void> {
  const { chunks, started } = await buildChunks(folder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const texts = new Map(await Promise.all(chunks.map(asCommonJs)));
  for (const [name, text] of gather(texts, started)) await writeFile(join(folder, name), text);
  await buildProbe(folder);
}

const main = 'main.cjs';
const start = 'start.cjs';

/** The sources that every `run` loads, though they are imported when needed: each with all that it imports. */
const alwaysNeeded = [
  'agent/main.ts',
  'agent/run.ts',
  'src/observe/control.ts',
  'src/observe/server.ts',
  'agent/version.ts',
];

interface Chunks {
  readonly chunks: readonly OutputFile[];
  /** Names of those that every `run` loads. */
  readonly started: ReadonlySet<string>;
}

function startedOf(outputs: Metafile['outputs']): ReadonlySet<string> {
  const entries = Object.entries(outputs).filter(([, { entryPoint }]) =>
    alwaysNeeded.includes(entryPoint ?? ''),
  );
  const found = new Set(entries.map(([path]) => path));
  for (const path of found) {
    for (const { path: next, kind } of outputs[path]?.imports ?? [])
      if (kind === 'import-statement') found.add(next);
  }
  return new Set([...found].filter((path) => path in outputs).map((path) => basename(path)));
}

/** Puts the chunks `started` into one file, each as a function that runs when it is first asked for. */
function gather(texts: ReadonlyMap<string, string>, started: ReadonlySet<string>): Map<string, string> {
  const inner = [...started].sort().map((name) => {
    return `${JSON.stringify(name)}(module,exports,require){${texts.get(name)}}`;
  });
  const rest = [...texts].filter(([name]) => !started.has(name));
  return new Map([...rest, [start, `module.exports={${inner.join(',\n')}};`], [main, loader]]);
}

/**
 * What main.cjs is: it loads the other files, each with what V8 made of it when the image was built (`.cache`, by
 * scripts/code-cache.ts), which saves a start 20 ms of compiling. Node's own cache (NODE_COMPILE_CACHE) is kept by
 * uid, and the agent runs under that of the pod. A cache of another V8 or other flags is refused by V8 and not used.
 */
const loader = `"use strict";
const {readFileSync}=require("node:fs"),{join}=require("node:path"),{Script}=require("node:vm");
const loaded=new Map,scripts=new Map;
function cacheOf(path){try{return readFileSync(path+".cache")}catch{}}
function compile(name){
  const filename=join(__dirname,name);
  const text="(function(module,exports,require){"+readFileSync(filename,"utf8")+"\\n})";
  const script=new Script(text,{filename,cachedData:cacheOf(filename)});
  scripts.set(name,script);
  return script.runInThisContext();
}
let chunks={};
function load(name){
  let chunk=loaded.get(name);
  if(chunk===undefined){
    loaded.set(name,chunk={exports:{}});
    const run=chunks[name]??compile(name);
    run(chunk,chunk.exports,(path)=>path.startsWith("./")?load(path.slice(2)):require(path));
  }
  return chunk.exports;
}
chunks=load("${start}");
module.exports={load,scripts};
if(require.main===module)load("${main}");
`;

async function buildChunks(folder: string): Promise<Chunks> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    metafile: true,
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
    // undici asks whether it is bundled into Node itself, and then leaves its experimental parser out.
    define: { esbuildDetection: '1', 'process.env.JEST_WORKER_ID': 'undefined' },
    plugins: [slim, namedExports],
  });
  return { chunks: outputFiles, started: startedOf(metafile.outputs) };
}

/** `import` becomes `require`, `import()` a promise of one; the names between chunks stay as they are. */
async function asCommonJs(chunk: OutputFile): Promise<readonly [name: string, text: string]> {
  const { code } = await transform(chunk.text, {
    format: 'cjs',
    platform: 'node',
    target,
    minify: true,
    supported: { 'dynamic-import': false },
  });
  return [basename(chunk.path), code];
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
