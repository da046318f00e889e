import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { parse } from 'yaml';
import { Secret } from '../../src/base/secret.ts';
import { envNames } from '../../src/sinks/env-names.ts';
import { type Format, formatted } from '../../src/sinks/format.ts';
import { findProgram, missing } from '../peers/process.ts';
import { externalSecret, payload, seen, signal, sinkIn, temporaryFolder } from './sets.ts';

function render(format: Format, data: Record<string, string | Buffer>): Buffer {
  return formatted(format, new Map(Object.entries(data).map(([key, value]) => [key, Secret.of(value)])));
}

const nasty = [
  '',
  ' ',
  "it's",
  '"quoted"',
  `$HOME \`id\` $(id) $\{x}`,
  'back\\slash\\',
  'line\nbreak\r\n\ttab\n',
  '\'"$`\\\n!#&;|<>()*?[]~=%',
  '\\\n',
  "\\\n'",
  ' leading and trailing ',
  '# no comment',
  'ключ 🔑 ß \u00a0\u2028\u2029\u0085\ufeff',
  '\u0001\u001f\u007f',
  'null',
  '~',
  '1e3',
  'no',
];
const nastyEntries = Object.fromEntries(nasty.map((value, i) => [`key${i}`, value]));

const keys = fc
  .stringMatching(/^[-._a-zA-Z0-9]{1,20}$/)
  .filter((key) => !key.startsWith('..') && key !== '.');
const texts = fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.toWellFormed());
const pointedTexts = fc.oneof(
  texts,
  fc.string({ unit: fc.constantFrom(...'\'"$`\\\n\r!#= \t:~-é🔑{}'), maxLength: 20 }),
);

describe('env files', () => {
  /** Sets variables from the file in a real shell, and gives their bytes. */
  function readBy(shell: string, folder: string, file: Buffer, names: readonly string[]): Buffer[] {
    const path = join(folder, 'set.env');
    writeFileSync(path, file);
    const script = `set -a; . "${path}"; ${names.map((name) => `printf '%s\\0' "$${name}"`).join(';')}`;
    const out = execFileSync(findProgram(shell) ?? shell, ['-c', script], {
      env: {},
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return out
      .toString('latin1')
      .split('\0')
      .slice(0, -1)
      .map((value) => Buffer.from(value, 'latin1'));
  }

  const shells = ['sh', 'bash', 'zsh'].filter((name) => findProgram(name) !== undefined);
  for (const shell of shells)
    it(`are read back by a real ${shell}, byte for byte`, (t) => {
      const names = Object.keys(nastyEntries).map((key) => key.toUpperCase());
      const got = readBy(shell, temporaryFolder(t), render('env', nastyEntries), [...names].sort());
      const wanted = [...names].sort().map((name) => Buffer.from(nastyEntries[name.toLowerCase()] ?? '?'));
      assert.deepEqual(got, wanted);
    });

  for (const shell of shells)
    it(`are read back by a real ${shell} for random bytes`, (t) => {
      const folder = temporaryFolder(t);
      const bytes = fc
        .oneof(
          fc.uint8Array({ min: 1, maxLength: 40 }),
          pointedTexts.map((text) => Buffer.from(text.replaceAll('\0', ''))),
        )
        .map((value) => Buffer.from(value));
      fc.assert(
        fc.property(fc.array(bytes, { minLength: 1, maxLength: 30 }), (values) => {
          const data = Object.fromEntries(
            values.map((value, i) => [`v${String(i).padStart(3, '0')}`, value]),
          );
          const names = Object.keys(data).map((key) => key.toUpperCase());
          assert.deepEqual(readBy(shell, folder, render('env', data), names), values);
        }),
        { seed: 1, numRuns: 100 },
      );
    });

  it('are read by dotenv readers where no single quote is in the value', () => {
    const values = nasty.filter((value) => !value.includes("'") && !value.includes('\r'));
    const data = Object.fromEntries(values.map((value, i) => [`V${i}`, value]));
    assert.deepEqual({ ...parseEnv(render('env', data).toString()) }, data);
  });

  it('name variables as exec does, and refuse two keys for one name', () => {
    assert.deepEqual(
      [...envNames(['db-password', 'tls.crt', '1st', 'A_b'])],
      [
        ['db-password', 'DB_PASSWORD'],
        ['tls.crt', 'TLS_CRT'],
        ['1st', '_1ST'],
        ['A_b', 'A_B'],
      ],
    );
    assert.throws(() => render('env', { 'a.b': '1', 'a-b': '2' }), {
      code: 'ValidationRefused',
      message: 'keys a-b and a.b would both be A_B',
    });
  });

  it('cannot hold a NUL byte', () => {
    assert.throws(() => render('env', { ok: 'x', bad: 'a\0b' }), {
      code: 'DecodeFailed',
      message: 'key "bad" holds a NUL byte, which no environment can carry, so env cannot hold it',
    });
  });
});

describe('json and yaml files', () => {
  it('give back what went in', () => {
    const data = fc.dictionary(keys, pointedTexts, { maxKeys: 10, noNullPrototype: true });
    fc.assert(
      fc.property(data, (entries) => {
        assert.deepEqual(JSON.parse(render('json', entries).toString()), entries);
        assert.deepEqual(parse(render('yaml', entries).toString()), entries);
        assert.deepEqual(
          parse(render('yaml', entries).toString(), { version: '1.1', merge: false }),
          entries,
        );
      }),
      { seed: 2, numRuns: 500 },
    );
    assert.deepEqual(parse(render('yaml', nastyEntries).toString()), nastyEntries);
  });

  it('keep keys that YAML would take for something else', () => {
    const entries = {
      '1': 'a',
      '1e3': 'b',
      no: 'c',
      null: 'd',
      '-': 'e',
      '---': 'f',
      '.inf': 'g',
      '0x1F': 'h',
    };
    assert.deepEqual(parse(render('yaml', entries).toString(), { version: '1.1' }), entries);
    assert.equal(render('json', {}).toString(), '{}\n');
    assert.equal(render('yaml', {}).toString(), '{}\n');
  });

  it('are the same for the same keys in another order', () => {
    for (const format of ['env', 'json', 'yaml', 'properties'] as const) {
      assert.ok(render(format, { b: '2', a: '1' }).equals(render(format, { a: '1', b: '2' })));
    }
    assert.equal(render('yaml', { b: '2', a: '1' }).toString(), '"a": "1"\n"b": "2"\n');
    assert.equal(render('json', { b: '2', a: '1' }).toString(), '{\n  "a": "1",\n  "b": "2"\n}\n');
  });

  it('name the key that is not text', () => {
    for (const format of ['json', 'yaml', 'properties'] as const) {
      assert.throws(() => render(format, { text: 'x', blob: Buffer.from([0xff, 0xfe]) }), {
        code: 'DecodeFailed',
        message: `key "blob" is not UTF-8 text, so ${format} cannot hold it`,
      });
    }
  });
});

/** Loads each file named as java.util.Properties does, and prints key and value as hex of UTF-8. */
const propertiesReader = `
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;

public class Reader {
  static String hex(String text) {
    return HexFormat.of().formatHex(text.getBytes(StandardCharsets.UTF_8));
  }

  public static void main(String[] args) throws IOException {
    for (String path : args) {
      Properties properties = new Properties();
      try (InputStream in = new FileInputStream(path)) {
        properties.load(in);
      }
      for (String name : new TreeSet<>(properties.stringPropertyNames())) {
        System.out.println(hex(name) + "=" + hex(properties.getProperty(name)));
      }
      System.out.println("end");
    }
  }
}
`;

describe('properties files', () => {
  it('are ASCII lines', () => {
    const text = render('properties', { b: ' x y ', 'a.b': 'é=#!:\\\n🔑' }).toString();
    assert.equal(text, 'a.b=\\u00e9=#!:\\\\\\n\\ud83d\\udd11\nb=\\ x y \n');
  });

  it('are read back by java.util.Properties', { skip: missing('java', ['java']) }, (t) => {
    const folder = temporaryFolder(t);
    const random = fc.sample(fc.dictionary(keys, pointedTexts, { maxKeys: 10 }), { seed: 3, numRuns: 100 });
    const sets: Record<string, string>[] = [nastyEntries, ...random];
    const paths = sets.map((entries, i) => {
      const path = join(folder, `${i}.properties`);
      writeFileSync(path, render('properties', entries));
      return path;
    });
    writeFileSync(join(folder, 'Reader.java'), propertiesReader);
    const java = findProgram('java') ?? 'java';
    const out = execFileSync(java, [join(folder, 'Reader.java'), ...paths], { encoding: 'utf8' });
    const hex = (text: string): string => Buffer.from(text).toString('hex');
    const wanted = sets.flatMap((entries) => [
      ...Object.keys(entries)
        .sort()
        .map((key) => `${hex(key)}=${hex(entries[key] ?? '')}`),
      'end',
    ]);
    assert.deepEqual(out.trimEnd().split('\n'), wanted);
  });
});

describe('the file of all keys', () => {
  it('flips with the keys and is named after the target', async (t) => {
    const output = temporaryFolder(t);
    const { sink } = sinkIn(output);
    for (const value of ['1', '2']) {
      for (const format of ['env', 'json', 'yaml', 'properties'] as const) {
        const written = await sink.publish(externalSecret('db', { format }), payload({ key: value }), signal);
        assert.deepEqual(written.changedKeys, written.generation && format === 'env' ? ['key'] : []);
        assert.deepEqual(Object.keys(seen(join(output, 'db'))), [`db.${format}`, 'key'].sort());
      }
      assert.equal(readFileSync(join(output, 'db', '..data', 'db.properties'), 'utf8'), `key=${value}\n`);
    }
    await sink.publish(externalSecret('db'), payload({ key: '2' }), signal);
    assert.deepEqual(seen(join(output, 'db')), { key: '2' });
  });

  it('leaves the old set alone when it cannot be made', async (t) => {
    const output = temporaryFolder(t);
    mkdirSync(join(output, 'db'));
    const { sink } = sinkIn(output);
    await sink.publish(externalSecret('db', { format: 'json' }), payload({ key: 'text' }), signal);
    const blob = payload({ key: Buffer.from([0x80]) });
    await assert.rejects(sink.publish(externalSecret('db', { format: 'json' }), blob, signal), {
      code: 'DecodeFailed',
    });
    assert.equal(readFileSync(join(output, 'db', 'key'), 'utf8'), 'text');
  });
});
