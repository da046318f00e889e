import { type Clock, systemClock } from '../src/base/clock.ts';
import { limits } from '../src/base/limits.ts';
import type { Log } from '../src/base/log.ts';
import { Delivery } from '../src/loop/delivery.ts';
import { Kept } from '../src/loop/kept.ts';
import { Loop } from '../src/loop/loop.ts';
import type { AgentState, LoopEvent } from '../src/loop/state.ts';
import type { Stores } from '../src/loop/stores.ts';
import type { PodEvents } from '../src/observe/events.ts';
import type { StatusWriter } from '../src/observe/external-secret-status.ts';
import { openLog } from '../src/observe/log.ts';
import { catalog } from '../src/providers/catalog.ts';
import { openDirectory } from '../src/sinks/directory.ts';
import type { SpecWatch } from '../src/spec/watch.ts';
import { Cluster, podEvents, secretSinks, statusWriter } from './cluster.ts';
import type { Config } from './config.ts';
import { type Doors, openDoors } from './doors.ts';
import { type ExitCode, exitCodes, type Host } from './host.ts';
import { pauseCompilers, settleMemory } from './memory.ts';
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
  readonly kept: Kept;
  readonly specs: Specs;
  readonly stores: Stores;
  readonly cluster: Cluster;
  readonly loop: Loop;
  /** With `--events`. */
  readonly events: PodEvents | undefined;
  /** With `--write-status`. */
  readonly status: StatusWriter | undefined;
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
    clock,
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
  const told = { namespace, clock, log, view: () => loop.view() };
  const events = await podEvents(config, cluster, told);
  const status = await statusWriter(config, cluster, told);
  for (const teller of [events, status])
    if (teller !== undefined) listeners.add((event) => teller.record(event));
  return { config, clock, log, kept, specs, stores, cluster, loop, events, status, observe: listeners };
}

/** Sync everything once and end: an init container, a laptop, CI. No door is opened. */
async function runOnce(agent: Agent, host: Host): Promise<RunResult> {
  const { config, cluster, events, loop, specs, status, stores } = agent;
  const signal = AbortSignal.any([host.stopping, AbortSignal.timeout(config.timeout)]);
  const loaded = await specs.load();
  await loop.accept(loaded.specs, loaded.whole, signal);
  await loop.run(() => loop.settled, signal);
  const state = loop.view();
  events?.refused(state.problems);
  const revoke = config.revokeOnExit === 'tokens';
  await Promise.all([stores.closeAll({ revoke }), events?.close(), status?.close()]);
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

/** Sync, serve and refresh until the host stops it. */
async function runSidecar(agent: Agent, host: Host): Promise<RunResult> {
  const { config, cluster, loop, log, stores } = agent;
  host.onRefresh(() => {
    log.info({ externalSecrets: loop.refresh() }, 'refresh asked for by SIGHUP');
  });
  await accept(agent, host.stopping);
  const delivered = firstRound(agent);
  const running = loop.run(() => false, host.stopping);
  const opening = delivered.then((before) => openRest(agent, host, before));
  // A port that cannot be had ends the agent; nothing that the loop meets does.
  await Promise.race([running, opening.then(() => running)]);
  const { doors, watch } = await opening;
  log.info({ reason: String(host.stopping.reason?.message ?? '') }, 'stopping');
  const closing = Promise.all([
    watch.close(),
    doors.close(),
    stores.closeAll({ revoke: config.revokeOnExit === 'tokens' }),
    agent.events?.close(),
    agent.status?.close(),
  ]).then(() => cluster.close());
  await Promise.race([closing, agent.clock.sleep(limits.shutdownMs * 0.9)]);
  agent.kept.flush();
  return { exitCode: exitCodes.done, state: loop.view() };
}

interface Rest {
  readonly doors: Doors;
  readonly watch: SpecWatch;
}

/** What no delivery waits for: loading and opening it is 37 of the 94 ms of CPU of a start. */
async function openRest(agent: Agent, host: Host, before: Recording): Promise<Rest> {
  const doors = await openDoors({ ...agent, before: before.events });
  before.end();
  let reading = Promise.resolve();
  const read = (): void => {
    reading = reading
      .then(() => accept(agent, host.stopping))
      .catch((err: unknown) => agent.log.error({ err }, 'specs not taken in; those that run stay in force'));
  };
  const watch = await agent.specs.watch(read);
  // What changed before there was a watch.
  read();
  await reading;
  void before.tried.then(settleMemory);
  return { doors, watch };
}

/** What happens until somebody counts it. */
interface Recording {
  readonly events: readonly LoopEvent[];
  /** Resolves once every ExternalSecret was tried. */
  readonly tried: Promise<void>;
  end(): void;
}

/** Resolves once every ExternalSecret was tried, or `limits.firstRoundMs` have passed. */
async function firstRound({ loop, observe, clock }: Agent): Promise<Recording> {
  const events: LoopEvent[] = [];
  let left = loop.specs?.externalSecrets.length ?? 0;
  const { promise: tried, resolve } = Promise.withResolvers<void>();
  const record = (event: LoopEvent): void => void events.push(event);
  let paused: Promise<() => void> | undefined;
  let calls = 0;
  // When a login and a read were answered all modules are loaded; a pod of one secret is done then.
  const pause = (event: LoopEvent): void => {
    if (event.kind === 'call' && ++calls === 3) paused = pauseCompilers();
  };
  const count = (event: LoopEvent): void => {
    if (event.kind !== 'attempt' || --left > 0) return;
    observe.delete(count);
    resolve();
  };
  observe.add(record).add(count).add(pause);
  if (left > 0) await Promise.race([tried, clock.sleep(limits.firstRoundMs)]);
  // A store that answers later must not pause them: what is loaded next has a code cache, for compilers that run.
  observe.delete(pause);
  (await paused)?.();
  return { events, tried, end: () => observe.delete(record) };
}

/** Reads the specs, says what is wrong with them, and hands them to the loop if they changed. */
async function accept({ specs, loop, log, events }: Agent, signal: AbortSignal): Promise<void> {
  const before = specs.current.hash;
  const { specs: next, whole } = await specs.load(loop.specs);
  if (next.hash === before) return;
  for (const err of next.problems) log.error({ err }, 'spec refused');
  for (const err of next.warnings) log.warn({ err }, 'spec warning');
  log.info({ externalSecrets: next.externalSecrets.length, problems: next.problems.length }, 'specs read');
  events?.refused(next.problems);
  await loop.accept(next, whole, signal);
}
