import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { specFindings } from '../../agent/spec-findings.ts';
import { version } from '../../agent/version.ts';
import { describe as textOf } from '../../src/base/errors.ts';
import { probeCommand } from '../../src/inject/agent-container.ts';
import { specsLabel } from '../../src/spec/contract.ts';
import { injected, prefix } from '../inject/pods.ts';
import { readNow } from '../spec/read-now.ts';
import { documentsOf, type Loose, yamlFiles } from './documents.ts';

const files = yamlFiles('examples').filter((file) => !/examples\/(quickstart|aws|vault)\//.test(file));

/** The pod that a workload makes. */
function podOf(workload: Loose): Loose {
  const { metadata, spec } = workload.spec.template;
  return { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'app-', ...metadata }, spec };
}

const workloadsOf = (file: string): readonly Loose[] =>
  documentsOf(file).filter(({ kind }) => kind === 'Deployment' || kind === 'Job');

describe('the examples', () => {
  for (const file of files) {
    describe(file, () => {
      const configMaps = documentsOf(file).filter(({ kind }) => kind === 'ConfigMap');
      const [workload] = workloadsOf(file);

      test('its specs pass check, without a word', async () => {
        assert.ok(configMaps.length > 0);
        for (const { data, metadata } of configMaps) {
          assert.equal(metadata.labels[specsLabel], 'true');
          const specs = readNow(Object.entries(data).map(([path, text]) => ({ path, text: String(text) })));
          const policy = { requireTls: true, storesAllow: [] };
          const { faults, advice } = await specFindings(specs, 'apps', policy);
          assert.deepEqual([...faults, ...advice].map(textOf), []);
        }
      });

      test('the app reads a file of a target that the specs have, and the pod a ConfigMap that is there', () => {
        const text = JSON.stringify(workload);
        assert.match(text, /\/run\/secrets\/external-secrets\/db\/password/);
        const name = configMaps[0].metadata.name;
        assert.ok(
          text.includes(`"${prefix}config":"${name}"`) || text.includes(`"configMap":{"name":"${name}"}`),
        );
      });
    });
  }

  for (const file of files.filter((each) => !each.includes('plain-sidecar'))) {
    test(`${file}: the injector makes the pod whole`, () => {
      const made = injected(podOf(workloadsOf(file)[0]));
      const [agent] = made.spec.initContainers;
      assert.equal(agent.restartPolicy, 'Always');
      assert.ok(made.spec.containers[0].volumeMounts.some(({ readOnly }: Loose) => readOnly));
    });
  }

  test('the sidecar by hand is the one that the injector makes', () => {
    const [byHand] = workloadsOf('examples/plain-sidecar/app.yaml');
    const [asking] = workloadsOf('examples/vault-kubernetes/app.yaml');
    const [own] = podOf(byHand).spec.initContainers;
    const [made] = injected(podOf(asking)).spec.initContainers;
    for (const field of ['name', 'restartPolicy', 'securityContext', 'startupProbe']) {
      const {
        runAsUser: _user,
        runAsGroup: _group,
        runAsNonRoot: _root,
        seccompProfile: _profile,
        ...rest
      } = made[field] ?? {};
      assert.deepEqual(own[field], typeof made[field] === 'string' ? made[field] : rest, field);
    }
    assert.deepEqual(own.startupProbe.exec.command.slice(0, probeCommand.length), [...probeCommand]);
    assert.equal(own.image, `external-secrets-agent:${version}`);
    assert.deepEqual(own.ports[0].name, made.ports[0].name);
  });
});
