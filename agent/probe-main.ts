/**
 * The probe as a bundle of its own: Node's start-up is its whole cost. It is written by the injector and not by hand;
 * `external-secrets-agent probe` is the friendly one.
 */
import { isQuestion, probe } from './probe.ts';

const usage = 'usage: probe startup|live [--state DIR] [--wait SECONDS]\n';
/** Longer would be a probe that hangs. */
const longestWaitSeconds = 60;

const [question, ...rest] = process.argv.slice(2);
const state = flag('--state') || process.env['ESA_STATE'] || '/run/external-secrets-agent';
const waitSeconds = Number(flag('--wait') ?? 0);

if (isQuestion(question) && waitSeconds >= 0 && waitSeconds <= longestWaitSeconds) {
  const stdout = {
    write: (text: string) => void process.stdout.write(text),
    isTTY: false,
    columns: 80,
    colour: false,
  };
  const options = { socketPath: `${state}/control.sock`, stdout, waitMs: waitSeconds * 1_000 };
  probe(question, options).then((code) => process.exit(code));
} else {
  process.stderr.write(usage);
  process.exit(64);
}

function flag(name: string): string | undefined {
  const at = rest.findIndex((word) => word === name || word.startsWith(`${name}=`));
  return rest[at] === name ? rest[at + 1] : rest[at]?.slice(name.length + 1);
}
