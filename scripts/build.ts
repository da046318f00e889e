/**
 * npm run build: makes dist/. `npm run build -- --record` also writes down the sizes that
 * test/repo/bundle.test.ts holds later builds to.
 */
import { bundle } from './bundle.ts';
import { cacheCode } from './code-cache.ts';
import { recordBudget } from './measure.ts';

await bundle();
if (process.argv.includes('--record')) await recordBudget();
await cacheCode();
