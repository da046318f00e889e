import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { root } from '../../scripts/steps.ts';
import { openHttp } from '../../src/base/http.ts';
import { pemsOf } from '../../src/inject/certificates-set.ts';
import { injected, pod, prefix } from '../inject/pods.ts';
import { type ApiServer, apiServerPrograms, startApiServer } from '../peers/apiserver.ts';
import { findProgram, freePort, missing, startPeer, until } from '../peers/process.ts';
import { documentsIn, documentsOf, type Loose, looseCrd, pathOf, yamlFiles } from './documents.ts';

const run = promisify(execFile);
const main = join(root, 'agent/main.ts');
const name = 'external-secrets-agent-injector';
const namespace = 'external-secrets-agent';
const admissionApi = '/apis/admissionregistration.k8s.io/v1';

/** Of other projects, whose CRDs are not in this API server. */
const foreign = [
  'cert-manager.io/v1',
  'monitoring.coreos.com/v1',
  'templates.gatekeeper.sh/v1',
  'constraints.gatekeeper.sh/v1beta1',
  'security.openshift.io/v1',
  'external-secrets.io/v1',
  'kustomize.config.k8s.io/v1beta1',
];

describe('manifests on a real API server', { skip: missing('kubernetes', apiServerPrograms) }, () => {
  let api: ApiServer;
  before(async () => {
    api = await startApiServer();
    for (const each of [namespace, 'apps'])
      await api.create('/api/v1/namespaces', { metadata: { name: each } });
    await api.create('/api/v1/namespaces/apps/serviceaccounts', { metadata: { name: 'app' } });
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await api.create(crds, looseCrd('SecretStore', 'Namespaced'));
    await api.create(crds, looseCrd('ClusterSecretStore', 'Cluster'));
    const [crd] = documentsOf('policies/secretproviderclass-crd.yaml');
    await api.create(crds, crd);
  });
  after(async () => await api.stop());

  const apply = async (documents: readonly Loose[]): Promise<void> => {
    for (const document of documents) {
      if (document.kind !== 'Namespace') await api.create(pathOf(document, 'apps'), document);
    }
  };
  const remove = async (documents: readonly Loose[]): Promise<void> => {
    for (const document of documents) {
      if (document.kind !== 'Namespace')
        await api.call('DELETE', `${pathOf(document, 'apps')}/${document.metadata.name}`);
    }
  };

  for (const path of [
    ...yamlFiles('kustomize'),
    ...yamlFiles('policies'),
    ...yamlFiles('examples').filter((file) => !/examples\/(quickstart|aws|vault)\//.test(file)),
  ]) {
    const documents = documentsOf(path).filter(({ apiVersion }) => !foreign.includes(apiVersion));
    if (documents.length === 0) continue;
    test(`${path} is accepted`, async () => {
      for (const document of documents) {
        const path = `${pathOf(document, 'apps')}?dryRun=All&fieldValidation=Strict`;
        const { status, json } = await api.call('POST', path, { body: document });
        // What the set-up made may be there.
        if (json.reason !== 'AlreadyExists') assert.equal(status, 201, `${document.kind}: ${json.message}`);
      }
    });
  }

  describe('the injector as it is installed', () => {
    const base = documentsOf('kustomize/base/injector.yaml');
    let token: string;
    before(async () => {
      await apply(base);
      token = await api.token(namespace, name);
    });
    after(async () => await remove(base));

    const may = async (verb: string, resource: string, more: object = {}): Promise<boolean> => {
      const [plural, subresource = ''] = resource.split('/');
      const resourceAttributes = { verb, resource: plural, subresource, ...more };
      const body = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes },
      };
      const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
      const { json } = await api.call('POST', path, { body, token });
      return json.status.allowed;
    };

    test('its service account may touch its Secret and its webhook configurations, and nothing else', async () => {
      const own = { namespace, name };
      const group = 'admissionregistration.k8s.io';
      await until(async () => (await may('get', 'secrets', own)) && (await may('patch', 'secrets', own)));
      for (const resource of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) {
        for (const verb of ['get', 'patch']) assert.ok(await may(verb, resource, { group, name }), resource);
        for (const verb of ['list', 'watch', 'create', 'update', 'delete'])
          assert.equal(await may(verb, resource, { group, name }), false, `${verb} ${resource}`);
        for (const verb of ['get', 'patch', 'list']) {
          assert.equal(await may(verb, resource, { group, name: 'of-somebody-else' }), false);
          assert.equal(await may(verb, resource, { group }), false);
        }
      }
      const refused: readonly (readonly [string, string, object])[] = [
        ['get', 'secrets', { namespace, name: 'another' }],
        ['get', 'secrets', { namespace: 'apps', name }],
        ['list', 'secrets', { namespace }],
        ['watch', 'secrets', { namespace }],
        ['create', 'secrets', { namespace }],
        ['delete', 'secrets', own],
        ['update', 'secrets', own],
        ['list', 'secrets', {}],
        ['create', 'serviceaccounts/token', { namespace: 'apps', name: 'app' }],
        ['create', 'serviceaccounts/token', { namespace, name }],
        ['impersonate', 'serviceaccounts', { namespace: 'apps', name: 'app' }],
        ['get', 'pods', { namespace: 'apps' }],
        ['create', 'pods/exec', { namespace: 'apps' }],
        ['get', 'configmaps', { namespace: 'apps' }],
        ['escalate', 'clusterroles', { group: 'rbac.authorization.k8s.io' }],
        ['bind', 'clusterroles', { group: 'rbac.authorization.k8s.io' }],
        ['*', '*', { group: '*' }],
      ];
      for (const [verb, resource, more] of refused)
        assert.equal(await may(verb, resource, more), false, `${verb} ${resource} ${JSON.stringify(more)}`);
    });

    test('that is all that the program, as the Deployment starts it, needs to be trusted and ready', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'esa-injector-'));
      const kubeconfig = join(folder, 'kubeconfig');
      writeFileSync(kubeconfig, kubeconfigOf(api, token), { mode: 0o600 });
      const deployment = base.find(({ kind }) => kind === 'Deployment');
      const [{ args }] = deployment.spec.template.spec.containers;
      const [port, probes] = [await freePort(), await freePort()];
      const flags = args.map((arg: string) => arg.replace(/^--webhook=.*/, `--webhook=127.0.0.1:${port}`));
      const http = openHttp({ keepAliveMs: 1 });
      const readyz = { method: 'GET', url: `http://127.0.0.1:${probes}/readyz` };
      const injector = await startPeer(process.execPath, [main, ...flags, `--listen=127.0.0.1:${probes}`], {
        env: { KUBECONFIG: kubeconfig, POD_NAMESPACE: namespace, KUBERNETES_SERVICE_HOST: '' },
        ready: async () => (await http.request(readyz)).status === 200,
      });
      await injector.stop();
      await http.close();
      rmSync(folder, { recursive: true });
      assert.doesNotMatch(injector.output(), /"level":"(?:error|warn)"/);
      for (const kind of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) {
        const { json } = await api.call('GET', `${admissionApi}/${kind}/${name}`);
        for (const { clientConfig, name: entry } of json.webhooks) {
          const trusted = pemsOf(Buffer.from(clientConfig.caBundle, 'base64').toString());
          assert.equal(trusted.length, 1, entry);
        }
      }
    });

    test('while it is away, pods without the label and ConfigMaps without specs come and go', async () => {
      const plain = pod();
      plain.metadata.labels = {};
      plain.metadata.annotations = {};
      plain.spec.serviceAccountName = 'app';
      assert.equal((await api.call('POST', '/api/v1/namespaces/apps/pods', { body: plain })).status, 201);
      assert.equal((await api.call('DELETE', '/api/v1/namespaces/apps/pods/app')).status, 200);
      const map = { metadata: { name: 'plain' }, data: { 'a.yaml': 'x' } };
      assert.equal((await api.call('POST', '/api/v1/namespaces/apps/configmaps', { body: map })).status, 201);
      for (const asking of [pod(), annotated()]) {
        asking.spec.serviceAccountName = 'app';
        const { status, json } = await api.call('POST', '/api/v1/namespaces/apps/pods', { body: asking });
        assert.equal(status, 500);
        assert.match(
          json.message,
          /failed calling webhook "(label|annotation)\.agent\.external-secrets\.io"/,
        );
      }
    });
  });

  describe('policies/agent-present.yaml', () => {
    const policy = documentsOf('policies/agent-present.yaml');
    before(async () => {
      await apply(policy);
      await until(async () => (await admit(pod())) !== undefined, 20_000, 100);
    });
    after(async () => await remove(policy));

    const admit = async (object: Loose, where = 'apps'): Promise<string | undefined> => {
      object.spec.serviceAccountName = 'app';
      const path = `/api/v1/namespaces/${where}/pods?dryRun=All`;
      const { status, json } = await api.call('POST', path, { body: object });
      return status === 201 ? undefined : json.message;
    };

    test('compiles without a warning', async () => {
      const path = `${admissionApi}/validatingadmissionpolicies/${policy[0].metadata.name}`;
      const { json } = await api.call('GET', path);
      assert.equal(json.status?.typeChecking?.expressionWarnings, undefined);
    });

    test('lets in whatever the injector makes, in every mode', async () => {
      const kinds: readonly Record<string, string>[] = [{}, { mode: 'init' }, { native: 'off' }];
      for (const annotations of kinds) {
        const asking = pod({ annotations: { config: 'specs', ...annotations } });
        assert.equal(await admit(injected(asking)), undefined, JSON.stringify(annotations));
      }
      assert.equal(await admit(injected(annotated())), undefined);
    });

    test('refuses a pod that asks and has none, and says why', async () => {
      assert.match((await admit(pod())) ?? '', /asks for an external-secrets-agent and has none/);
      assert.match((await admit(annotated())) ?? '', /has none/);
      assert.match((await admit(pod({ annotations: { config: 'specs', mode: 'init' } }))) ?? '', /has none/);
      const stripped = injected(pod());
      delete stripped.spec.initContainers[0].restartPolicy;
      delete stripped.spec.initContainers[0].startupProbe;
      delete stripped.spec.initContainers[0].livenessProbe;
      assert.match((await admit(stripped)) ?? '', /lost its restartPolicy/);
    });

    test('has nothing to do with others', async () => {
      const plain = pod();
      plain.metadata.labels = {};
      plain.metadata.annotations = {};
      assert.equal(await admit(plain), undefined);
      delete plain.metadata.labels;
      delete plain.metadata.annotations;
      assert.equal(await admit(plain), undefined);
      const declined = pod({ annotations: { config: 'specs', inject: 'true' } });
      declined.metadata.labels[`${prefix}inject`] = 'false';
      assert.equal(await admit(declined), undefined, 'the label wins');
    });
  });

  describe('policies/stores-use-tls.yaml', () => {
    const policy = documentsOf('policies/stores-use-tls.yaml');
    const plainStore = store({ vault: { server: 'http://vault.example.com:8200' } });
    before(async () => {
      await apply(policy);
      await until(async () => (await admit(plainStore)) !== undefined, 20_000, 100);
    });
    after(async () => await remove(policy));

    const admit = async (object: Loose): Promise<string | undefined> => {
      const { status, json } = await api.call('POST', `${pathOfStore(object)}?dryRun=All`, { body: object });
      return status === 201 ? undefined : json.message;
    };

    test('refuses stores without TLS and names the URL', async () => {
      assert.match((await admit(plainStore)) ?? '', /without TLS: http:\/\/vault\.example\.com:8200/);
      const others = [
        store({ vault: { server: ' HTTP://vault' } }, 'ClusterSecretStore'),
        store({ kubernetes: { server: { url: 'http://10.0.0.1' } } }),
        store({ vault: { server: 'http://127.0.0.1.example.com' } }),
        providerClass({ secretSmEndpoint: 'http://secretsmanager.eu-west-1.amazonaws.com' }),
      ];
      for (const each of others)
        assert.match((await admit(each)) ?? '', /without TLS/, JSON.stringify(each.spec));
      assert.match((await admit(providerClass({ tls: false }))) ?? '', /tls/);
    });

    test('takes all others', async () => {
      const good = [
        store({ vault: { server: 'https://vault.example.com' } }),
        store({ vault: { server: 'http://127.0.0.1:8200' } }),
        store({ vault: { server: 'http://[::1]:8200/' } }),
        store({ aws: { service: 'SecretsManager', region: 'eu-west-1' } }),
        providerClass({ region: 'eu-west-1' }),
      ];
      for (const each of good) assert.equal(await admit(each), undefined, JSON.stringify(each.spec));
    });
  });

  describe('helm', { skip: missing('helm', ['helm']) }, () => {
    const helm = async (...args: string[]): Promise<string> => {
      const env = { ...process.env, KUBECONFIG: api.kubeconfig };
      return (await run(findProgram('helm') ?? 'helm', args, { env, encoding: 'utf8' })).stdout;
    };
    const chart = join(root, 'manifests/helm');
    const where = ['--namespace', 'installed', '--create-namespace'];
    const secret = '/api/v1/namespaces/installed/secrets/agents-injector';
    const configuration = `${admissionApi}/mutatingwebhookconfigurations/agents-injector`;
    const contentType = 'application/strategic-merge-patch+json';

    test('installs, upgrades without touching what the injector wrote, and uninstalls', async () => {
      await helm('install', 'agents', chart, ...where);
      const data = { 'ca.crt': 'Q0E=' };
      assert.equal((await api.call('PATCH', secret, { body: { data }, contentType })).status, 200);
      const caBundle = Buffer.from(api.ca).toString('base64');
      const names = ['label', 'annotation'].map((each) => `${each}.agent.external-secrets.io`);
      const webhooks = names.map((each) => ({ name: each, clientConfig: { caBundle } }));
      assert.equal((await api.call('PATCH', configuration, { body: { webhooks }, contentType })).status, 200);

      await helm('upgrade', 'agents', chart, ...where, '--set', 'webhook.timeoutSeconds=7,replicas=3');
      assert.deepEqual((await api.call('GET', secret)).json.data, data);
      const { json } = await api.call('GET', configuration);
      for (const webhook of json.webhooks) {
        assert.equal(webhook.timeoutSeconds, 7);
        assert.equal(webhook.clientConfig.caBundle, caBundle);
      }
      const made = documentsIn(await helm('get', 'manifest', 'agents', '--namespace', 'installed'));
      assert.ok(made.length >= 10);
      const left = async (): Promise<readonly string[]> => {
        const paths = made.map((each) => `${pathOf(each)}/${each.metadata.name}`);
        const found = await Promise.all(
          paths.map(async (path) => ((await api.call('GET', path)).status === 404 ? [] : [path])),
        );
        return found.flat();
      };
      assert.equal((await left()).length, made.length);
      await helm('uninstall', 'agents', '--namespace', 'installed');
      assert.deepEqual(await left(), []);
      const { json: kept } = await api.call('GET', '/api/v1/namespaces/installed/secrets');
      assert.deepEqual(kept.items, [], 'nor does Helm keep a record');
    });
  });

  describe('kubectl kustomize', { skip: missing('kubectl', ['kubectl']) }, () => {
    const build = async (folder: string): Promise<readonly Loose[]> => {
      const path = join(root, 'manifests/kustomize', folder);
      const args = ['kustomize', path];
      return documentsIn((await run(findProgram('kubectl') ?? 'kubectl', args, { encoding: 'utf8' })).stdout);
    };

    for (const [folder, kinds] of [
      ['base', ['Deployment', 'Namespace', 'NetworkPolicy', 'PodDisruptionBudget', 'Secret']],
      ['overlays/cert-manager', ['Certificate', 'Deployment', 'Issuer', 'Namespace']],
      ['overlays/openshift', ['Deployment', 'SecurityContextConstraints']],
      ['overlays/monitoring', ['ConfigMap', 'PodMonitor', 'PrometheusRule']],
      ['overlays/gatekeeper', ['ConstraintTemplate', 'ExternalSecretStoreTLS']],
    ] as const) {
      test(`${folder} is built, and what this API server knows of it is accepted`, async () => {
        const documents = await build(folder);
        const found = documents.map(({ kind }) => kind);
        for (const kind of kinds) assert.ok(found.includes(kind), `${kind} of ${found}`);
        for (const document of documents.filter(({ apiVersion }) => !foreign.includes(apiVersion))) {
          const { status, json } = await api.call('POST', `${pathOf(document)}?dryRun=All`, {
            body: document,
          });
          if (json.reason !== 'AlreadyExists') assert.equal(status, 201, `${document.kind}: ${json.message}`);
        }
      });
    }

    test('every overlay is applied by kubectl', async () => {
      const apply = async (folder: string): Promise<string> => {
        const args = ['apply', '--kubeconfig', api.kubeconfig, '-k', folder];
        return await run(findProgram('kubectl') ?? 'kubectl', args).then(
          () => '',
          (error: Error) => error.message,
        );
      };
      const crds = [
        ['Issuer', 'cert-manager.io/v1'],
        ['Certificate', 'cert-manager.io/v1'],
        ['PodMonitor', 'monitoring.coreos.com/v1'],
        ['PrometheusRule', 'monitoring.coreos.com/v1'],
        ['ConstraintTemplate', 'templates.gatekeeper.sh/v1', 'Cluster'],
        ['ExternalSecretStoreTLS', 'constraints.gatekeeper.sh/v1beta1', 'Cluster'],
        ['SecurityContextConstraints', 'security.openshift.io/v1', 'Cluster'],
      ] as const;
      const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
      for (const [kind, apiVersion, scope = 'Namespaced'] of crds)
        await api.create(path, looseCrd(kind, scope, apiVersion));
      for (const overlay of ['cert-manager', 'openshift', 'monitoring', 'gatekeeper']) {
        const folder = join(root, 'manifests/kustomize/overlays', overlay);
        // A CRD is served a moment after it was made.
        await until(async () => (await apply(folder)) === '', 20_000);
      }
    });

    test('applied again, base leaves alone what the injector wrote', async () => {
      const apply = async () => {
        const folder = join(root, 'manifests/kustomize/base');
        const args = ['apply', '--kubeconfig', api.kubeconfig, '-k', folder];
        await run(findProgram('kubectl') ?? 'kubectl', args);
      };
      await apply();
      const secret = `/api/v1/namespaces/${namespace}/secrets/${name}`;
      const configuration = `${admissionApi}/mutatingwebhookconfigurations/${name}`;
      const contentType = 'application/strategic-merge-patch+json';
      const data = { 'ca.crt': 'Q0E=' };
      await api.call('PATCH', secret, { body: { data }, contentType });
      const caBundle = Buffer.from(api.ca).toString('base64');
      const webhooks = [{ name: 'label.agent.external-secrets.io', clientConfig: { caBundle } }];
      await api.call('PATCH', configuration, { body: { webhooks }, contentType });
      await apply();
      assert.deepEqual((await api.call('GET', secret)).json.data, data);
      assert.equal((await api.call('GET', configuration)).json.webhooks[0].clientConfig.caBundle, caBundle);
    });

    test('the dashboard is whole in its ConfigMap', async () => {
      const map = (await build('overlays/monitoring')).find(({ kind }) => kind === 'ConfigMap');
      const file = join(root, 'manifests/kustomize/overlays/monitoring/dashboard.json');
      assert.equal(map.data['external-secrets-agent.json'], readFileSync(file, 'utf8'));
    });
  });
});

/** As the bearer of a token, which in a pod the kubelet mounts. */
function kubeconfigOf({ url, ca }: ApiServer, token: string): string {
  const authority = Buffer.from(ca).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority-data': authority } }],
    users: [{ name: 'injector', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'injector' } }],
    'current-context': 'test',
  });
}

function annotated(): Loose {
  const made = pod({ annotations: { config: 'specs', inject: 'true' } });
  made.metadata.labels = {};
  return made;
}

function store(provider: object, kind = 'SecretStore'): Loose {
  return { apiVersion: 'external-secrets.io/v1', kind, metadata: { name: 'store' }, spec: { provider } };
}

function providerClass(aws: object): Loose {
  return {
    apiVersion: 'external-secrets.io/v1beta1',
    kind: 'SecretProviderClass',
    metadata: { name: 'class' },
    spec: { provider: { aws } },
  };
}

function pathOfStore(object: Loose): string {
  if (object.kind !== 'ClusterSecretStore') return pathOf(object, 'apps');
  return '/apis/external-secrets.io/v1/clustersecretstores';
}
