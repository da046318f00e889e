import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { helmTemplate, rendered } from '../../scripts/manifests.ts';
import { root } from '../../scripts/steps.ts';
import { optionsOf } from '../../src/spec/contract.ts';
import { findProgram, missing } from '../peers/process.ts';
import { documentsIn, documentsOf, type Loose } from './documents.ts';

const run = promisify(execFile);
const chart = join(root, 'manifests/helm');

describe('the Helm chart', { skip: missing('helm', ['helm']) }, () => {
  const helm = findProgram('helm') ?? 'helm';
  const made = (...values: string[]): readonly Loose[] => documentsIn(helmTemplate(values, helm));
  const one = (all: readonly Loose[], kind: string): Loose => all.find((each) => each.kind === kind);

  test('is of this version', () => {
    const [about] = documentsOf('helm/Chart.yaml');
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    assert.deepEqual([about.version, about.appVersion], [version, version]);
  });

  test('passes lint, strictly, in every mode', () => {
    const modes = [
      [],
      ['certificates.mode=cert-manager'],
      ['certificates.mode=files,certificates.secretName=tls,certificates.caBundle=Q0E='],
    ];
    for (const values of modes) {
      const sets = values.flatMap((value) => ['--set', value]);
      execFileSync(helm, ['lint', '--strict', '--quiet', '--kube-version', '1.30.0', chart, ...sets]);
    }
  });

  for (const [path, values] of Object.entries(rendered)) {
    test(`${path} is what it makes (node scripts/manifests.ts)`, () => {
      assert.equal(readFileSync(join(root, path), 'utf8'), helmTemplate(values, helm));
    });
  }

  test('values that are not known, or of another form, are refused', async () => {
    const wrong = [
      'replica=3',
      'replicas=0',
      'certificates.mode=magic',
      'webhook.url=http://injector.example.com',
      'agent.size=lots',
      'image.digest=sha256:12',
      'certificates.mode=files',
      'fullnameOverride=Not_A_Name',
      'webhook.port=443',
      'podLabels.app\\.kubernetes\\.io/name=another',
    ];
    for (const value of wrong) {
      await assert.rejects(
        run(helm, ['template', 'x', chart, '--kube-version', '1.30.0', '--set', value]),
        value,
      );
    }
  });

  test('gives the injector flags that it has', () => {
    const known = optionsOf('injector').map(([, { flag }]) => flag);
    const all = [
      'agent.imagesAllow={registry.example.com/}',
      'agent.audiences={one,two}',
      'agent.storesAllow={*.example.com}',
      'agent.proxy=http://proxy.example.com:3128',
      'webhook.requireTLS=true',
    ];
    for (const values of [all, ['certificates.mode=cert-manager']]) {
      const [injector] = one(made(...values), 'Deployment').spec.template.spec.containers;
      const [command, ...flags] = injector.args as string[];
      assert.equal(command, 'injector');
      for (const flag of flags) assert.ok(known.includes(flag.split('=')[0] as never), flag);
    }
  });

  test('the image that pods are given stands where docs/install.md patches it', () => {
    const [injector] = one(made(), 'Deployment').spec.template.spec.containers;
    const docs = readFileSync(join(root, 'docs/install.md'), 'utf8');
    const [, index] = /path: \/spec\/template\/spec\/containers\/0\/args\/(\d+)/.exec(docs) ?? [];
    assert.match(injector.args[Number(index)], /^--image=/);
  });

  test('by URL, the certificate is for its host', () => {
    const all = made('webhook.url=https://10.0.0.7:8443');
    const [injector] = one(all, 'Deployment').spec.template.spec.containers;
    assert.ok(injector.args.includes('--tls-names=10.0.0.7'));
    const [webhook] = one(all, 'MutatingWebhookConfiguration').webhooks;
    assert.deepEqual(webhook.clientConfig, { url: 'https://10.0.0.7:8443/mutate' });
    const managed = made('webhook.url=https://10.0.0.7', 'certificates.mode=cert-manager');
    const leaf = managed.filter(({ kind }) => kind === 'Certificate').at(-1);
    assert.deepEqual(leaf.spec.ipAddresses, ['10.0.0.7']);
  });

  test('with certificates from elsewhere the injector may nothing, and has no token', () => {
    for (const mode of [
      ['certificates.mode=cert-manager'],
      ['certificates.mode=files', 'certificates.secretName=tls', 'certificates.caBundle=Q0E='],
    ]) {
      const all = made(...mode);
      assert.deepEqual(
        all.filter(({ kind }) => /Role/.test(kind)),
        [],
      );
      assert.equal(one(all, 'Deployment').spec.template.spec.automountServiceAccountToken, false);
    }
  });

  test('never sees its own namespace, and hurts nobody who did not ask', () => {
    const all = made();
    const webhooks = [
      ...one(all, 'MutatingWebhookConfiguration').webhooks,
      ...one(all, 'ValidatingWebhookConfiguration').webhooks,
    ];
    assert.equal(webhooks.length, 4);
    for (const { namespaceSelector, failurePolicy, objectSelector, name } of webhooks) {
      assert.ok(namespaceSelector.matchExpressions[0].values.includes('external-secrets-agent'));
      assert.ok(objectSelector !== undefined || failurePolicy === 'Ignore', name);
    }
  });

  test('the bundle for OLM runs the same container', () => {
    const [csv] = documentsOf('olm/manifests/external-secrets-agent.clusterserviceversion.yaml');
    const [{ spec }] = csv.spec.install.spec.deployments;
    const olm = spec.template.spec;
    const openshift = one(made('runAsUser=null'), 'Deployment').spec.template.spec;
    for (const field of [
      'image',
      'env',
      'ports',
      'readinessProbe',
      'livenessProbe',
      'lifecycle',
      'resources',
    ]) {
      assert.deepEqual(olm.containers[0][field], openshift.containers[0][field], field);
    }
    assert.deepEqual(olm.containers[0].securityContext, openshift.containers[0].securityContext);
    assert.deepEqual(olm.securityContext, openshift.securityContext);
  });
});
