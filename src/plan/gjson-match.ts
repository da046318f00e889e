import { runesOf } from '../template/utf8.ts';
import type { Work } from './gjson-work.ts';

const star = 0x2a;
const questionMark = 0x3f;
const backslash = 0x5c;

/** gjson gives up, and takes it for no match, after this many tries per byte of the text. */
const triesPerByte = 10_000;

/** What one step of matching counts as. */
const stepBytes = 8;

type Outcome = 'match' | 'no match' | 'given up';

/** tidwall/match: `*` for any runes, `?` for one, a backslash before a rune meant as it is. */
export function matches(text: string, pattern: string, work: Work): boolean {
  if (pattern === '*') return true;
  work.spend(text.length + pattern.length);
  const matcher = new Matcher(runesOf(text), runesOf(pattern), { work, tries: text.length * triesPerByte });
  return matcher.match() === 'match';
}

/** What of text and pattern is still to be matched; the ends move in as suffixes are matched from behind. */
interface Rest {
  readonly at: number;
  readonly end: number;
  readonly patternAt: number;
  readonly patternEnd: number;
}

class Matcher {
  readonly #text: readonly number[];
  readonly #pattern: readonly number[];
  readonly #work: Work;
  #triesLeft: number;

  constructor(text: readonly number[], pattern: readonly number[], bound: { work: Work; tries: number }) {
    this.#text = text;
    this.#pattern = pattern;
    this.#work = bound.work;
    this.#triesLeft = bound.tries;
  }

  match(): Outcome {
    return this.#rest({ at: 0, end: this.#text.length, patternAt: 0, patternEnd: this.#pattern.length });
  }

  #rest(rest: Rest): Outcome {
    if (this.#triesLeft-- < 0) return 'given up';
    let { at, patternAt } = rest;
    const { end, patternEnd } = rest;
    for (; patternAt < patternEnd; at++, patternAt++) {
      this.#work.spend(stepBytes);
      if (this.#pattern[patternAt] === star) return this.#star({ at, end, patternAt, patternEnd });
      if (at === end) return 'no match';
      const isAny = this.#pattern[patternAt] === questionMark;
      if (this.#pattern[patternAt] === backslash && ++patternAt === patternEnd) return 'no match';
      if (!isAny && this.#text[at] !== this.#pattern[patternAt]) return 'no match';
    }
    return at === end ? 'match' : 'no match';
  }

  /** The pattern starts with a star: tries what follows it at one place after the other. */
  #star(from: Rest): Outcome {
    for (let rest = from; ; rest = { ...rest, at: rest.at + 1 }) {
      this.#work.spend(stepBytes);
      let { patternAt } = rest;
      while (patternAt + 1 < rest.patternEnd && this.#pattern[patternAt + 1] === star) patternAt++;
      if (patternAt + 1 === rest.patternEnd) return 'match';
      const trimmed = this.#withoutSuffix({ ...rest, patternAt });
      if (trimmed === undefined) return 'no match';
      if (patternAt + 1 === trimmed.patternEnd) return 'match';
      const outcome = this.#rest({ ...trimmed, patternAt: patternAt + 1 });
      if (outcome !== 'no match') return outcome;
      if (trimmed.at === trimmed.end) return 'no match';
      rest = trimmed;
    }
  }

  /** Without what follows the last star, compared from behind; undefined when that differs. */
  #withoutSuffix(rest: Rest): Rest | undefined {
    let { end, patternEnd } = rest;
    while (end > rest.at && patternEnd - rest.patternAt > 1) {
      this.#work.spend(stepBytes);
      const rune = this.#pattern[patternEnd - 1];
      let slashes = 0;
      while (this.#pattern[patternEnd - 2 - slashes] === backslash) slashes++;
      const isEscaped = slashes % 2 === 1;
      if (rune === star && !isEscaped) break;
      const isAny = rune === questionMark && !isEscaped;
      if (!isAny && rune !== this.#text[end - 1]) return undefined;
      end--;
      patternEnd -= isEscaped ? 2 : 1;
    }
    return { ...rest, end, patternEnd };
  }
}
