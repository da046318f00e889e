import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { builtins } from '../../src/template/builtins.ts';
import { functions } from '../../src/template/functions/functions.ts';
import { docsData } from './docs-data.ts';
import { rendered } from './functions/rendering.ts';

// The page is read as its readers see it: rows of name, meaning, example and result.

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'templates.md'), 'utf8');

interface Row {
  readonly names: readonly string[];
  readonly example: string;
  readonly result: string;
  /** Whether the result is a regular expression. */
  readonly isShape: boolean;
}

const code = (cell: string): string => /`([^`]*)`/.exec(cell)?.[1] ?? '';

function rowsOf(text: string): Row[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.slice(1, -1).split(/(?<!\\)\|/))
    .filter((cells) => cells.length === 4)
    .map((cells) => {
      const [names = '', , example = '', result = ''] = cells.map((cell) =>
        cell.trim().replaceAll('\\|', '|'),
      );
      return {
        names: [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
        example: code(example),
        result: code(result),
        isShape: result.startsWith('like '),
      };
    });
}

const rows = rowsOf(page.slice(page.indexOf('## Functions')));
let data: Record<string, string>;

describe('docs/templates.md', () => {
  before(async () => {
    data = await docsData();
  });

  test('the page lists every function, once', () => {
    const listed = rows.flatMap(({ names }) => names).sort();
    assert.deepEqual(listed, Object.keys(functions).sort());
  });

  test("Go's own functions are named, but for the one that is hidden", () => {
    for (const name of Object.keys(builtins)) {
      if (name !== 'slice') assert.match(page, new RegExp(`\`${name}\``), name);
    }
  });

  for (const { names, example, result, isShape } of rows) {
    for (const name of names) {
      test(`${name}: ${example}`, async () => {
        // The row's other names stand for the first one.
        const template = example.replaceAll(new RegExp(`(?<![\\w.])${names[0]}(?!\\w)`, 'g'), name);
        assert.ok(template.includes(name), `the example does not use ${name}`);
        const output = await rendered(template, { data });
        if (isShape) assert.match(output, new RegExp(result));
        else assert.equal(output, result.replaceAll('\\n', '\n'));
      });
    }
  }

  test('what the page says of surprises is so', async () => {
    const says = async (template: string, output: string): Promise<void> =>
      assert.equal(await rendered(template, { data }), output, template);
    await says('{{ range $key, $value := . }}{{ $key }} {{ end }}', `${Object.keys(data).sort().join(' ')} `);
    await says('{{ index . "missing" }}{{ index . "tls.crt" | eq .pem_cert }}', 'true');
    await assert.rejects(rendered('{{ .missing }}', { data }), /missing/);
    await assert.rejects(rendered('{{ get . "user" }}', { data }));
    await says('{{ get (fromJson (toJson .)) "user" }}', 'admin');
    await says('{{ (fromJson "[1234567]") }} {{ int (fromJson .config).port }}', '[1.234567e+06] 5432');
    await says('{{ has 1 (list 1.0) }}', 'false');
    await assert.rejects(rendered('{{ eq 1 1.0 }}', { data }));
    await assert.rejects(rendered('{{ slice "abc" 1 }}', { data }));
  });

  test('what the page says of departures is so', async () => {
    const refuses = async (template: string, reason: RegExp): Promise<void> =>
      await assert.rejects(rendered(template, { data }), reason, template);
    assert.doesNotMatch(await rendered('{{ now }}', { data }), /m=/);
    assert.equal(await rendered('{{ $d := dict "b" 1 "a" 2 }}{{ keys $d }}{{ values $d }}'), '[a b][2 1]');
    await refuses('{{ bcrypt (b64dec "/w==") }}', /UTF-8/);
    await refuses('{{ mustRegexMatch "(?P<n>a)(?P<n>b)" "ab" }}', /regexp/);
    await refuses('{{ 1i }}', /complex/);
    await refuses('{{ printf "%p" (list 1) }}', /address/);
    await refuses('{{ slice (until 5) 0 7 }}', /slice/);
    await refuses('{{ env "HOME" }}', /no function "env"/);
    assert.match(
      await rendered('{{ (fromYaml "a: [").Error }}'),
      /^error converting YAML to JSON: yaml: line 1/,
    );
  });

  test('the methods that the page names exist', async () => {
    const methods = page.slice(page.indexOf('### Methods'));
    const [times = '', versions = ''] = methods.split('A version has');
    for (const [, name] of times.matchAll(/`\.(\w+)`/g)) {
      await rendered(`{{ $t := now }}{{ $f := $t.${name} }}`).catch((error: Error) =>
        assert.match(error.message, /wrong number of args/, name),
      );
    }
    for (const [, name] of versions.matchAll(/`\.(\w+)`/g)) {
      await rendered(`{{ $v := semver "1.2.3" }}{{ $f := $v.${name} }}`).catch((error: Error) =>
        assert.match(error.message, /wrong number of args/, name),
      );
    }
  });
});
