/**
 * npm test: build, types, lint, then every test; `npm test -- test/spec` runs only the tests of a folder.
 * The last lines are the summary of Node's own test runner.
 */
import { checks } from './check.ts';
import { runStep, runSteps } from './steps.ts';

const folders = process.argv.slice(2);
const patterns = (folders.length === 0 ? ['test'] : folders).map((folder) =>
  folder.endsWith('.ts') ? folder : `${folder}/**/*.test.ts`,
);

const before = runSteps([
  { name: 'build', program: 'node', args: ['scripts/build.ts'] },
  ...(folders.length === 0 ? checks : []),
]);
if (before !== 0) process.exit(before);
const flags = ['--test', '--test-isolation=none'];
process.exit(runStep({ name: 'tests', program: 'node', args: [...flags, ...patterns] }));
