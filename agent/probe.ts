import { ask, NoAgent } from './ask.ts';
import type { Output } from './host.ts';

/** `probe startup|live`: 0 when well, 1 when not, with one or two lines for `kubectl describe pod`. */
export async function probe(
  question: 'startup' | 'live',
  socketPath: string,
  stdout: Output,
): Promise<0 | 1> {
  try {
    const { status, body } = await ask(socketPath, `GET /probe/${question}`);
    stdout.write(body);
    return status === 200 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof NoAgent)) throw error;
    stdout.write(`${error.message}\n`);
    return 1;
  }
}

export function isQuestion(word: string | undefined): word is 'startup' | 'live' {
  return word === 'startup' || word === 'live';
}
