import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { documentsOf, type Loose, manifests } from './documents.ts';

/** OLM itself is not here: this holds the bundle to the shape that it documents. */
describe('the bundle for OLM', () => {
  const [csv] = documentsOf('olm/manifests/external-secrets-agent.clusterserviceversion.yaml') as [Loose];
  const [{ annotations }] = documentsOf('olm/metadata/annotations.yaml') as [Loose];
  const prefix = 'operators.operatorframework.io.bundle.';

  test('is registry+v1, and its labels are those of its image', () => {
    assert.equal(annotations[`${prefix}mediatype.v1`], 'registry+v1');
    const file = readFileSync(join(manifests, 'olm/bundle.Dockerfile'), 'utf8');
    const labels = [...file.matchAll(/^LABEL ([^=]+)=(.*)$/gm)].map(([, key, value]) => [key, value]);
    const expected = Object.entries(annotations).filter(([key]) => key.startsWith(prefix));
    assert.deepEqual(labels, expected);
  });

  test('is named by package and version', () => {
    const name = annotations[`${prefix}package.v1`];
    assert.equal(csv.metadata.name, `${name}.v${csv.spec.version}`);
    assert.equal(csv.metadata.annotations.containerImage, `${name}:${csv.spec.version}`);
  });

  test('all install modes are told, and webhooks need all namespaces', () => {
    const modes = Object.fromEntries(csv.spec.installModes.map((each: Loose) => [each.type, each.supported]));
    assert.deepEqual(Object.keys(modes).sort(), [
      'AllNamespaces',
      'MultiNamespace',
      'OwnNamespace',
      'SingleNamespace',
    ]);
    assert.equal(modes.AllNamespaces, true);
  });

  test('webhooks name the deployment and a port that OLM may use', () => {
    const deployments = csv.spec.install.spec.deployments.map(({ name }: Loose) => name);
    for (const webhook of csv.spec.webhookdefinitions) {
      assert.match(webhook.type, /^(Mutating|Validating)AdmissionWebhook$/);
      assert.ok(deployments.includes(webhook.deploymentName));
      assert.ok(webhook.containerPort > 0 && webhook.containerPort <= 65_535);
      assert.equal(webhook.sideEffects, 'None');
      assert.equal(
        'namespaceSelector' in webhook || 'matchConditions' in webhook,
        false,
        'OLM has no such field',
      );
    }
  });

  test('the container reads what OLM mounts', () => {
    const [{ spec }] = csv.spec.install.spec.deployments;
    const flags: string[] = spec.template.spec.containers[0].args;
    const folder = '/apiserver.local.config/certificates';
    assert.ok(flags.includes(`--cert-file=${folder}/apiserver.crt`));
    assert.ok(flags.includes(`--key-file=${folder}/apiserver.key`));
  });
});
