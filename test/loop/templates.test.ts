import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../src/base/log.ts';
import { Kept } from '../../src/loop/kept.ts';
import type { Template } from '../../src/spec/spec.ts';
import { externalSecret, type SpecOptions, specSet, World } from './world.ts';

const minuteMs = 60_000;

function templated(texts: Readonly<Record<string, string>>, options: SpecOptions = {}) {
  const data = new Map(Object.entries(texts).map(([key, text]) => [key, { text, at: {} }]));
  const template: Template = {
    at: {},
    type: '',
    mergePolicy: 'Replace',
    data,
    templateFrom: [],
    labels: new Map(),
    annotations: new Map(),
    finalizers: [],
  };
  return externalSecret('app', { refreshIntervalMs: minuteMs, ...options, target: { template } });
}

const random = { token: '{{ .key }} {{ randAlphaNum 40 }} {{ now | date "15:04:05" }} {{ uuidv4 }}' };

test('what chance and time gave stays through refreshes, edits elsewhere and a restart', async () => {
  const kept = new Kept({ folder: undefined, podUid: 'u', log: silentLog });
  const world = new World({ kept });
  world.store.values.set('key', 'one');
  await world.start(templated(random));
  const first = world.sink.read('app')!;
  await world.clock.advance(10 * minuteMs);
  await world.accept(specSet([templated(random, { refreshIntervalMs: 2 * minuteMs, revision: 2 })]));
  await world.clock.advance(10 * minuteMs);
  assert.deepEqual(world.sink.read('app'), first);
  await world.stop();

  const next = new World({ kept, sink: world.sink });
  next.store.values.set('key', 'one');
  await next.start(templated(random, { revision: 3 }));
  await next.clock.advance(5 * minuteMs);
  assert.ok(next.store.calls.length >= 3);
  assert.deepEqual(next.sink.read('app'), first);
  assert.equal(next.sink.publications, 1);

  next.store.values.set('key', 'two');
  await next.clock.advance(2 * minuteMs);
  assert.match(next.sink.read('app')!['token']!, /^two /);
  await next.stop();
});

test('another life takes away nothing that find no longer finds before that is confirmed', async () => {
  const kept = new Kept({ folder: undefined, podUid: 'u', log: silentLog });
  const spec = templated({ all: '{{ len . }}' }, { find: true, deletionPolicy: 'Delete' });
  const world = new World({ kept });
  world.store.values.set('a', '1').set('b', '2');
  await world.start(spec);
  assert.deepEqual(world.sink.read('app'), { all: '2' });
  await world.stop();

  const next = new World({ kept, sink: world.sink });
  next.store.values.set('a', '1');
  await next.start(spec);
  await next.clock.advance(40_000);
  assert.deepEqual(next.sink.read('app'), { all: '2' });
  await next.clock.advance(35_000);
  assert.deepEqual(next.sink.read('app'), { all: '1' });
  await next.stop();
});

test('a changed template is rendered anew though no value changed', async () => {
  const world = new World();
  world.store.values.set('key', 'one');
  await world.start(templated({ url: 'http://{{ .key }}' }));
  await world.accept(specSet([templated({ url: 'https://{{ .key }}' }, { revision: 2 })]));
  await world.clock.advance(0);
  assert.deepEqual(world.sink.read('app'), { url: 'https://one' });
  await world.stop();
});

test('a template that starts to fail leaves what was delivered, and heals with its value', async () => {
  const world = new World();
  world.store.values.set('key', '{"port":5432}');
  await world.start(templated({ port: '{{ (mustFromJson .key).port }}', also: '{{ .key }}' }));
  const good = world.sink.read('app');
  assert.equal(good!['port'], '5432');
  world.store.values.set('key', '{"port":');
  await world.clock.advance(2 * minuteMs);
  assert.deepEqual(world.sink.read('app'), good);
  const { condition, error } = world.state('app');
  assert.deepEqual([condition.reason, error?.code], ['SecretSyncedError', 'TemplateFailed']);
  world.store.values.set('key', '{"port":6432}');
  await world.clock.advance(5 * minuteMs);
  assert.equal(world.sink.read('app')!['port'], '6432');
  assert.equal(world.state('app').condition.reason, 'SecretSynced');
  await world.stop();
});

test('an optional key that is missing fails the template that needs it, and not one that asks with index', async () => {
  const missing = { keys: ['key', 'extra'], options: { optional: new Set(['extra']) } };
  const world = new World();
  world.store.values.set('key', 'one');
  await world.start(templated({ x: '{{ .extra }}' }, missing));
  assert.equal(world.sink.read('app'), undefined);
  assert.equal(world.state('app').error?.code, 'TemplateFailed');
  await world.stop();

  const asking = new World();
  asking.store.values.set('key', 'one');
  await asking.start(templated({ x: '{{ index . "extra" | default .key }}' }, missing));
  assert.deepEqual(asking.sink.read('app'), { x: 'one' });
  await asking.stop();
});
