import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** The repository's root. */
export const root = join(import.meta.dirname, '..');

export interface Step {
  readonly name: string;
  /** A program of the dependencies, or `node`. */
  readonly program: string;
  readonly args: readonly string[];
}

/** Runs each, with a line about each; stops at the first failure. Gives the exit code. */
export function runSteps(steps: readonly Step[]): number {
  for (const step of steps) {
    const started = performance.now();
    const code = runStep(step);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stderr.write(`${code === 0 ? 'ok' : 'FAILED'}  ${step.name} (${seconds} s)\n`);
    if (code !== 0) return code;
  }
  return 0;
}

export function runStep(step: Step): number {
  // The programs of the dependencies start by `#!/usr/bin/env node`: PATH decides which Node that is.
  const bin = join(root, 'node_modules', '.bin');
  const program = step.program === 'node' ? process.execPath : join(bin, step.program);
  const done = spawnSync(program, step.args, { cwd: root, stdio: 'inherit' });
  if (done.error !== undefined) process.stderr.write(`${step.program}: ${done.error.message}\n`);
  return done.status ?? 1;
}
