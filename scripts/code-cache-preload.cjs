'use strict';
// Loaded before the bundle by scripts/code-cache.ts. When the start is over the agent collects its garbage and changes
// V8's flags, and with other flags V8 refuses what was compiled: so just before that this writes down what there is of
// each file, and ends.
const { existsSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const v8 = require('node:v8');

v8.setFlagsFromString = (flag) => {
  if (flag !== '--expose-gc') return;
  const main = process.argv[1];
  for (const [name, script] of require(main).scripts) {
    const file = join(dirname(main), `${name}.cache`);
    if (!existsSync(file)) writeFileSync(file, script.createCachedData());
  }
  process.exit(0);
};
