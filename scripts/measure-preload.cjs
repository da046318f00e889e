'use strict';
// Loaded before the bundle by scripts/measure.ts: writes down which modules the process has loaded when it first
// delivers, and when its start is over, which is when it collects its garbage.
const fs = require('node:fs');

const builtins = () => process.moduleLoadList.filter((name) => name.startsWith('NativeModule '));
const before = new Set(builtins());
const v8 = require('node:v8');
const ours = new Set(builtins().filter((name) => !before.has(name)));

const loaded = () => ({
  builtins: builtins().filter((name) => !ours.has(name)),
  files: ['main.cjs', ...require(process.argv[1]).scripts.keys()],
});

let delivered;
const { renameSync } = fs;
fs.renameSync = (from, to) => {
  renameSync(from, to);
  if (String(to).endsWith('/..data')) delivered ??= loaded();
};

const { setFlagsFromString } = v8;
v8.setFlagsFromString = (flag) => {
  setFlagsFromString(flag);
  if (flag !== '--expose-gc') return;
  // In one step, since it is read as soon as it is there.
  const report = process.env.ESA_TEST_REPORT;
  fs.writeFileSync(`${report}.new`, JSON.stringify({ delivered, settled: loaded() }));
  renameSync(`${report}.new`, report);
};
