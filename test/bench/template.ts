/**
 * Our template engine beside Go's own, in one run on one machine and with the same templates: time of one parse
 * and of one rendering, renderings a second, and the ratio to Go, which is what to look at.
 *
 *   npm run bench:template [-- --json]
 *
 * Go's side is the generator of the golden corpus, built here with `go build`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functions } from '../../src/template/functions/functions.ts';
import { execute, load, parseTemplate } from '../../src/template/template.ts';
import { fromText } from '../../src/template/value.ts';
import { type Case, dotOf } from '../template/corpus.ts';
import { cases } from './template-cases.ts';

/** Nanoseconds of one run. */
interface Times {
  readonly parse: number;
  readonly render: number;
}

const generator = join(import.meta.dirname, '..', 'golden', 'template', 'generate');
const world = { now: Date.now, zone: 'UTC', randomBytes: (count: number) => Buffer.alloc(count) };

/** What Go takes for each case; what it renders is compared too, so that both do the same work. */
function measureGo(): Readonly<Record<string, Times>> {
  const folder = mkdtempSync(join(tmpdir(), 'golden-'));
  try {
    const program = join(folder, 'golden');
    execFileSync('go', ['build', '-o', program, '.'], {
      cwd: generator,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const input = JSON.stringify({ functions: 'eso', cases });
    const answers = execFileSync(program, ['answer'], { input }).toString().trim().split('\n');
    for (const [i, answer] of answers.entries()) checkSame(cases[i]!, JSON.parse(answer).output as string);
    return JSON.parse(execFileSync(program, ['bench'], { input }).toString());
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function checkSame(each: Case, wanted: string): void {
  const rendered = execute(parsed.get(each.name)!, dotOf(each), world);
  if (Buffer.from(rendered, 'latin1').toString() !== wanted)
    throw new Error(`${each.name} renders differently in Go.`);
}

function parse(each: Case): ReturnType<typeof parseTemplate> {
  return parseTemplate(each.name, fromText(each.template), { functions });
}

/** One run's time, from as many as fit into half a second after a warm-up of as long. */
function measure(run: () => void): number {
  for (const end = performance.now() + 250; performance.now() < end; ) run();
  let runs = 0;
  const start = performance.now();
  for (; performance.now() - start < 500; runs++) run();
  return ((performance.now() - start) * 1e6) / runs;
}

function measureHere(each: Case): Times {
  const dot = dotOf(each);
  const ready = parsed.get(each.name)!;
  return {
    parse: measure(() => parse(each)),
    // The bytes are part of the work, as they are Go's.
    render: measure(() => Buffer.from(execute(ready, dot, world), 'latin1')),
  };
}

const parsed = new Map(cases.map((each) => [each.name, parse(each)]));
for (const one of parsed.values()) await load(one);
const go = measureGo();
const rows = cases.map((each) => ({ title: each.title, here: measureHere(each), go: go[each.name]! }));

if (process.argv.includes('--json')) console.log(JSON.stringify(rows, null, 2));
else {
  const us = (ns: number): string => (ns / 1000).toFixed(1).padStart(9);
  console.log(`${''.padEnd(26)}  render µs        Go     ratio   renders/s   parse µs        Go     ratio`);
  for (const { title, here, go } of rows) {
    const ratio = (of: keyof Times): string => (here[of] / go[of]).toFixed(2).padStart(8);
    const perSecond = Math.round(1e9 / here.render)
      .toLocaleString('en')
      .padStart(11);
    const render = `${us(here.render)} ${us(go.render)} ${ratio('render')}`;
    console.log(
      `${title.padEnd(26)} ${render} ${perSecond}  ${us(here.parse)} ${us(go.parse)} ${ratio('parse')}`,
    );
  }
}
