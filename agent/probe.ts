import { setTimeout as delay } from 'node:timers/promises';
import { limits } from '../src/base/limits.ts';
import { ask, NoAgent } from './ask.ts';
import type { Output } from './host.ts';

export type Question = 'startup' | 'live';

export interface ProbeOptions {
  readonly socketPath: string;
  readonly stdout: Output;
  /** A no is asked again for this long, so that a yes is heard when it is there and not a period later. */
  readonly waitMs?: number;
}

/** `probe startup|live`: 0 when well, 1 when not, with one or two lines for `kubectl describe pod`. */
export async function probe(question: Question, options: ProbeOptions): Promise<0 | 1> {
  const { socketPath, stdout, waitMs = 0 } = options;
  const end = performance.now() + waitMs;
  let verdict = await verdictOf(question, socketPath);
  while (verdict.code !== 0 && performance.now() < end) {
    await delay(limits.probePauseMs);
    verdict = await verdictOf(question, socketPath);
  }
  stdout.write(verdict.text);
  return verdict.code;
}

interface Verdict {
  readonly code: 0 | 1;
  readonly text: string;
}

async function verdictOf(question: Question, socketPath: string): Promise<Verdict> {
  try {
    const { status, body } = await ask(socketPath, `GET /probe/${question}`);
    return { code: status === 200 ? 0 : 1, text: body };
  } catch (error) {
    if (!(error instanceof NoAgent)) throw error;
    return { code: 1, text: `${error.message}\n` };
  }
}

export function isQuestion(word: string | undefined): word is Question {
  return word === 'startup' || word === 'live';
}
