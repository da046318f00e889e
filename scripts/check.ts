/**
 * npm run check: types, lint and format; `npm run check -- types` or `lint` for one of them.
 */
import { runSteps, type Step } from './steps.ts';

export const checks: readonly Step[] = [
  { name: 'types', program: 'tsc', args: ['-p', '.'] },
  { name: 'lint', program: 'biome', args: ['ci', '--colors=off'] },
];

if (import.meta.main) {
  const wanted = process.argv.slice(2);
  process.exit(runSteps(checks.filter((check) => wanted.length === 0 || wanted.includes(check.name))));
}
