import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { AgentError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { type Kube, openKubeAt } from '../../src/kube/client.ts';
import { contentsOf } from '../../src/kube/contents.ts';
import { faultOf } from '../../src/kube/fault.ts';
import { pathOf, type Resource } from '../../src/kube/resource.ts';
import { openKubernetesSecret } from '../../src/sinks/kubernetes-secret.ts';
import { type ApiServer, apiServerPrograms, startApiServer } from '../peers/apiserver.ts';
import { missing, until } from '../peers/process.ts';
import { externalSecret, payload } from '../sinks/sets.ts';

const folder = join(import.meta.dirname, '../../manifests/rbac');
const { signal } = new AbortController();
/** Updates wait for nobody. */
const clock: Clock = { ...systemClock, random: () => 0 };

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules?: readonly Rule[];
  readonly subjects?: readonly { readonly kind: string; readonly name: string }[];
}

/** Everything that a feature asks of the API server. `admin` clears the way for another try. */
interface Feature {
  readonly act: (kube: Kube, namespace: string, admin: ApiServer) => Promise<void>;
  /** What else it stands on. */
  readonly with?: readonly string[];
  /** Its verbs in the order in which they are checked; a denial of one names those after it as well. */
  readonly needs?: readonly string[];
}

const sinkOf = (kube: Kube, namespace: string) =>
  openKubernetesSecret({ kube: async () => kube, namespace, owner: undefined, clock, log: silentLog });
const secrets = (namespace: string): string => `/api/v1/namespaces/${namespace}/secrets`;

const features: Readonly<Record<string, Feature>> = {
  'secret-sync.yaml': {
    needs: ['get', 'patch', 'create'],
    act: async (kube, namespace, admin) => {
      const sink = sinkOf(kube, namespace);
      const spec = externalSecret('db');
      await admin.call('DELETE', `${secrets(namespace)}/db`);
      for (const hash of ['made', 'changed']) {
        await sink.prepare!(spec, signal);
        assert.equal((await sink.publish(spec, payload({ key: hash }, hash), signal)).changed, true);
      }
    },
  },
  'secret-delete.yaml': {
    with: ['secret-sync.yaml'],
    act: async (kube, namespace, admin) => {
      const sink = sinkOf(kube, namespace);
      const spec = externalSecret('db');
      await admin.call('DELETE', `${secrets(namespace)}/db`);
      await sink.publish(spec, payload({ key: 'value' }), signal);
      assert.equal(await sink.withdraw!(spec, signal), true);
    },
  },
  'references.yaml': {
    act: async (kube, namespace, admin) => {
      const data = { key: 'value' };
      const [secret, configMap] = [{ name: 'store-credentials' }, { name: 'store-ca' }];
      await admin.call('POST', secrets(namespace), { body: { metadata: secret, stringData: data } });
      const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
      await admin.call('POST', configMaps, { body: { metadata: configMap, data } });
      for (const object of [
        { kind: 'Secret', ...secret } as const,
        { kind: 'ConfigMap', ...configMap } as const,
      ]) {
        const contents = await contentsOf(kube, { ...object, namespace }, signal);
        assert.equal(contents?.get('key')?.text(), 'value');
      }
    },
  },
  'events.yaml': {
    needs: ['create', 'patch'],
    act: async (kube, namespace) => {
      const needs = ['create', 'patch'];
      const events: Resource = { group: '', version: 'v1', resource: 'events', namespace, needs };
      const involvedObject = { kind: 'Pod', namespace, name: 'web-0', uid: 'u' };
      const name = `web-0.${process.hrtime.bigint()}`;
      await kube.create(events, { metadata: { name }, involvedObject, reason: 'Synced', count: 1 }, signal);
      await kube.patch({ ...events, name }, { count: 2 }, { signal });
    },
  },
  'write-status.yaml': {
    act: async (kube, namespace, admin) => {
      const [group, version, resource] = ['external-secrets.io', 'v1', 'externalsecrets'];
      const object: Resource = { group, version, resource, namespace, name: 'db' };
      const { name: _, ...collection } = object;
      await admin.call('POST', pathOf(collection), { body: { ...externalSecretObject } });
      assert.equal((await kube.get(object, signal))?.metadata.name, 'db');
      const status = { ...externalSecretObject, status: { refreshTime: '2026-01-01T00:00:00Z' } };
      await kube.apply({ ...object, subresource: 'status' }, status, { fieldManager: 'test', signal });
    },
  },
  'status-laptop.yaml': {
    act: async (kube, namespace) => {
      const pods: Resource = { group: '', version: 'v1', resource: 'pods', namespace };
      await kube.list(pods, {}, signal);
      const proxy: Resource = { ...pods, name: 'web-0', subresource: 'proxy' };
      const { status, ...rest } = await kube.raw({ method: 'GET', path: `${pathOf(proxy)}/status` }, signal);
      // There are no pods here: whoever is let through meets a 404.
      if (status === 403) throw faultOf({ status, ...rest }, proxy, 'get');
      assert.equal(status, 404);
    },
  },
};

const externalSecretObject = {
  apiVersion: 'external-secrets.io/v1',
  kind: 'ExternalSecret',
  metadata: { name: 'db' },
};

/** ESO's kind, with its status and without its schema. */
const externalSecretKind = {
  metadata: { name: 'externalsecrets.external-secrets.io' },
  spec: {
    group: 'external-secrets.io',
    scope: 'Namespaced',
    names: { plural: 'externalsecrets', singular: 'externalsecret', kind: 'ExternalSecret' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

describe('manifests/rbac', { skip: missing('kubernetes', apiServerPrograms) }, () => {
  let api: ApiServer;
  let cases = 0;
  /** By namespace: the authorizer sees a Role a little later than it is made. */
  const pasted = new Map<string, Set<string>>();
  before(async () => {
    api = await startApiServer();
    await api.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', externalSecretKind);
    const objects = '/apis/external-secrets.io/v1/externalsecrets';
    await until(async () => (await api.call('GET', objects)).status === 200);
  });
  after(async () => await api.stop());

  test('every Role is held to its feature', () => {
    assert.deepEqual(readdirSync(folder).sort(), Object.keys(features).sort());
  });

  for (const [file, feature] of Object.entries(features)) {
    describe(file, () => {
      const own = documentsOf(file);
      const grants = [...(feature.with ?? []).flatMap(documentsOf), ...own];

      test('suffices', async () => {
        await as(grants, async (kube, namespace) => {
          await until(async () => (await deniedBy(feature, kube, namespace)) === undefined);
        });
      });

      test('the rules that its denials print, pasted one after the other, suffice', async () => {
        let pastes = 0;
        await as([], async (kube, namespace) => {
          await until(async () => {
            const remedy = (await deniedBy(feature, kube, namespace))?.remedy;
            if (remedy === undefined) return true;
            const rules = parse(remedy.slice(remedy.indexOf('- {')));
            const known = pasted.get(namespace) ?? new Set();
            if (!known.has(remedy)) {
              pastes++;
              await api.allow({ namespace, name: 'my-app' }, rules);
            }
            pasted.set(namespace, known.add(remedy));
            return false;
          });
        });
        assert.ok(pastes <= grants.flatMap(({ rules = [] }) => rules).length, `${pastes} pastes`);
      });

      for (const { rule, verb } of verbsOf(own)) {
        test(`without ${verb} of ${rule.resources.join()} it says which rule to add`, async () => {
          const reduced = grants.map((manifest) => without(manifest, rule, verb));
          const names = rule.resourceNames?.map((name) => `"${name}"`).join(', ');
          const line =
            `- {apiGroups: ["${rule.apiGroups[0]}"], resources: ["${rule.resources[0]}"], ` +
            `${names === undefined ? '' : `resourceNames: [${names}], `}verbs: [${verbsFrom(feature, verb)}]}`;
          await as(reduced, async (kube, namespace) => {
            let remedy: string | undefined;
            // Until the authorizer has seen the Role another verb may be the first that is missing.
            await until(async () => {
              remedy = (await deniedBy(feature, kube, namespace))?.remedy;
              return remedy?.endsWith(line) ?? false;
            }).catch(() => assert.equal(remedy, line));
          });
        });
      }
    });
  }

  /** As a person or pod that has these Roles and no other rights, in a namespace of its own. */
  const as = async (
    manifests: readonly Manifest[],
    work: (kube: Kube, namespace: string) => Promise<void>,
  ): Promise<void> => {
    const namespace = `case-${++cases}`;
    await api.serviceAccount(namespace, 'my-app');
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    for (const manifest of manifests) {
      const subjects = manifest.subjects && [{ kind: 'ServiceAccount', name: 'my-app', namespace }];
      const plural = manifest.kind === 'Role' ? 'roles' : 'rolebindings';
      await api.create(`${rbac}/${plural}`, { ...manifest, ...(subjects && { subjects }) });
    }
    const token = await api.token(namespace, 'my-app');
    const kube = openKubeAt(
      { server: api.url, ca: async () => api.ca, token: async () => Secret.of(token), namespace },
      clock,
    );
    await work(kube, namespace);
    await kube.close();
  };

  const deniedBy = async (
    feature: Feature,
    kube: Kube,
    namespace: string,
  ): Promise<AgentError | undefined> => {
    try {
      await feature.act(kube, namespace, api);
      return undefined;
    } catch (error) {
      assert.ok(error instanceof AgentError, String(error));
      assert.equal(error.code, 'Denied', error.message);
      return error;
    }
  };
});

function documentsOf(file: string): readonly Manifest[] {
  const text = readFileSync(join(folder, file), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

function verbsFrom({ needs = [] }: Feature, verb: string): string {
  const at = needs.indexOf(verb);
  return (at < 0 ? [verb] : needs.slice(at)).map((each) => `"${each}"`).join(', ');
}

function verbsOf(manifests: readonly Manifest[]): readonly { rule: Rule; verb: string }[] {
  const rules = manifests.flatMap((manifest) => manifest.rules ?? []);
  return rules.flatMap((rule) => rule.verbs.map((verb) => ({ rule, verb })));
}

function without(manifest: Manifest, rule: Rule, verb: string): Manifest {
  if (manifest.rules === undefined) return manifest;
  const rules = manifest.rules.map((each) =>
    each === rule ? { ...each, verbs: each.verbs.filter((other) => other !== verb) } : each,
  );
  return { ...manifest, rules: rules.filter(({ verbs }) => verbs.length > 0) };
}
