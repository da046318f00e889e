import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { silentLog } from '../../src/base/log.ts';
import { openKubernetesSecret } from '../../src/sinks/kubernetes-secret.ts';
import { contentHash } from '../../src/sinks/kubernetes-secret-object.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { Cluster, Counted, drive, namespace } from '../kube/cluster.ts';
import { externalSecret, World } from '../loop/world.ts';
import { apiServerPrograms } from './apiserver.ts';
import { Audit } from './audit.ts';
import { missing, until } from './process.ts';

/** Every request for a Secret with what was answered. */
const auditRules = `
  - level: RequestResponse
    resources: [{group: "", resources: [secrets]}]
  - level: None
`;

/** The way to the API server, which can be shut: connections are refused then. */
class Door {
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  port = 0;

  constructor(port: number) {
    this.#port = port;
  }

  async open(): Promise<void> {
    const server = createServer((socket) => {
      const onward = connect(this.#port, '127.0.0.1');
      for (const end of [socket, onward]) {
        this.#sockets.add(end);
        end.on('error', () => end.destroy());
      }
      socket.pipe(onward).pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async shut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    await closed;
  }
}

describe('one Secret and many agents', { skip: missing('kubernetes', apiServerPrograms) }, () => {
  let cluster: Cluster;
  let audit: Audit;
  before(async () => {
    audit = await Audit.prepare(auditRules);
    cluster = await Cluster.start({ args: audit.args });
    const verbs = ['get', 'patch', 'create'];
    await cluster.allow({ apiGroups: [''], resources: ['secrets'], verbs });
  });
  after(async () => {
    await cluster.stop();
    await audit.remove();
  });

  /** Writes of a Secret that the API server took, by version. */
  const writes = async (name: string): Promise<{ version: number; hash: string; data: string }[]> => {
    const taken = (await audit.events()).filter(
      ({ verb, objectRef, responseStatus }) =>
        verb !== 'get' && objectRef?.name === name && responseStatus.code < 300,
    );
    const versions = taken.map(({ responseObject }) => ({
      version: Number(responseObject!.metadata.resourceVersion),
      hash: responseObject!.metadata.annotations?.[contentHash] ?? '',
      data: Buffer.from(responseObject!.data?.['key'] ?? '', 'base64').toString(),
    }));
    const byVersion = new Map(versions.map((each) => [each.version, each]));
    return [...byVersion.values()].sort((a, b) => a.version - b.version);
  };

  const agents = (name: string, count: number, clockOf: (i: number) => ManualClock, server?: string) => {
    const spec = externalSecret(name, { keys: ['key'], refreshIntervalMs: 60_000 });
    return Array.from({ length: count }, (_, i) => {
      const counted = new Counted(cluster.asPod(server));
      const clock = clockOf(i);
      const kube = async () => counted.kube;
      const world = new World({
        clock,
        also: () => [openKubernetesSecret({ kube, namespace, owner: undefined, clock, log: silentLog })],
      });
      world.store.values.set('key', 'v1');
      return { world, counted, spec, clock };
    });
  };
  type Agents = ReturnType<typeof agents>;
  const rotate = (all: Agents, value: string): void => {
    for (const { world } of all) world.store.values.set('key', value);
  };
  const synced = (all: Agents, value: string): boolean =>
    all.every(({ world, spec }) => {
      const { condition, error } = world.state(spec.name);
      const delivered = world.sink.read(spec.name)?.['key'] === value;
      return delivered && condition.status === 'True' && error === undefined;
    });
  const stop = async (all: Agents): Promise<void> => {
    for (const { world, counted } of all) {
      await world.stop();
      await counted.kube.close();
    }
  };

  test('20 agents: one change for each rotation, whoever makes it', { timeout: 120_000 }, async () => {
    const clock = new ManualClock({ seed: 5 });
    const all = agents('shared', 20, () => clock);
    const counteds = all.map(({ counted }) => counted);
    await Promise.all(all.map(({ world, spec }) => world.start(spec)));
    await drive(clock, counteds, () => synced(all, 'v1'));
    for (const value of ['v2', 'v3']) {
      rotate(all, value);
      const began = clock.now();
      await drive(clock, counteds, () => synced(all, value) && clock.now() - began > 80_000);
    }
    await until(async () => (await writes('shared')).length >= 3);
    const log = await writes('shared');
    assert.deepEqual(
      log.map(({ data }) => data),
      ['v1', 'v2', 'v3'],
    );
    assert.equal(new Set(log.map(({ hash }) => hash)).size, 3);
    await stop(all);
  });

  test('an agent that is late by an interval never takes a version back', { timeout: 120_000 }, async () => {
    const clock = new ManualClock({ seed: 6 });
    const lateClock = new ManualClock({ seed: 7 });
    const all = agents('behind', 20, (i) => (i === 0 ? lateClock : clock));
    const [late, ...others] = all as [Agents[number], ...Agents];
    const counteds = others.map(({ counted }) => counted);
    await Promise.all(others.map(({ world, spec }) => world.start(spec)));
    await drive(clock, counteds, () => synced(others, 'v1'));
    await late.world.start(late.spec);
    await drive(lateClock, [late.counted], () => synced([late], 'v1'));
    // It has fetched v2, and its time stands still before the write; the others go on to v3.
    rotate(all, 'v2');
    late.world.loop.refresh();
    await drive(lateClock, [late.counted], () => late.world.sink.read('behind')?.['key'] === 'v2');
    await drive(clock, counteds, () => synced(others, 'v2'));
    rotate(others, 'v3');
    await drive(clock, counteds, () => synced(others, 'v3'));
    rotate([late], 'v3');
    await drive(lateClock, [late.counted], () => synced([late], 'v3'));
    await until(async () => (await writes('behind')).length >= 3);
    assert.deepEqual(
      (await writes('behind')).map(({ data }) => data),
      ['v1', 'v2', 'v3'],
    );
    await stop(all);
  });

  test('API server down for 60 s: files at once, the Secret when it is back', {
    timeout: 120_000,
  }, async () => {
    const door = new Door(cluster.api.port);
    await door.open();
    const clock = new ManualClock({ seed: 8 });
    const all = agents('outage', 3, () => clock, `https://127.0.0.1:${door.port}`);
    const counteds = all.map(({ counted }) => counted);
    await Promise.all(all.map(({ world, spec }) => world.start(spec)));
    await drive(clock, counteds, () => synced(all, 'v1'));

    await door.shut();
    rotate(all, 'v2');
    for (const { world } of all) world.loop.refresh();
    const began = clock.now();
    const files = (value: string): boolean =>
      all.every(({ world }) => world.sink.read('outage')?.['key'] === value);
    await drive(clock, counteds, () => files('v2'));
    // A refresh waits for at most a second until it begins, and the look takes two at most.
    assert.ok(clock.now() - began <= 3_000, `${clock.now() - began} ms`);
    await drive(clock, counteds, () => clock.now() - began >= 60_000);
    const { condition, error } = all[0]!.world.state('outage');
    assert.equal(condition.message, 'could not update secret');
    assert.equal(error?.code, 'Unavailable');
    assert.deepEqual(await cluster.data('outage'), { key: 'v1' });

    await door.open();
    await drive(clock, counteds, () => synced(all, 'v2'));
    assert.ok(clock.now() - began <= 60_000 + 60_000 + 10_000 + 3_000, `${clock.now() - began} ms`);
    assert.deepEqual(await cluster.data('outage'), { key: 'v2' });
    await until(async () => (await writes('outage')).length >= 2);
    assert.deepEqual(
      (await writes('outage')).map(({ data }) => data),
      ['v1', 'v2'],
    );
    assert.ok(files('v2'));
    await stop(all);
    await door.shut();
  });
});
