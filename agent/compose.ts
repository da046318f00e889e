import { join } from 'node:path';
import { type Clock, systemClock } from '../src/base/clock.ts';
import type { AgentError } from '../src/base/errors.ts';
import { limits } from '../src/base/limits.ts';
import type { Log } from '../src/base/log.ts';
import { Delivery } from '../src/loop/delivery.ts';
import { Kept } from '../src/loop/kept.ts';
import { Loop } from '../src/loop/loop.ts';
import type { AgentState, LoopEvent } from '../src/loop/state.ts';
import type { Stores } from '../src/loop/stores.ts';
import type { PodEvents } from '../src/observe/events.ts';
import { openLog } from '../src/observe/log.ts';
import { catalog } from '../src/providers/catalog.ts';
import { openDirectory } from '../src/sinks/directory.ts';
import { Cluster, podEvents, secretSinks } from './cluster.ts';
import type { Config } from './config.ts';
import { type ExitCode, exitCodes, type Host } from './host.ts';
import { Specs } from './specs.ts';
import { openWorld } from './world.ts';

export interface RunResult {
  readonly exitCode: ExitCode;
  /** As the loop left it. */
  readonly state: AgentState;
}

/** Everything that one life of the agent is made of, wired. */
interface Agent {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly specs: Specs;
  readonly stores: Stores;
  readonly cluster: Cluster;
  readonly loop: Loop;
  /** With `--events`. */
  readonly events: PodEvents | undefined;
  readonly observe: Set<(event: LoopEvent) => void>;
}

/**
 * `run`: the real parts, wired, until the host stops it or, with `--once`, until nothing has a retry left.
 * `observe` hears what the loop does, for a terminal.
 */
export async function runAgent(
  config: Config,
  host: Host,
  observe: (event: LoopEvent, state: () => AgentState) => void = () => {},
): Promise<RunResult> {
  const agent = await compose(config, host);
  agent.observe.add((event) => observe(event, () => agent.loop.view()));
  return config.once ? await runOnce(agent, host) : await runSidecar(agent, host);
}

async function compose(config: Config, host: Host): Promise<Agent> {
  const clock = systemClock;
  const log = openLog({
    level: config.logLevel,
    format: config.logFormat ?? (host.stderr.isTTY ? 'pretty' : 'json'),
    colour: host.stderr.colour,
  });
  for (const warning of config.warnings) log.warn({}, warning);
  const kept = new Kept({
    folder: config.once ? undefined : config.state,
    podUid: config.pod.uid ?? '',
    log,
  });
  const listeners = new Set<(event: LoopEvent) => void>();
  const observe = (event: LoopEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const cluster = new Cluster(host.env, clock);
  const { namespace, references, stores } = await openWorld(config, host.env, {
    clock,
    log,
    kept,
    observe,
    documents: () => loop.specs ?? specs.current,
    cluster,
  });
  const specs = new Specs({ config, namespace, catalog, clock, log });
  const { output, fileMode, dirMode } = config;
  // With --once nobody is there later to remove the old generation.
  const grace = config.once ? { graceMs: 0 } : {};
  const directory = openDirectory({ output, fileMode, dirMode, clock, log, ...grace });
  const secrets = await secretSinks(config, cluster, { namespace, clock, log });
  const loop: Loop = new Loop({
    clock,
    log,
    stores,
    delivery: new Delivery({ sinks: [directory, ...secrets], log, observe }),
    kept,
    sources: references,
    observe,
    onError: config.onError,
  });
  const events = await podEvents(config, cluster, { namespace, clock, log, view: () => loop.view() });
  if (events !== undefined) listeners.add((event) => events.record(event));
  return { config, clock, log, specs, stores, cluster, loop, events, observe: listeners };
}

/** Sync everything once and end: an init container, a laptop, CI. No door is opened. */
async function runOnce(agent: Agent, host: Host): Promise<RunResult> {
  const { config, cluster, events, loop, specs, stores } = agent;
  const signal = AbortSignal.any([host.stopping, AbortSignal.timeout(config.timeout)]);
  const loaded = await specs.load();
  await loop.accept(loaded.specs, loaded.whole, signal);
  await loop.run(() => loop.settled, signal);
  const state = loop.view();
  events?.refused(state.problems);
  await Promise.all([stores.closeAll({ revoke: config.revokeOnExit === 'tokens' }), events?.close()]);
  await cluster.close();
  return { exitCode: exitCodeOf(state), state };
}

/** An invalid spec outranks what could not be delivered. */
function exitCodeOf(state: AgentState): ExitCode {
  const failed = [...state.targets.values()].filter((target) => target.condition.status !== 'True');
  const invalid = state.problems.length > 0 || failed.some((target) => target.error?.code === 'SpecInvalid');
  if (invalid) return exitCodes.invalid;
  return failed.some((target) => target.required) ? exitCodes.unavailable : exitCodes.done;
}

/** Sync, serve and refresh until the host stops it. The doors open first, so that probes are answered. */
async function runSidecar(agent: Agent, host: Host): Promise<RunResult> {
  const { config, cluster, loop, log, specs, stores } = agent;
  const doors = await openDoors(agent);
  host.onRefresh(() => {
    log.info({ externalSecrets: loop.refresh() }, 'refresh asked for by SIGHUP');
  });
  await accept(agent, host.stopping);
  let reading = Promise.resolve();
  const watch = await specs.watch(() => {
    reading = reading.then(() => accept(agent, host.stopping));
  });
  await loop.run(() => false, host.stopping);
  log.info({ reason: String(host.stopping.reason?.message ?? '') }, 'stopping');
  const closing = Promise.all([
    watch.close(),
    doors.close(),
    stores.closeAll({ revoke: config.revokeOnExit === 'tokens' }),
    agent.events?.close(),
  ]).then(() => cluster.close());
  await Promise.race([closing, agent.clock.sleep(limits.shutdownMs * 0.9)]);
  return { exitCode: exitCodes.done, state: loop.view() };
}

/** Reads the specs, says what is wrong with them, and hands them to the loop if they changed. */
async function accept({ specs, loop, log, events }: Agent, signal: AbortSignal): Promise<void> {
  const before = specs.current.hash;
  const { specs: next, whole } = await specs.load(loop.specs);
  for (const err of next.problems) log.error({ err }, 'spec refused');
  for (const err of next.warnings) log.warn({ err }, 'spec warning');
  if (next.hash === before) return;
  log.info({ externalSecrets: next.externalSecrets.length, problems: next.problems.length }, 'specs read');
  events?.refused(next.problems);
  await loop.accept(next, whole, signal);
}

async function openDoors(agent: Agent): Promise<{ close(): Promise<void> }> {
  const { config, clock, log, loop } = agent;
  const [{ openControl }, { version }] = await Promise.all([
    import('../src/observe/control.ts'),
    import('./version.ts'),
  ]);
  const observed = {
    version,
    clock,
    log,
    view: () => loop.view(),
    refresh: (name?: string) => loop.refresh(name),
  };
  const control = await openControl({ ...observed, path: join(config.state, 'control.sock') }).catch(
    (error: AgentError) => {
      // Without it `status` and exec probes have no answer, and secrets are delivered all the same.
      log.error({ err: error }, 'no control socket');
      return undefined;
    },
  );
  if (config.listen === 'off') return { close: async () => control?.close() };
  const [{ openServer }, { openMetrics }] = await Promise.all([
    import('../src/observe/server.ts'),
    import('../src/observe/metrics.ts'),
  ]);
  const metrics = openMetrics({ clock, version, node: process.version });
  agent.observe.add((event) => metrics.record(event));
  const { listen, refreshTokenFile } = config;
  const server = await openServer({ ...observed, listen, metrics, refreshTokenFile });
  log.info({ address: server.address, version }, 'listening');
  return {
    close: async () => {
      await Promise.all([control?.close(), server.close()]);
    },
  };
}
