import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { nested } from '../golden/template/make/case.ts';
import { type Case, outcomeOf } from './corpus.ts';
import { builtinNames, plainConstants, seeded, TemplateMaker } from './random-template.ts';

/**
 * Compares random templates with Go's own engine, which the generator's `answer` mode runs:
 *
 *     (cd test/golden/template/generate && go build -o /tmp/golden .)
 *     node scripts/run.cjs test/template/differential.ts /tmp/golden [COUNT [SEED]]
 */
const [program = '', count = '20000', seed = '1'] = process.argv.slice(2);

const data = Object.fromEntries(
  // Ranging up to the numbers would not end soon; the pointers print as addresses when within something.
  Object.entries(nested).filter(([kind]) => !/^(max|min|u?int(16|32|64)|ppoint|nested)$/.test(kind)),
);
const random = seeded(Number(seed));
const maker = new TemplateMaker(random, {
  fields: [...Object.keys(data), 'nope', 'X', 'Name', 'Sum', 'a', 'b', 'k'],
  functions: builtinNames,
  constants: plainConstants,
  wild: false,
});

const go = spawn(program, ['answer'], { stdio: ['pipe', 'pipe', 'inherit'] });
const answers = createInterface({ input: go.stdout })[Symbol.asyncIterator]();

let different = 0;
for (let i = 0; i < Number(count); i++) {
  let template = maker.template();
  if (i % 3 === 0) template = maker.mutated(template);
  // Mutation may make numbers that take forever to count to.
  if (/\d{4}/.test(template)) continue;
  const each: Case = {
    name: String(i),
    template,
    data,
    typed: true,
    missingKey: (['error', 'default', 'zero'] as const)[i % 3]!,
  };
  go.stdin.write(`${JSON.stringify({ functions: 'none', cases: [each] })}\n`);
  const answer = (await answers.next()).value as string;
  const here = JSON.stringify(await outcomeOf(each, {}));
  if (answer === here || /0xc0[0-9a-f]{8}|"limit"/i.test(answer)) continue;
  different++;
  console.log(
    `${JSON.stringify(template)} ${each.missingKey}\n  Go:   ${answer.slice(0, 600)}\n  here: ${here.slice(0, 600)}`,
  );
}
go.stdin.end();
console.log(`${different} differ`);
