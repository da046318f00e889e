/**
 * One life of an agent that is killed before it takes its KILL_AT-th step: `publisher.ts OUTPUT KILL_AT SET`, SET
 * being JSON of keys and values. Prints each step's number; ends with 0 when it had fewer steps than that.
 */
import { writeSync } from 'node:fs';
import { externalSecret, payload, signal, sinkIn } from '../sinks/sets.ts';

const [output = '', killAt = '', set = ''] = process.argv.slice(2);
let taken = 0;
const onStep = (step: number): void => {
  taken++;
  writeSync(1, `${step}\n`);
  if (taken === Number(killAt)) process.kill(process.pid, 'SIGKILL');
};
await sinkIn(output, { onStep }).sink.publish(externalSecret(), payload(JSON.parse(set)), signal);
