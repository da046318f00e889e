import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyPatch } from '../../src/inject/json-patch.ts';
import { patchPod } from '../../src/inject/patch.ts';
import type { Json, Members } from '../../src/inject/raw.ts';
import { injected, type Loose, patchOf, pod, prefix, settings } from './pods.ts';

const seed = 20_261;
const runs = 300;

const unknown = fc.dictionary(fc.stringMatching(/^x[a-z]{1,6}$/), fc.jsonValue({ maxDepth: 2 }), {
  maxKeys: 3,
});
const user = fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined });
const containerNames = fc.uniqueArray(
  fc.constantFrom('app', 'web', 'istio-proxy', 'linkerd-proxy', 'istio-init', 'migrate'),
  { minLength: 1, maxLength: 4 },
);

const anyContainer = fc.record({
  more: unknown,
  mounts: fc.option(
    fc.uniqueArray(fc.constantFrom('/data', '/run', '/tmp'), { minLength: 1, maxLength: 2 }),
    {
      nil: undefined,
    },
  ),
  uid: user,
  always: fc.boolean(),
});

function containersNamed(list: readonly string[], parts: readonly Loose[]): Loose[] {
  return list.map((name, i) => {
    const { more, mounts, uid, always } = parts[i % parts.length];
    return {
      ...more,
      name,
      image: `${name}:1`,
      ...(mounts && { volumeMounts: mounts.map((mountPath: string) => ({ name: 'data', mountPath })) }),
      ...(uid !== undefined && { securityContext: { runAsUser: uid } }),
      ...(always && { restartPolicy: 'Always' }),
    };
  });
}

const anyPod = fc
  .record({
    apps: containerNames,
    inits: fc.option(containerNames, { nil: undefined }),
    parts: fc.array(anyContainer, { minLength: 1, maxLength: 3 }),
    more: fc.tuple(unknown, unknown, unknown),
    fsGroup: user,
    mode: fc.constantFrom('sidecar', 'init'),
    native: fc.constantFrom('on', 'off'),
    order: fc.constantFrom('auto', 'first', 'last'),
    hostNetwork: fc.boolean(),
    specs: fc.constantFrom({ config: 'a,b' }, { spec: 'kind: List' }),
  })
  .map(({ apps, inits, parts, more, fsGroup, mode, native, order, hostNetwork, specs }) => {
    const annotations = { ...specs, mode, native, order };
    const value = pod({ annotations: annotations as unknown as Record<string, string> });
    return {
      ...more[0],
      ...value,
      metadata: { ...more[1], ...value.metadata },
      spec: {
        ...more[2],
        hostNetwork,
        ...(fsGroup !== undefined && { securityContext: { fsGroup } }),
        containers: containersNamed(apps, parts),
        ...(inits && {
          initContainers: containersNamed(
            inits.map((name) => `${name}-i`.replace('istio-proxy-i', 'istio-proxy')),
            parts,
          ),
        }),
      },
    };
  });

test('patching twice is patching once', () => {
  fc.assert(
    fc.property(anyPod, (value) => assert.deepEqual(patchOf(injected(value)).operations, [])),
    { seed, numRuns: runs },
  );
});

test('without what was added, every byte is as it was', () => {
  fc.assert(
    fc.property(anyPod, (value) =>
      assert.equal(JSON.stringify(withoutOurs(injected(value))), JSON.stringify(value)),
    ),
    { seed, numRuns: runs },
  );
});

test('operations add, and move or replace nothing of the pod', () => {
  fc.assert(
    fc.property(anyPod, (value) => {
      for (const operation of patchOf(value).operations) assert.equal(operation.op, 'add');
    }),
    { seed, numRuns: runs },
  );
});

test('a repaired pod is the pod, whatever part of ours is taken away', () => {
  fc.assert(
    fc.property(anyPod, fc.nat(), (value, choice) => {
      const stripped = structuredClone(injected(value)) as Loose;
      const ours = [
        stripped.spec.containers,
        stripped.spec.initContainers ?? [],
        stripped.spec.volumes,
      ].flatMap((list: Loose[]) =>
        list.flatMap((each, i) => (isOurs(each) ? [() => list.splice(i, 1)] : [])),
      );
      ours[choice % ours.length]?.();
      const repaired = applyPatch(stripped, patchOf(stripped).operations);
      assert.deepEqual(patchOf(repaired).operations, []);
      assert.equal(JSON.stringify(withoutOurs(repaired)), JSON.stringify(value));
    }),
    { seed, numRuns: runs },
  );
});

test('any JSON ends in an outcome', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (spec, metadata) => {
      const value = {
        metadata: { labels: { [`${prefix}inject`]: 'true' }, ...(metadata as object) },
        spec,
      } as Json;
      assert.ok(['patched', 'refused', 'skipped'].includes(patchPod(value, settings).kind));
    }),
    { seed, numRuns: runs },
  );
});

function isOurs({ name }: { readonly name: string }): boolean {
  return name.startsWith('esa-') || name.startsWith('external-secrets-agent');
}

/** The pod with everything of ours taken out again, members in their order. */
function withoutOurs(value: Loose): Loose {
  const copy = structuredClone(value) as Loose;
  delete copy.metadata.annotations[`${prefix}status`];
  delete copy.metadata.labels[`${prefix}injected`];
  for (const list of ['containers', 'initContainers', 'volumes']) {
    if (copy.spec[list] === undefined) continue;
    copy.spec[list] = copy.spec[list].filter((each: Loose) => !isOurs(each));
    for (const each of copy.spec[list]) dropMounts(each);
    if (copy.spec[list].length === 0) delete copy.spec[list];
  }
  return copy;
}

function dropMounts(container: Members & { volumeMounts?: Loose }): void {
  if (container.volumeMounts === undefined) return;
  const before = container.volumeMounts.length;
  container.volumeMounts = container.volumeMounts.filter(({ name }: Loose) => name !== 'esa-secrets');
  if (container.volumeMounts.length === 0 && before > 0) delete container.volumeMounts;
}
