'use strict';
/**
 * Runs one of the project's scripts on the Node that the project targets, installing what is missing first.
 *
 *   node scripts/run.cjs scripts/demo.ts ARG…
 *
 * It is the one file here that must run on an older Node, hence plain CommonJS without dependencies.
 */
const { spawn, spawnSync } = require('node:child_process');
const { existsSync, readFileSync } = require('node:fs');
const path = require('node:path');

const wantedMajor = 24;
const root = path.join(__dirname, '..');

/** What `npm ci` would put into node_modules, told by content: clones and checkouts make file times lie. */
function dependenciesAreCurrent() {
  const wanted = packagesOf(path.join(root, 'package-lock.json'));
  const installed = packagesOf(path.join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted).every(([place, entry]) => {
    if (place === '') return true;
    const found = installed[place];
    if (found === undefined) return entry.optional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

function packagesOf(lockfile) {
  try {
    return JSON.parse(readFileSync(lockfile, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function install() {
  process.stderr.write('Installing dependencies (npm ci) …\n');
  // npm says where it lives when it runs us; started by hand, npm is what PATH has.
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-progress', '--loglevel=error'];
  const options = { cwd: root, stdio: ['ignore', 2, 2], shell: false };
  const done =
    npm !== undefined && /\.c?js$/.test(npm)
      ? spawnSync(process.execPath, [npm, ...args], options)
      : spawnSync('npm', args, options);
  if (done.error !== undefined)
    fail(`npm cannot be run (${done.error.code}): install npm, or run \`npm ci\` yourself.`);
  if (done.status !== 0) fail('npm ci failed, see above.');
}

/** The host's Node when it is new enough, else the one that came with the dependencies. */
function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= wantedMajor) return process.execPath;
  const bundled = path.join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  if (existsSync(bundled)) return bundled;
  return fail(
    `Node ${wantedMajor} or newer is needed: this is ${process.version}, and none came with the dependencies for ` +
      `${process.platform}-${process.arch}.\nInstall it from nodejs.org, or with nvm, fnm or volta: \`nvm install ${wantedMajor}\`.`,
  );
}

function run(node, args) {
  const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH || ''}` };
  const child = spawn(node, args, { stdio: 'inherit', env });
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal));
  // On a terminal the whole group gets Ctrl-C, the child too: one is enough.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  child.on('error', (error) => fail(`${node}: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(69);
}

if (process.argv.length < 3) fail('usage: node scripts/run.cjs SCRIPT [ARG…]');
if (!dependenciesAreCurrent()) install();
run(findNode(), process.argv.slice(2));
