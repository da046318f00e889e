import { runesOf } from '../template/utf8.ts';
import type { Work } from './gjson-work.ts';

const star = 0x2a;
const questionMark = 0x3f;
const backslash = 0x5c;

/** gjson gives up, and takes it for no match, after this many tries per byte of the text. */
const triesPerByte = 10_000;

/** What one step of matching counts as. */
const stepBytes = 8;

type Outcome = 'match' | 'no-match' | 'stopped';

/** tidwall/match: `*` for any runes, `?` for one, a backslash before a rune meant as it is. */
export function matches(text: string, pattern: string, work: Work): boolean {
  if (pattern === '*') return true;
  const matching = { tries: 0, maxTries: text.length * triesPerByte, work };
  work.spend(text.length + pattern.length);
  return matchRunes(runesOf(text), runesOf(pattern), matching) === 'match';
}

interface Matching {
  tries: number;
  readonly maxTries: number;
  readonly work: Work;
}

function matchRunes(text: readonly number[], pattern: readonly number[], matching: Matching): Outcome {
  return new Run(matching).from(
    { text, start: 0, end: text.length },
    { text: pattern, start: 0, end: pattern.length },
  );
}

/** Part of a list of runes, so that none is copied. */
interface Span {
  readonly text: readonly number[];
  readonly start: number;
  readonly end: number;
}

class Run {
  readonly #matching: Matching;

  constructor(matching: Matching) {
    this.#matching = matching;
  }

  from(text: Span, pattern: Span): Outcome {
    const matching = this.#matching;
    if (matching.tries > matching.maxTries) return 'stopped';
    matching.tries++;
    let { start: at, end: textEnd } = text;
    let { start: patternAt, end: patternEnd } = pattern;
    while (patternAt < patternEnd) {
      matching.work.spend(stepBytes);
      const rune = pattern.text[patternAt];
      if (rune === star) {
        while (patternEnd - patternAt > 1 && pattern.text[patternAt + 1] === star) patternAt++;
        if (patternEnd - patternAt === 1) return 'match';
        const trimmed = trimSuffix(
          { ...text, start: at, end: textEnd },
          { ...pattern, start: patternAt, end: patternEnd },
        );
        if (trimmed === undefined) return 'no-match';
        [textEnd, patternEnd] = trimmed;
        if (patternEnd - patternAt === 1) return 'match';
        const outcome = this.from(
          { ...text, start: at, end: textEnd },
          { ...pattern, start: patternAt + 1, end: patternEnd },
        );
        if (outcome !== 'no-match') return outcome;
        if (at === textEnd) return 'no-match';
        at++;
        continue;
      }
      if (at === textEnd) return 'no-match';
      if (rune === backslash) {
        patternAt++;
        if (patternAt === patternEnd) return 'no-match';
      }
      if (rune !== questionMark && text.text[at] !== pattern.text[patternAt]) return 'no-match';
      at++;
      patternAt++;
    }
    return at === textEnd ? 'match' : 'no-match';
  }
}

/** Compares what follows the last star from behind; the ends of what is left, or undefined when they differ. */
function trimSuffix(text: Span, pattern: Span): [textEnd: number, patternEnd: number] | undefined {
  let textEnd = text.end;
  let patternEnd = pattern.end;
  while (textEnd > text.start && patternEnd - pattern.start > 1) {
    const rune = pattern.text[patternEnd - 1];
    let slashes = 0;
    while (pattern.text[patternEnd - 2 - slashes] === backslash) slashes++;
    const isEscaped = slashes % 2 === 1;
    if (rune === star && !isEscaped) break;
    if (!(rune === questionMark && !isEscaped) && rune !== text.text[textEnd - 1]) return undefined;
    textEnd--;
    patternEnd -= isEscaped ? 2 : 1;
  }
  return [textEnd, patternEnd];
}
