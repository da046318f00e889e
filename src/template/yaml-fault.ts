import { GoError } from './func.ts';

/** A fault of a YAML text; `line` is 1-based. The message quotes nothing of it. */
export class YamlFault extends GoError {
  readonly line: number | undefined;

  constructor(reason: string, line?: number) {
    super(line === undefined ? reason : `line ${line}: ${reason}`);
    this.line = line;
  }
}
