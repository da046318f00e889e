/**
 * The bundle in dist/, as images run it. It takes two steps, since esbuild splits ESM only and the agent runs as
 * CommonJS (an ESM import of node:http alone costs 13 MB there): first ESM chunks, so that what two chunks share
 * is one module with one identity and `instanceof AgentError` holds everywhere; then each file of dist/ as CommonJS,
 * of one chunk or of those that are loaded together.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { namedExports, slim } from './slim.ts';
import { root } from './steps.ts';

export const dist = join(root, 'dist');

const target = 'node24';

export async function bundle(folder = dist): Promise<void> {
  const { texts, fileOf } = await buildChunks(folder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [file, names] of Map.groupBy(texts.keys(), (name) => fileOf.get(name) ?? name))
    await writeFile(join(folder, file), wrapped(await asCommonJs(names, texts)));
  await writeFile(join(folder, main), loaderOf(fileOf));
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
  'start.cjs': ['agent/main.ts', 'agent/run.ts', 'src/base/http-direct.ts'],
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
  /** ESM, by name. */
  readonly texts: ReadonlyMap<string, string>;
  /** The pack of each that is in one. */
  readonly fileOf: ReadonlyMap<string, string>;
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
const chunks=new Map,files=new Map,scripts=new Map;
const fileOf=${JSON.stringify(Object.fromEntries(fileOf))};
function cacheOf(path){try{return readFileSync(path+".cache")}catch{}}
function compile(name){
  const filename=join(__dirname,name);
  const script=new Script(readFileSync(filename,"latin1"),{filename,cachedData:cacheOf(filename)});
  scripts.set(name,script);
  return script.runInThisContext();
}
function fileWith(name){
  const file=fileOf[name]??name;
  let module=files.get(file);
  if(module===undefined){
    files.set(file,module={exports:{}});
    compile(file)(module,module.exports,(path)=>path.startsWith("./")?load(path.slice(2)):require(path));
  }
  return module.exports;
}
function load(name){
  let chunk=chunks.get(name);
  if(chunk===undefined)chunks.set(name,chunk=Object.defineProperty(fileWith(name)[name],"__esModule",{value:true}));
  return chunk;
}
module.exports={load,scripts,fileOf};
if(require.main===module)load("${main}").main();
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
    define: { esbuildDetection: '1', 'process.env.JEST_WORKER_ID': 'undefined', 'import.meta.main': 'false' },
    plugins: [slim, namedExports],
  });
  const texts = new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
  return { texts, fileOf: packed(metafile.outputs) };
}

/**
 * Chunks of one file as CommonJS, which has a namespace for each of them. They are one scope, so what one takes of
 * another costs nothing; between files each use is a call of a getter. `import` of another file becomes `require`,
 * `import()` a promise of one.
 */
async function asCommonJs(names: readonly string[], texts: ReadonlyMap<string, string>): Promise<string> {
  const here: Plugin = {
    name: 'here',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\.\// }, ({ path, kind }) =>
        kind !== 'dynamic-import' && names.includes(basename(path))
          ? { path: basename(path), namespace: 'chunk' }
          : { path, external: true },
      );
      onLoad({ filter: /.*/, namespace: 'chunk' }, ({ path }) => ({ contents: texts.get(path)! }));
    },
  };
  const { outputFiles } = await build({
    stdin: {
      contents: names.map((name) => `export * as ${JSON.stringify(name)} from './${name}';`).join('\n'),
    },
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target,
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    supported: { 'dynamic-import': false },
    plugins: [here],
    write: false,
  });
  return outputFiles[0]!.text;
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
