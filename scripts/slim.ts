import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plugin, PluginBuild } from 'esbuild';
import { root } from './steps.ts';

/**
 * What the bundle leaves out of its dependencies: things that they would load and the agent never runs. The
 * sources import them normally, types included. Each entry says why.
 */
const empty = [
  // node-vault is given a transport of ours, so its own HTTP client is never called.
  /^axios$/,
  /^debug$/,
  // prom-client's push gateway and cluster support load https, zlib and cluster at start.
  /\.\/lib\/pushgateway$/,
  /\.\/lib\/cluster$/,
  /\.\/lib\/defaultMetrics$/,
  // Summaries, which are not used, bring a digest with them.
  /^tdigest$/,
];

/** The same of what one package alone is not to load, be it Node's own: each costs a start what is said. */
const emptyIn: readonly { readonly importer: RegExp; readonly filter: RegExp }[] = [
  // node-vault would make TLS agents for its own HTTP client: 5 ms.
  { importer: /node_modules\/node-vault\//, filter: /^https$/ },
  // What checks its requests and makes its commands, of which we use neither: 50 KB.
  { importer: /node_modules\/node-vault\//, filter: /^(?:tv4|mustache|\.\/commands\.js)$/ },
  // pino's transports run in a worker thread; the log is written by the thread itself, and at once: 1 ms. It asks
  // who calls it, for them alone, and V8 then counts the lines of the bundle: 1 ms.
  { importer: /node_modules\/pino\//, filter: /^(?:\.\/(?:lib\/)?(?:transport|caller)|worker_threads)$/ },
  // sonic-boom asserts once, that what it closes is open: 1 ms.
  { importer: /node_modules\/sonic-boom\//, filter: /^assert$/ },
];

/** What the sources may take from undici: the bundle holds this and no more. */
export const undiciNames: readonly string[] = ['ProxyAgent'];

/** Leaves out what is never run. */
export const slim: Plugin = {
  name: 'slim',
  setup({ onResolve, onLoad }) {
    for (const filter of empty) {
      onResolve({ filter }, ({ path }) => ({ path, namespace: 'empty', sideEffects: false }));
    }
    for (const { importer: from, filter } of emptyIn) {
      onResolve({ filter }, ({ path, importer }) =>
        from.test(importer) ? { path, namespace: 'empty', sideEffects: false } : undefined,
      );
    }
    // A stub of anything: a function, so that `debug('name')` gives one.
    onLoad({ filter: /.*/, namespace: 'empty' }, () => ({
      contents: 'module.exports = () => () => {};',
      loader: 'js',
    }));
    onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'slim' }));
    onLoad({ filter: /^undici$/, namespace: 'slim' }, () => ({
      contents: undiciEntry(),
      resolveDir: root,
      loader: 'js',
    }));
  },
};

/** undici's index, for what we use of it: it hangs `request` on every dispatcher and leaves fetch, WebSocket,
 * caches and mocks out. It has no exports map, so its files can be named. */
function undiciEntry(): string {
  const part = (path: string) => JSON.stringify(join(root, 'node_modules', 'undici', 'lib', path));
  return [
    `import Dispatcher from ${part('dispatcher/dispatcher.js')};`,
    `import request from ${part('api/api-request.js')};`,
    'Dispatcher.prototype.request = request;',
    `export { default as ProxyAgent } from ${part('dispatcher/proxy-agent.js')};`,
  ].join('\n');
}

/**
 * Gives `await import('package')` the named exports that Node gives it where the package is CommonJS: esbuild,
 * when it splits, gives the default export only.
 */
export const namedExports: Plugin = {
  name: 'named-exports',
  setup(build) {
    build.onResolve({ filter: /^[^.]/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (kind !== 'dynamic-import' || pluginData === 'inner' || path.startsWith('node:')) return undefined;
      if (path === 'undici' || (await isModule(build, path, resolveDir))) return undefined;
      return { path, namespace: 'named', pluginData: resolveDir };
    });
    build.onLoad({ filter: /.*/, namespace: 'named' }, async ({ path, pluginData }) => ({
      contents: await facadeOf(path),
      resolveDir: pluginData as string,
      loader: 'js',
    }));
  },
};

async function isModule(build: PluginBuild, path: string, resolveDir: string): Promise<boolean> {
  const found = await build.resolve(path, { kind: 'dynamic-import', resolveDir, pluginData: 'inner' });
  if (found.errors.length > 0 || found.external) return true;
  return /^(?:import|export)\b/m.test(await readFile(found.path, 'utf8'));
}

async function facadeOf(path: string): Promise<string> {
  const names = Object.keys((await import(path)) as object).filter((name) => /^[A-Za-z_$][\w$]*$/.test(name));
  const named = names.filter((name) => name !== 'default' && name !== 'module.exports');
  const exported = named.length === 0 ? '' : `export const { ${named.join(', ')} } = whole;`;
  return `import whole from ${JSON.stringify(path)};\nexport default whole;\n${exported}`;
}
