import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { AgentError } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { openKube } from '../../src/kube/client.ts';
import { secretIn } from '../../src/kube/resource.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { apiServerPrograms } from '../peers/apiserver.ts';
import { missing } from '../peers/process.ts';
import { Cluster, namespace } from './cluster.ts';

const { signal } = new AbortController();
const apiVersion = 'client.authentication.k8s.io/v1beta1';

describe('a kubeconfig that logs in with a program, as that of EKS', {
  skip: missing('kubernetes', apiServerPrograms),
}, () => {
  let cluster: Cluster;
  let folder: string;
  before(async () => {
    cluster = await Cluster.start();
    await cluster.allow({ apiGroups: [''], resources: ['secrets'], verbs: ['get'] });
    await cluster.make('db', { key: 'v' });
    folder = await mkdtemp(join(tmpdir(), 'esa-plugin-'));
    await writeFile(join(folder, 'ca.crt'), cluster.api.ca);
    await writeFile(join(folder, 'token'), cluster.token);
  });
  after(async () => {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** A program beside the kubeconfig, which writes down how it was called. */
  const open = async (script: string, exec: object = {}, clock = new ManualClock()) => {
    const program = `#!/bin/sh\ncd ${folder}\necho "$*|$ROLE|$KUBERNETES_EXEC_INFO" >> calls\n${script}\n`;
    await writeFile(join(folder, 'login'), program, { mode: 0o755 });
    await rm(join(folder, 'calls'), { force: true });
    const args = ['eks', 'get-token'];
    const env = [{ name: 'ROLE', value: 'reader' }];
    const user = { exec: { apiVersion, command: './login', args, env, ...exec } };
    const config = {
      'current-context': 'here',
      clusters: [{ name: 'c', cluster: { server: cluster.api.url, 'certificate-authority': 'ca.crt' } }],
      contexts: [{ name: 'here', context: { cluster: 'c', user: 'dev' } }],
      users: [{ name: 'dev', user }],
    };
    const file = join(folder, 'kubeconfig');
    await writeFile(file, JSON.stringify(config));
    return await openKube({ env: { PATH: process.env['PATH'], KUBECONFIG: file }, clock });
  };
  const credential = (status: string): string =>
    `printf '{"apiVersion": "${apiVersion}", "kind": "ExecCredential", "status": ${status}}'`;
  const withToken = (more = ''): string =>
    `printf '{"apiVersion": "${apiVersion}", "status": {"token": "%s"${more}}}' "$(cat token)"`;
  const calls = async (): Promise<string[]> =>
    (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n');

  test('is given its arguments, its variables and ExecCredential, and its token is used', async () => {
    const kube = await open(withToken(), { provideClusterInfo: true });
    assert.equal((await kube.get(secretIn(namespace, 'db'), signal))?.metadata.name, 'db');
    await kube.get(secretIn(namespace, 'db'), signal);
    await kube.close();
    const [call, ...others] = await calls();
    assert.deepEqual(others, []);
    const [args, role, info = ''] = call!.split('|');
    assert.deepEqual([args, role], ['eks get-token', 'reader']);
    const { spec, ...head } = JSON.parse(info);
    assert.deepEqual(head, { apiVersion, kind: 'ExecCredential' });
    assert.equal(spec.interactive, false);
    assert.equal(spec.cluster.server, cluster.api.url);
  });

  test('is run again before its token ends, once for all who ask', async () => {
    const clock = new ManualClock();
    const until = new Date(clock.now() + 60_000).toISOString();
    const kube = await open(withToken(`, "expirationTimestamp": "${until}"`), {}, clock);
    const read = () => kube.get(secretIn(namespace, 'db'), signal);
    await clock.advance(60_000 - limits.kubePluginEarlyMs - 1);
    await read();
    assert.equal((await calls()).length, 1);
    await writeFile(join(folder, 'login'), '#!/bin/sh\nexit 3\n', { mode: 0o755 });
    await clock.advance(1);
    await assert.rejects(read(), { code: 'AuthFailed' });
    await open(withToken());
    await Promise.all([read(), read(), read()]);
    assert.equal((await calls()).length, 2, 'one was the other kubeconfig’s');
    await kube.close();
  });

  test('may give a client certificate', async () => {
    const { cert, key } = cluster.api.admin;
    const status = JSON.stringify({ clientCertificateData: cert, clientKeyData: key });
    await writeFile(join(folder, 'credential'), JSON.stringify({ apiVersion, status: JSON.parse(status) }));
    const kube = await open('cat credential');
    assert.equal((await kube.get(secretIn(namespace, 'db'), signal))?.metadata.name, 'db');
    await kube.close();
  });

  const faults: Record<string, [string, object, RegExp]> = {
    'that fails': [
      'exit 255',
      {},
      /^the exec plugin \.\/login of user dev in the kubeconfig ended with 255$/,
    ],
    'that is not there': [
      '',
      { command: 'no-such-program' },
      /no-such-program of user dev .* is not on PATH$/,
    ],
    'whose path leads through a file': ['', { command: './ca.crt/login' }, /cannot be run: ENOTDIR$/],
    'that prints something else': ['echo CANARY', {}, /prints no ExecCredential of client\.auth/],
    'that gives nothing': [credential('{}'), {}, /gives neither a token nor a certificate with its key$/],
    'that asks questions': ['', { interactiveMode: 'Always' }, /wants to ask questions/],
    'of an old kind': ['', { apiVersion: 'client.authentication.k8s.io/v1alpha1' }, /other than .*v1beta1$/],
    'without a command': ['', { command: undefined }, /has no command/],
  };
  for (const [what, [script, exec, message]] of Object.entries(faults)) {
    test(`one ${what} is told, with what to do`, async () => {
      await assert.rejects(open(script, { installHint: 'install it', ...exec }), (error: AgentError) => {
        assert.match(error.message, message);
        assert.ok(error.code === 'SpecInvalid' || error.remedy === 'install it', error.remedy);
        assert.ok(!String(error.stack).includes('CANARY'));
        return true;
      });
    });
  }
});
