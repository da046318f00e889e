import { AgentError, type At } from '../base/errors.ts';
import { toText } from './value.ts';

/** Whether the text could not be understood, or the rendering of it failed. */
export type Phase = 'parse' | 'exec';

/** Where in a template, and what. The internal form of TemplateError; `offset` is in bytes. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly phase: Phase;
  readonly offset: number;
  readonly remedy: string | undefined;
  /** Go counts a parse error's line by the token it read last, which may be further on. */
  readonly goLine: number | undefined;

  constructor(
    phase: Phase,
    offset: number,
    reason: string,
    options: { remedy?: string; goLine?: number } = {},
  ) {
    super(reason);
    this.phase = phase;
    this.offset = offset;
    this.remedy = options.remedy;
    this.goLine = options.goLine;
  }
}

/** A template that cannot be parsed or rendered. `line` and `column` are 1-based and within the template. */
export class TemplateError extends AgentError {
  readonly phase: Phase;
  readonly template: string;
  readonly line: number;
  readonly column: number;
  /** What Go reports: the line, and for rendering the column in bytes, 0-based. */
  readonly go: { readonly line: number; readonly column: number | undefined };

  constructor(template: Source, failure: Failure) {
    const place = locate(template.text, failure.offset);
    const where = `template ${JSON.stringify(template.name)}, line ${place.line}, column ${place.column}`;
    const excerpt = template.hidden ? '' : `\n${caret(place)}`;
    super('TemplateFailed', `${where}: ${failure.message}${excerpt}`, {
      ...(failure.remedy === undefined ? {} : { remedy: failure.remedy }),
    });
    this.phase = failure.phase;
    this.template = template.name;
    this.line = place.line;
    this.column = place.column;
    this.go = {
      line: failure.goLine ?? place.line,
      column: failure.phase === 'exec' ? place.byteColumn : undefined,
    };
  }

  /** The same fault in the user's file, `at` being where the template's text starts in it: the lines of a block
   * all start in one column. */
  in(at: At): AgentError {
    if (at.line === undefined || at.column === undefined) return this.within(at);
    return this.within({ ...at, line: at.line + this.line - 1, column: at.column + this.column - 1 });
  }
}

/** A template's text as the engine holds it. */
export interface Source {
  readonly name: string;
  readonly text: string;
  /** The text itself is secret (it came from a Secret): errors give its place but do not quote it. */
  readonly hidden: boolean;
}

interface Place {
  readonly line: number;
  readonly column: number;
  readonly byteColumn: number;
  /** The source line as text. */
  readonly content: string;
}

function locate(source: string, offset: number): Place {
  const before = source.slice(0, offset);
  const start = before.lastIndexOf('\n') + 1;
  const end = source.indexOf('\n', offset);
  return {
    line: before.split('\n').length,
    column: toText(before.slice(start)).length + 1,
    byteColumn: offset - start,
    content: toText(source.slice(start, end < 0 ? undefined : end)),
  };
}

/** Characters shown on each side of the fault. */
const excerptChars = 60;

function caret({ content, column }: Place): string {
  const from = Math.max(0, column - 1 - excerptChars);
  const shown = content.slice(from, column - 1 + excerptChars).replace(/[\p{Cc}\p{Cf}]/gu, ' ');
  return `  ${shown.trimEnd()}\n  ${' '.repeat(column - 1 - from)}^`;
}
