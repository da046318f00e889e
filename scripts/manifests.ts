/**
 * Makes the injector of manifests/kustomize from the Helm chart, so that the two cannot differ. It needs `helm`;
 * test/manifests/helm.test.ts fails when a file is not what this makes.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './steps.ts';

const kustomize = 'manifests/kustomize';

/** Files, and the values of the chart that they are made with. */
export const rendered: Readonly<Record<string, readonly string[]>> = {
  [`${kustomize}/base/injector.yaml`]: [],
  [`${kustomize}/overlays/cert-manager/injector.yaml`]: ['certificates.mode=cert-manager'],
  [`${kustomize}/overlays/openshift/injector.yaml`]: ['runAsUser=null'],
};

/** What the chart makes of these values for the cluster version that the kustomizations are for. */
export function helmTemplate(values: readonly string[], helm = 'helm'): string {
  const name = 'external-secrets-agent';
  const where = ['--namespace', name, '--kube-version', '1.30.0'];
  const sets = values.flatMap((value) => ['--set', value]);
  const args = ['template', name, join(root, 'manifests/helm'), ...where, ...sets];
  const text = execFileSync(helm, args, { encoding: 'utf8' });
  return text.replace(/^# Source: .*\n/gm, '').replace(/ +$/gm, '');
}

if (import.meta.main) {
  for (const [path, values] of Object.entries(rendered))
    writeFileSync(join(root, path), helmTemplate(values));
}
