'use strict';
// Loaded before the bundle by scripts/measure.ts: on SIGUSR2 it writes down which modules the process has loaded.
const { writeFileSync } = require('node:fs');

process.on('SIGUSR2', () => {
  const builtins = process.moduleLoadList.filter((name) => name.startsWith('NativeModule '));
  const files = ['main.cjs', ...require(process.argv[1]).scripts.keys()];
  writeFileSync(process.env.ESA_TEST_REPORT, JSON.stringify({ builtins, files }));
});
