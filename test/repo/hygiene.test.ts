import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { version } from '../../agent/version.ts';
import { undiciNames } from '../../scripts/slim.ts';
import { read, root, sourceFiles, trackedFiles } from './sources.ts';

const manifest = JSON.parse(read('package.json'));
const lock = JSON.parse(read('package-lock.json'));

describe('dependencies', () => {
  test('the sources take from undici only what the bundle holds', () => {
    const wanted = sourceFiles('src', 'agent').flatMap((path) =>
      [...read(path).matchAll(/const \{([^}]*)\} = await import\('undici'\)/g)].flatMap(([, names = '']) =>
        names.split(',').map((name) => name.trim().split(':')[0]!.trim()),
      ),
    );
    assert.deepEqual([...new Set(wanted)], undiciNames);
  });

  test('are pinned exactly', () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
    const loose = Object.entries(all).filter(([, wanted]) => !/^\d+\.\d+\.\d+$/.test(String(wanted)));
    assert.deepEqual(loose, []);
  });

  test('the lockfile has an integrity for each and names no server', () => {
    const packages = Object.entries(lock.packages as Record<string, Record<string, unknown>>);
    assert.deepEqual(
      packages.filter(([, entry]) => 'resolved' in entry),
      [],
    );
    assert.deepEqual(
      packages.filter(([path, entry]) => path !== '' && entry['integrity'] === undefined),
      [],
    );
  });

  test('the lockfile is whole: npm ci refuses one that lacks the optional package of any platform', () => {
    const packages = lock.packages as Record<
      string,
      { readonly optionalDependencies?: Record<string, string> }
    >;
    const places = Object.keys(packages);
    const absent = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
      Object.keys(optionalDependencies).filter(
        (name) => !places.some((place) => place.endsWith(`node_modules/${name}`)),
      ),
    );
    assert.deepEqual(absent, []);
  });

  test('the lockfile is of this package.json', () => {
    for (const field of ['version', 'dependencies', 'devDependencies', 'optionalDependencies']) {
      assert.deepEqual(lock.packages[''][field], manifest[field], field);
    }
  });

  test('install scripts stay off', () => assert.match(read('.npmrc'), /^ignore-scripts=true$/m));

  test('the runtime that comes along is one version', () => {
    assert.equal(new Set(Object.values(manifest.optionalDependencies)).size, 1);
  });
});

test('every npm script runs on the Node that the project targets', () => {
  for (const [name, command] of Object.entries(manifest.scripts)) {
    assert.match(String(command), /^(?:exec )?node scripts\/run\.cjs [\w/-]+\.ts( [\w-]+)*$/, name);
    const [, file = ''] = / (\S+\.ts)/.exec(String(command)) ?? [];
    assert.ok(statSync(join(root, file)).isFile(), `${name}: ${file}`);
  }
});

test('hooks stand in a describe: all files share one process, and outside of one they are hooks of every file', () => {
  const wrong = sourceFiles('test').filter((path) =>
    /^(?:before|after|beforeEach|afterEach)\(/m.test(read(path)),
  );
  assert.deepEqual(wrong, []);
});

test('the version is told once', () => assert.equal(version, manifest.version));

test('no file speaks of the machine it was written on', () => {
  const forbidden = new RegExp(
    ['/wo' + 'rk/', '/ho' + 'me/\\w', '/Us' + 'ers/\\w', 'registry\\.npm' + 'js'].join('|'),
  );
  const wrong = trackedFiles().filter((path) => {
    const bytes = readOrEmpty(path);
    return !bytes.includes(0) && forbidden.test(bytes.toString('utf8'));
  });
  assert.deepEqual(wrong, []);
});

test('what is not a source stays out of the repository', () => {
  const wrong = trackedFiles().filter((path) =>
    /(?:^|\/)(?:node_modules|dist|coverage|\.bench)\/|\.log$/.test(path),
  );
  assert.deepEqual(wrong, []);
});

/** A file that git still lists may be gone from the folder. */
function readOrEmpty(path: string): Buffer {
  try {
    return readFileSync(join(root, path));
  } catch {
    return Buffer.alloc(0);
  }
}
