import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { specFindings } from '../../agent/spec-findings.ts';
import { root } from '../../scripts/steps.ts';
import { specsIn } from '../../src/inject/specs-in.ts';
import { agentOf, injected, type Loose } from '../inject/pods.ts';
import { type ApiServer, apiServerPrograms, startApiServer } from '../peers/apiserver.ts';
import { findProgram, missing } from '../peers/process.ts';
import { readNow } from '../spec/read-now.ts';
import { documentsIn, documentsOf, pathOf } from './documents.ts';

const run = promisify(execFile);
const guide = readFileSync(join(root, 'docs/install.md'), 'utf8');
const name = 'external-secrets-agent-injector';
const namespace = 'external-secrets-agent';

/** The first block in a section of docs/install.md. */
function block(section: string, text = guide): string {
  const [, rest = ''] = text.split(`\n## ${section}\n`);
  const [, code = ''] = /```\w+\n([\s\S]*?)```/.exec(rest) ?? [];
  assert.notEqual(code, '', section);
  return code;
}

const without =
  missing('kubernetes', apiServerPrograms) || missing('helm', ['helm']) || missing('kubectl', ['kubectl']);

describe('docs/install.md, as it is printed', { skip: without }, () => {
  let api: ApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(async () => await api?.stop());

  const shell = async (script: string): Promise<string> => {
    const programs = ['helm', 'kubectl'].map((program) => dirname(findProgram(program) ?? ''));
    const env = {
      ...process.env,
      KUBECONFIG: api.kubeconfig,
      PATH: [...programs, process.env['PATH']].join(':'),
    };
    return (await run('bash', ['-euc', script], { cwd: root, env, encoding: 'utf8' })).stdout;
  };
  const get = async (path: string): Promise<Loose> => (await api.call('GET', path)).json;

  test('Helm: installed, its certificate rotated, and away again', async () => {
    // Without controllers and nodes nothing rolls out.
    const install = block('Helm').replace(/^kubectl .*rollout status.*\n/m, '');
    assert.notEqual(install, block('Helm'));
    await shell(install);
    const { spec } = await get(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}`);
    assert.match(spec.template.spec.containers[0].image, /^REGISTRY\/external-secrets-agent:/);
    const { metadata } = await get(`/api/v1/namespaces/${namespace}`);
    assert.equal(metadata.labels['pod-security.kubernetes.io/enforce'], 'restricted');
    await shell(block('Certificates'));
    const secret = await get(`/api/v1/namespaces/${namespace}/secrets/${name}`);
    assert.equal(secret.metadata.annotations['agent.external-secrets.io/rotate'], 'now');
    const [helm = '', kustomize = ''] = block('Uninstalling').split('# or\n');
    await shell(helm);
    assert.equal((await get(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}`)).code, 404);
    await shell('kubectl apply -k manifests/kustomize/base');
    await shell(kustomize.replace('delete', 'delete --wait=false'));
    for (const document of documentsOf('kustomize/base/injector.yaml')) {
      const left = await get(`${pathOf(document)}/${document.metadata.name}`);
      assert.equal(left.code, 404, `${document.kind} is left`);
    }
  });

  test('Kustomize: both images are those of the registry', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'esa-kustomize-'));
    try {
      const base = relative(folder, join(root, 'manifests/kustomize/base'));
      writeFileSync(
        join(folder, 'kustomization.yaml'),
        block('Kustomize').replace('manifests/kustomize/base', base),
      );
      const made = documentsIn(await shell(`kubectl kustomize ${folder}`)) as readonly Loose[];
      const [injector] = made.find(({ kind }) => kind === 'Deployment').spec.template.spec.containers;
      assert.equal(injector.image, 'REGISTRY/external-secrets-agent:0.1.0');
      const images = injector.args.filter((arg: string) => arg.startsWith('--image='));
      assert.deepEqual(images, ['--image=REGISTRY/external-secrets-agent:0.1.0']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test('docs/install.md ignores in Argo CD what the injector writes, and only that', () => {
  const [{ spec }] = documentsIn(block('Argo CD and Flux')) as [Loose];
  const made = documentsOf('kustomize/base/injector.yaml');
  for (const { kind, name: named } of spec.ignoreDifferences)
    assert.ok(
      made.some((each: Loose) => each.kind === kind && each.metadata.name === named),
      `${kind} ${named}`,
    );
  assert.equal(spec.ignoreDifferences.length, 3);
});

for (const file of ['docs/install.md', 'docs/injection.md']) {
  test(`${file}: the pod that it shows is injected`, async () => {
    const text = readFileSync(join(root, file), 'utf8');
    const [, code = ''] =
      /```yaml\n((?:(?!```)[\s\S])*agent\.external-secrets\.io\/inject[\s\S]*?)```/.exec(text) ?? [];
    const documents = documentsIn(code) as readonly Loose[];
    const { metadata } = documents.at(-1);
    const done = injected({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { containers: [{ name: 'app' }] },
    });
    assert.equal(agentOf(done).restartPolicy, 'Always');
    const [map] = documents.slice(0, -1);
    if (map === undefined) return;
    const config = done.spec.volumes.find(({ configMap }: Loose) => configMap !== undefined);
    assert.equal(config.configMap.name, map.metadata.name);
    assert.ok(specsIn(map) !== undefined, 'it is checked when it is applied');
    const files = readNow(specsIn(map)!.files);
    assert.deepEqual((await specFindings(files, 'apps', { requireTls: true, storesAllow: [] })).faults, []);
  });
}
