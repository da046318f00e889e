import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { functions } from '../../../src/template/functions/functions.ts';
import { type Case, outcomeOf } from '../corpus.ts';
import { seeded } from '../random-template.ts';
import { CallMaker, callData } from './random-call.ts';

/**
 * Compares calls of the library with Go's own, arguments at random, as ../differential.ts does for the language:
 *
 *     (cd test/golden/template/generate && go build -o /tmp/golden .)
 *     node scripts/run.cjs test/template/functions/differential.ts /tmp/golden [COUNT [SEED [FUNCTION]]]
 */
const [program = '', count = '20000', seed = '1', only = ''] = process.argv.slice(2);

/** What depends on chance or time, takes long, or comes in another order each time in Go. */
const left =
  /^(rand|gen|now$|ago$|uuidv4|shuffle|bcrypt|htpasswd|encryptAES|derivePassword|keys$|values$|pemTo|fullPemTo|pemTrust)/;
const names = Object.keys(functions).filter((name) => !left.test(name) && (only === '' || name === only));
const maker = new CallMaker(seeded(Number(seed)), names);

const go = spawn(program, ['answer'], { stdio: ['pipe', 'pipe', 'inherit'] });
const answers = createInterface({ input: go.stdout })[Symbol.asyncIterator]();

let different = 0;
for (let i = 0; i < Number(count); i++) {
  const call = maker.call();
  const template = `{{ $x := ${call} }}{{ typeOf $x }} {{ $x }} {{ toJson $x }}`;
  const each: Case = { name: String(i), data: callData, template };
  go.stdin.write(`${JSON.stringify({ functions: 'eso', cases: [each] })}\n`);
  const answer = (await answers.next()).value as string;
  const here = JSON.stringify(await outcomeOf(each, functions));
  // The texts of YAML's own errors are not Go's.
  if (isDeepStrictEqual(JSON.parse(answer), JSON.parse(here)) || /Error:|0xc0[0-9a-f]{8}/.test(answer))
    continue;
  different++;
  console.log(`${call}\n  Go:   ${answer.slice(0, 300)}\n  here: ${here.slice(0, 300)}`);
}
go.stdin.end();
console.log(`${different} differ`);
