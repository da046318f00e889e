/**
 * The probe as a bundle of its own: Node's start-up is its whole cost. It knows two flags, `--state` and nothing
 * else, since it is written by the injector and not by hand; `external-secrets-agent probe` is the friendly one.
 */
import { isQuestion, probe } from './probe.ts';

const [question, flag, folder] = process.argv.slice(2);
const state = flag === '--state' ? folder : flag?.replace(/^--state=/, '');
const socketPath = `${state || process.env['ESA_STATE'] || '/run/external-secrets-agent'}/control.sock`;

if (isQuestion(question)) {
  const stdout = {
    write: (text: string) => void process.stdout.write(text),
    isTTY: false,
    columns: 80,
    colour: false,
  };
  probe(question, socketPath, stdout).then((code) => process.exit(code));
} else {
  process.stderr.write('usage: probe startup|live [--state DIR]\n');
  process.exit(64);
}
