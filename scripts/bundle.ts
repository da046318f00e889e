/**
 * The bundle in dist/, as images run it. It takes three steps, since esbuild splits ESM only and the agent runs as
 * CommonJS (an ESM import of node:http alone costs 13 MB there): first ESM chunks, so that what two chunks share
 * is one module with one identity and `instanceof AgentError` holds everywhere; then each chunk, on its own, into
 * CommonJS; then those that are loaded together into one file.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build, type Metafile, type OutputFile, transform } from 'esbuild';
import { namedExports, slim } from './slim.ts';
import { root } from './steps.ts';

export const dist = join(root, 'dist');

const target = 'node24';

export async function bundle(folder = dist): Promise<void> {
  const { chunks, fileOf } = await buildChunks(folder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const texts = new Map(await Promise.all(chunks.map(asCommonJs)));
  for (const [name, text] of gather(texts, fileOf)) await writeFile(join(folder, name), text);
  await buildProbe(folder);
}

const main = 'main.cjs';

/**
 * Files of the bundle that hold several chunks: those that are loaded together, since each file that is looked for
 * and read costs a start 0.3 ms. Each with the sources that it begins from, and all that they import; a chunk is in
 * the first that wants it.
 */
const packs: Readonly<Record<string, readonly string[]>> = {
  /** What every `run` needs before it can deliver. */
  'start.cjs': ['agent/main.ts', 'agent/run.ts', 'agent/memory.ts', 'src/base/http-direct.ts'],
  /** What every sidecar loads when it has delivered. */
  'rest.cjs': [
    'src/observe/control.ts',
    'src/observe/server.ts',
    'src/observe/metrics.ts',
    'agent/version.ts',
    'src/spec/watch.ts',
    'node_modules/chokidar/index.js',
  ],
  /** For specs that the plain reader leaves. */
  'yaml.cjs': ['src/spec/yaml.ts'],
  /** For specs with a template. */
  'template.cjs': ['src/plan/assemble.ts'],
  'vault.cjs': ['src/providers/vault-open.ts', 'named:node-vault'],
  'aws.cjs': [
    'src/providers/aws-secrets-manager.ts',
    'node_modules/@aws-sdk/client-secrets-manager/dist-es/index.js',
  ],
};

/** The file of every chunk that is in a pack. */
function packed(outputs: Metafile['outputs']): ReadonlyMap<string, string> {
  const fileOf = new Map<string, string>();
  for (const [file, sources] of Object.entries(packs)) {
    const found = new Set(sources.map((source) => pathOf(outputs, source)));
    for (const path of found) {
      if (!fileOf.has(basename(path))) fileOf.set(basename(path), file);
      for (const { path: next, kind } of outputs[path]?.imports ?? [])
        if (kind === 'import-statement' && next in outputs) found.add(next);
    }
  }
  return fileOf;
}

function pathOf(outputs: Metafile['outputs'], source: string): string {
  const entry = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === source);
  if (entry === undefined) throw new Error(`nothing imports ${source} when it is needed`);
  return entry[0];
}

interface Chunks {
  readonly chunks: readonly OutputFile[];
  /** The pack of each that is in one. */
  readonly fileOf: ReadonlyMap<string, string>;
}

/** Puts the chunks into their packs, each as a function that runs when it is first asked for. */
function gather(texts: ReadonlyMap<string, string>, fileOf: Chunks['fileOf']): ReadonlyMap<string, string> {
  const files = new Map([...texts].filter(([name]) => !fileOf.has(name)));
  for (const file of Object.keys(packs)) {
    const names = [...fileOf.keys()].filter((name) => fileOf.get(name) === file).sort();
    const inner = names.map((name) => `${JSON.stringify(name)}(module,exports,require){${texts.get(name)}}`);
    files.set(file, `module.exports={${inner.join(',\n')}};`);
  }
  const wrappedFiles = [...files].map(([name, text]) => [name, wrapped(text)] as const);
  return new Map([...wrappedFiles, [main, loaderOf(fileOf)]]);
}

/** As the loader runs it. In ASCII alone: V8 keeps a text with any other character in twice the memory, and reads
 * it in twice the time. What esbuild leaves of those stands in regular expressions, where escapes mean the same. */
function wrapped(text: string): string {
  const escaped = text.replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `(function(module,exports,require){${escaped}\n})`;
}

/**
 * What main.cjs is: it loads the other files, each with what V8 made of it when the image was built (`.cache`, by
 * scripts/code-cache.ts), which saves a start 20 ms of compiling. Node's own cache (NODE_COMPILE_CACHE) is kept by
 * uid, and the agent runs under that of the pod. A cache of another V8 or other flags is refused by V8 and not used.
 */
const loaderOf = (fileOf: Chunks['fileOf']): string => `"use strict";
const {readFileSync}=require("node:fs"),{join}=require("node:path"),{Script}=require("node:vm");
const loaded=new Map,scripts=new Map,packs=new Map;
const fileOf=${JSON.stringify(Object.fromEntries(fileOf))};
function cacheOf(path){try{return readFileSync(path+".cache")}catch{}}
function compile(name){
  const filename=join(__dirname,name);
  const script=new Script(readFileSync(filename,"latin1"),{filename,cachedData:cacheOf(filename)});
  scripts.set(name,script);
  return script.runInThisContext();
}
function chunkOf(name){
  const file=fileOf[name];
  if(file===undefined)return compile(name);
  let pack=packs.get(file);
  if(pack===undefined){
    const module={exports:{}};
    compile(file)(module,module.exports,require);
    packs.set(file,pack=module.exports);
  }
  return pack[name];
}
function load(name){
  let chunk=loaded.get(name);
  if(chunk===undefined){
    loaded.set(name,chunk={exports:{}});
    chunkOf(name)(chunk,chunk.exports,(path)=>path.startsWith("./")?load(path.slice(2)):require(path));
  }
  return chunk.exports;
}
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
  return { chunks: outputFiles, fileOf: packed(metafile.outputs) };
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
